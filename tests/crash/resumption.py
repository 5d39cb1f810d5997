"""How long until somebody works on again at what a killed worker held."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.crash import dump
from tests.crash.service import send_signal

from logweir.backends.local.leases import SUSPECT_DEATHS

_WATCHED_SECONDS_MAX: Final = 30.0  # such a sample is a finding of its own
_POLL_SECONDS: Final = 0.004

RESUMED: Final = "resumed after a worker's death"
HANDED_BACK: Final = "handed back after a worker's death"
SUSPECTS: Final = "suspects alone resumed"
DISTURBED: Final = "resumed, with another fault before that"


@dataclass(frozen=True, slots=True)
class _Held:
    """What a worker held when it was killed."""

    messages: frozenset[int]
    sessions: frozenset[int]
    ordinary: bool  # else all of them are suspects, which wait for a turn of their own


class Resumptions:
    """Kills workers, and watches the broker's rows until a living worker holds one of theirs.

    Every death of a worker that held something is a sample. Those in which another fault came
    first are kept apart: they tell of two.
    """

    def __init__(self, broker: Path) -> None:
        self._broker = broker
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._faults = 0
        self._watches: list[asyncio.Task[None]] = []

    def kill(self, pids: Sequence[int]) -> None:
        """SIGKILL, and watch."""
        self.disturb()
        held = self._held_by(pids)
        for pid in pids:
            send_signal(pid, signal.SIGKILL)
        killed = time.monotonic()
        if held.messages:
            watch = asyncio.to_thread(self._watch, killed, held, self._faults)
            self._watches.append(asyncio.create_task(watch))

    def disturb(self) -> None:
        """Another fault comes."""
        self._faults += 1

    async def samples(self) -> Mapping[str, Sequence[float]]:
        """Seconds, by what they are, once all are known."""
        await asyncio.gather(*self._watches)
        return dict(self._seconds)

    def _held_by(self, pids: Sequence[int]) -> _Held:
        rows = dump.rows(
            self._broker,
            "SELECT m.id, m.lease, m.deaths FROM messages m JOIN sessions s ON s.id = m.lease"
            f" WHERE s.pid IN ({', '.join(map(str, pids))})",
        )
        ordinary = {message for message, _, deaths in rows if deaths + 1 < SUSPECT_DEATHS}
        return _Held(
            frozenset(ordinary or {message for message, *_ in rows}),
            frozenset(session for _, session, _ in rows),
            bool(ordinary),
        )

    def _watch(self, killed: float, held: _Held, fault: int) -> None:
        ids = ", ".join(map(str, held.messages))
        query = f"SELECT id, state, lease FROM messages WHERE id IN ({ids})"
        handed_back = False
        with dump.reading(self._broker) as db:
            while True:
                left = {id_: (state, lease) for id_, state, lease in db.execute(query)}
                seconds = time.monotonic() - killed
                dead = [1 for _, lease in left.values() if lease in held.sessions]
                if not dead and not handed_back:
                    handed_back = True
                    if self._faults == fault:
                        self._seconds[HANDED_BACK].append(seconds)
                # What is gone was held by somebody who has finished it.
                held_again = len(left) < len(held.messages) or any(
                    state == "leased" and lease not in held.sessions
                    for state, lease in left.values()
                )
                if held_again or seconds > _WATCHED_SECONDS_MAX:
                    self._seconds[self._kind(held, fault)].append(seconds)
                    return
                time.sleep(_POLL_SECONDS)

    def _kind(self, held: _Held, fault: int) -> str:
        if self._faults > fault:
            return DISTURBED
        return RESUMED if held.ordinary else SUSPECTS
