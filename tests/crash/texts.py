"""Texts for the kill tests: each with a canary in every line, so that each part is known."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from typing import Final

TENANTS: Final = ("acme", "ACME", "acme2", "globex", "initech.eu")
POISON: Final = "poison-pill"  # tests.crash.doomed: the work of such a text kills its worker


@dataclass(frozen=True, slots=True)
class Text:
    """A text and its canary."""

    text: str
    canary: str


def make_text(rng: random.Random, characters: int, mark: str = "") -> Text:
    """About ``characters`` long, of lines that no other text has, with something to redact."""
    canary = "canary-" + "".join(rng.choices(string.ascii_lowercase, k=20))
    lines: list[str] = []
    length = 0
    while length < characters:
        line = (
            f"{mark} {canary} line {len(lines)} user 555-{rng.randrange(10_000):04} logged in"
            f" from 10.0.{rng.randrange(256)}.{rng.randrange(256)} ünï 🪵\n"
        )
        lines.append(line)
        length += len(line)
    return Text("".join(lines)[: max(characters, len(mark) + 40)], canary)
