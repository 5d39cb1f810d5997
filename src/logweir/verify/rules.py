"""What a run promised, as far as it depends on how the service is set up."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NamedTuple

# A timer may fire a millisecond early, and times are cut to microseconds.
ONE_MACHINE_SKEW_SECONDS: Final = 0.005


class Redaction(NamedTuple):
    """How a tenant's texts are redacted."""

    redact: Callable[[str], str]
    version: str | None = None  # what rules of another have redacted is not compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How to redact, how long work takes, whose burial is right, and who else writes."""

    redaction: Callable[[str], Redaction]  # of a tenant
    seconds_per_character: float
    chunk_characters: int | None
    sick: AbstractSet[str] = frozenset()  # canaries of the texts that may be buried
    skew_seconds: float = ONE_MACHINE_SKEW_SECONDS  # by how much two clocks may differ
    finish_seconds: float | None = None  # from the 202, or the end of the last fault
    shared: bool = False  # others write to the same tenants: their logs are left alone

    def least_seconds(self, characters: int) -> float:
        """How long a text takes at least: its chunks are worked on side by side."""
        alone = min(characters, self.chunk_characters or characters)
        return alone * self.seconds_per_character
