"""A row of the table of rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Range = tuple[int, int]

#: Decides on a candidate: (text, where it starts, the match of the pattern) -> what goes, or None.
Guard = Callable[[str, int, re.Match[str]], Range | None]


def everything(_text: str, start: int, match: re.Match[str]) -> Range:
    """The guard of a pattern that needs none."""
    return start, match.end()


@dataclass(frozen=True, slots=True)
class Rule:
    r"""One thing to find. Patterns are RE2 syntax, their repeats bounded or consuming, ASCII only.

        555    -0199        the pattern begins at a literal that is quick to find, and `before` is
        ^      ^            what has to stand in front of it: looking at each digit of a log
        before pattern      for a phone number would be twenty times slower

    In the examples «…» marks what goes; with the pattern they are the rule's documentation.
    """

    name: str
    finds: str  # in words; the reason that --explain gives
    gate: tuple[str, ...]  # a text with none of these, its case folded, cannot hold a match
    pattern: str
    takes: tuple[str, ...]
    leaves: tuple[str, ...] = ()
    guard: Guard = everything
    before: str = ""
    reach: int = 0  # the characters that `before` may take
    anchored: bool = (
        True  # matches begin where a gate's literal stands; otherwise the pattern searches
    )
