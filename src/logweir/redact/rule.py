"""A row of the table of rules."""

from __future__ import annotations

from collections.abc import Callable

from logweir.redact.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import re

Range = tuple[int, int]
Forms = tuple[tuple[str, ...], ...]  # each is patterns that match one behind the other

#: Decides on a candidate: (text, where it starts, the match of the pattern) -> what goes, or None.
Guard = Callable[[str, int, "re.Match[str]"], Range | None]


def everything(_text: str, start: int, match: re.Match[str]) -> Range:
    """The guard of a pattern that needs none."""
    return start, match.end()


class Rule(NamedTuple):
    r"""One thing to find. Patterns are RE2 syntax, their repeats bounded or consuming, ASCII only.

        555-    867-5309    a match of the pattern begins at a literal of the gate, and `before` is
        ^       ^           what has to stand in front of it: looking at each digit of a log for
        before  pattern     a phone number would be twenty times slower

    In the examples «…» marks what goes; with the pattern they are the rule's documentation.
    """

    name: str
    finds: str  # in words; the reason that --explain gives
    gate: tuple[str, ...]  # literals of the line or its shape (gates.py): with none is no match
    pattern: str
    takes: tuple[str, ...]
    leaves: tuple[str, ...] = ()
    guard: Guard = everything
    before: str = ""
    reach: int = 0  # the characters that `before` may take
    anchored: bool = True  # matches begin where a literal stands; otherwise the pattern searches
    times: int = 1  # how often a literal of the gate stands in the line, at least
    sketch: str = ""  # a pattern that matches the line, too, its letters a and A, its digits 0
    narrowed: Callable[[str], Forms] | None = None  # the pattern, to what the guard may take of it
    spans_lines: bool = False  # every other rule sees one line at a time

    @property
    def forms(self) -> Forms:
        """Of all that the guard may take."""
        if self.narrowed:
            return self.narrowed(self.pattern)
        return (tuple(filter(None, (self.before, self.pattern))),)

    @property
    def is_shaped(self) -> bool:
        """Whether the gate is written for a text's shape: where cases are one, or may be."""
        return self.pattern.startswith("(?i)") or not self.anchored
