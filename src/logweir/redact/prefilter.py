"""Which rules a line can match at all, told by one pass of hyperscan: the extra ``fast``.

Only the rules that it names have to run, and most lines have none. It may name one too many and
never one too few (superset.py), so what is redacted is the same without it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from logweir.redact.superset import bytes_of, superset

if TYPE_CHECKING:
    from hyperscan import Database, Scratch

_KEPT = 64  # tables of rules: the table itself, and those of tenants with rules of their own


class Unavailable(Exception):
    """There is no prefilter, and why; redaction goes on without, slower."""


@lru_cache(_KEPT)
def prefilter_of(patterns: tuple[tuple[str, ...], ...]) -> Prefilter:
    """The prefilter of these rules, compiled once in a process. Raises Unavailable."""
    return Prefilter(patterns)


class Prefilter:
    """A table of rules as one database of hyperscan. Threads may share it."""

    def __init__(self, patterns: Sequence[tuple[str, ...]]) -> None:
        """Compile it, which is slow. For each rule: the patterns that have to match in a row.

        Raises Unavailable, and ValueError for a rule that may match an empty text.
        """
        expressions = [superset(*rule).encode("ascii") for rule in patterns]
        try:
            import hyperscan
        except ImportError as error:
            raise Unavailable(f"hyperscan cannot be imported: {error}") from error
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            database.compile(
                expressions=expressions,
                ids=range(len(expressions)),
                elements=len(expressions),
                flags=hyperscan.HS_FLAG_SINGLEMATCH,
            )
        except hyperscan.error as error:
            raise Unavailable(f"hyperscan does not compile the rules: {error}") from error
        self._scan = database.scan
        self._of_thread = _OfThread(database)

    def possible(self, text: str) -> int:
        """A mask of the rules that the text can match: bit n stands for rule n."""
        found: list[int] = []
        # By place: passing them by their names would be a good part of what a scan costs.
        self._scan(bytes_of(text), _note, 0, found, self._of_thread.scratch)
        mask = 0
        for rule in found:
            mask |= 1 << rule
        return mask


class _OfThread(threading.local):
    """The memory a scan works in: hyperscan lets the lock go, so each thread needs its own."""

    def __init__(self, database: Database) -> None:
        from hyperscan import Scratch as NewScratch

        self.scratch: Scratch = NewScratch(database)


# The stubs call the context an object, and it is what was handed to the scan. Nothing is returned,
# for anything true would end the scan with an error.
def _note(rule: int, _start: int, _end: int, _flags: int, found: Any) -> None:
    found.append(rule)
