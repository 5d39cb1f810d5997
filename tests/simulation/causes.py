"""Why a log may be buried: counted apart from the product, by what has happened to it."""

from __future__ import annotations

from collections import Counter
from typing import Final, assert_never

from tests.simulation.loop import at_once
from tests.simulation.settings import Settings

from logweir.backends.memory import MemoryStore
from logweir.pipeline.records import DeadLetter, TextKey
from logweir.reasons import Burial

_DELIVERIES_UNCOUNTED: Final = 10  # where the store counts deaths, so many deliveries pass for them
_Counts = Counter[tuple[TextKey, int | None]]  # by text, and chunk of it


class Causes:
    """How often work on each part has raised, and its workers have died.

    A death is a lease that ended with the part in hand; where the store counts them, a beginning
    without an answer.
    """

    def __init__(self, settings: Settings, memory: MemoryStore) -> None:
        self._settings = settings
        self._memory = memory
        self.raised: _Counts = Counter()
        self._deaths: _Counts = Counter()
        self._deaths_most: _Counts = Counter()

    def died(self, key: TextKey, chunk: int | None) -> None:
        """A worker died of it, or begins and may die of it."""
        part = (key, chunk)
        self._deaths[part] += 1
        # What is done is counted anew; who has asked before may still act on what it was told.
        self._deaths_most[part] = max(self._deaths_most[part], self._deaths[part])

    def lived(self, key: TextKey, chunk: int | None, *, done: bool) -> None:
        """The last beginning was none of a death."""
        self._deaths[key, chunk] -= 1
        if done:
            del self._deaths[key, chunk]

    def justify(self, letter: DeadLetter) -> bool:
        """Has happened what the letter says?"""
        key, limits = letter.key, self._settings.limits
        match letter.reason:
            case Burial.CONFLICT:
                document = at_once(self._memory.document(key.tenant, key.log))
                return document is not None and document.sha256 != key.sha256
            case Burial.ATTEMPTS_EXHAUSTED:
                return _most(self.raised, key) >= limits.attempts_max
            case Burial.CRASH_LOOP:
                deaths = _most(self._deaths_most, key)
                if self._settings.counts_deaths:
                    deaths += _DELIVERIES_UNCOUNTED - 1  # the delivery that buries it has begun too
                return deaths >= limits.deliveries_max
            case _:
                assert_never(letter.reason)


def _most(counts: _Counts, key: TextKey) -> int:
    return max((count for (of, _), count in counts.items() if of == key), default=0)
