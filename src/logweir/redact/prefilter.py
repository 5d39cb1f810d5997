"""Which rules a line can match at all, told by one pass of hyperscan: the extra ``fast``.

Only the rules that it names have to run, and most lines have none. It may name one too many and
never one too few (superset.py), so what is redacted is the same without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from logweir.redact.rule import Forms, Range
from logweir.redact.superset import bytes_of, superset, width

if TYPE_CHECKING:
    from hyperscan import Database, Scratch

_WINDOW = 2048  # characters of a long line that are asked about together
_AROUND = 528  # beside them: no rule of the table needs more to be told (`width`)
_KEPT = 64  # tables of rules: the table itself, and those of tenants with rules of their own


class Unavailable(Exception):
    """There is no prefilter, and why; redaction goes on without, slower."""


@lru_cache(_KEPT)
def prefilter_of(rules: tuple[Forms, ...]) -> Prefilter:
    """The prefilter of these rules, compiled once in a process. Raises Unavailable."""
    return Prefilter(rules)


class Prefilter:
    """A table of rules as one database of hyperscan. Threads may share it."""

    def __init__(self, rules: Sequence[Forms]) -> None:
        """Compile it, which is slow.

        Raises Unavailable, and ValueError for a rule that may match an empty text.
        """
        forms = [(number, form) for number, rule in enumerate(rules) for form in rule]
        expressions = [superset(*form).encode("ascii") for _number, form in forms]
        try:
            import hyperscan
        except ImportError as error:
            raise Unavailable(f"hyperscan cannot be imported: {error}") from error
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            database.compile(
                expressions=expressions,
                ids=[number for number, _form in forms],
                elements=len(expressions),
                flags=hyperscan.HS_FLAG_SINGLEMATCH,
            )
        except hyperscan.error as error:
            raise Unavailable(f"hyperscan does not compile the rules: {error}") from error
        #: A mask of the rules that a text can match: bit n stands for rule n.
        self.possible = _possible(database)
        far = {number for number, form in forms if width(*form) > _AROUND}
        self._far = sum(1 << number for number in far)

    def ranges(self, text: str) -> dict[int, list[Range]]:
        """Where in a long line matches can begin: ranges, by the number of the rule.

        Each window is asked by itself, with what a match that begins in it may need beside it.
        """
        found: dict[int, list[Range]] = {}
        if self._far:
            found = {rule: [(0, len(text))] for rule in _numbers(self.possible(text) & self._far)}
        for first in range(0, len(text), _WINDOW):
            end = first + _WINDOW
            there = self.possible(text[max(0, first - _AROUND) : end + _AROUND])
            for rule in _numbers(there & ~self._far):
                ranges = found.setdefault(rule, [])
                begin = ranges.pop()[0] if ranges and ranges[-1][1] == first else first
                ranges.append((begin, end))
        return found


def _numbers(mask: int) -> Iterator[int]:
    """Those of its bits."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


def _possible(database: Database) -> Callable[[str], int]:
    scan, of_thread = database.scan, _OfThread(database)

    def possible(text: str) -> int:
        found: list[int] = []
        # By place: passing them by their names would be a good part of what a scan costs.
        scan(bytes_of(text), _note, 0, found, of_thread.scratch)
        mask = 0
        for rule in found:
            mask |= 1 << rule
        return mask

    return possible


class _OfThread(threading.local):
    """The memory a scan works in: hyperscan lets the lock go, so each thread needs its own."""

    def __init__(self, database: Database) -> None:
        from hyperscan import Scratch as NewScratch

        self.scratch: Scratch = NewScratch(database)


# The stubs call the context an object, and it is what was handed to the scan. Nothing is returned,
# for anything true would end the scan with an error.
def _note(rule: int, _start: int, _end: int, _flags: int, found: Any) -> None:
    found.append(rule)
