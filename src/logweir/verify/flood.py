"""The flood: an open loop.

    due   t0      t0+1/r    t0+2/r    t0+3/r        whatever the server does
    sent  |       |         |         |
    done  ├──▶    ├───────────────────┼──▶          a slow answer delays no other request,
                  └──── latency ──────┘             and is measured from when it was due

A closed loop waits for the answer before it sends again: a server that stalls is then asked less,
and the stall is counted once instead of for everyone who would have met it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from logweir.clock import Clock
from logweir.ids import LogId
from logweir.verify.traffic import Request

# A loop's timers are no finer, and would spin: what is due within a tick is sent together.
_TICK_SECONDS: Final = 0.001
_OVERLOADED: Final = 429
_PAUSE_SECONDS: Final = 1.0  # before the first repeat; twice as long before each next one
_PAUSE_SECONDS_MAX: Final = 8.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status, or the kind of the failure; and the log id of a 202 or 503."""

    status: int | None = None
    failure: str | None = None
    log: LogId | None = None


class Witness(Protocol):
    """Who is told what happens, at which monotonic time: a tally; a history to be checked later."""

    def invoked(self, request: Request, due: float, at: float) -> None:
        """A request is sent now; ``at`` later than ``due`` is the generator's own delay."""
        ...

    def ended(self, request: Request, due: float, at: float, reply: Reply) -> None:
        """It is answered, or has failed. Of a request that is cut off nothing more is heard."""
        ...


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Several at once, in this order."""

    each: Sequence[Witness]

    def invoked(self, request: Request, due: float, at: float) -> None:
        """Tell them."""
        for witness in self.each:
            witness.invoked(request, due, at)

    def ended(self, request: Request, due: float, at: float, reply: Reply) -> None:
        """Tell them."""
        for witness in self.each:
            witness.ended(request, due, at, reply)


async def flood(
    requests: Iterable[Request],
    *,
    per_second: float,
    send: Callable[[Request], Awaitable[Reply]],
    witness: Witness,
    clock: Clock,
    repeats: int = 0,
) -> None:
    """Send each request when it is due, and wait for the answers. Cancel it to cut it short.

    ``repeats``: how often one is sent again that was not accepted, where that is safe; each time
    is a request of its own to the witness, due when it is sent.
    """

    async def shoot(request: Request, due: float) -> None:
        for pause in (*_pauses(repeats), None):
            witness.invoked(request, due, clock.monotonic())
            reply = await send(request)
            witness.ended(request, due, clock.monotonic(), reply)
            repeat = _repeat(request, reply)
            if pause is None or repeat is None:
                return
            await clock.sleep(pause)
            request, due = repeat, clock.monotonic()

    start = clock.monotonic()
    async with asyncio.TaskGroup() as shots:
        for number, request in enumerate(requests):
            due = start + number / per_second
            early = due - clock.monotonic()
            if early > 0:
                await clock.sleep(max(early, _TICK_SECONDS))
            else:
                await asyncio.sleep(0)  # behind its time it must still let the answers in
            shots.create_task(shoot(request, due))


def _pauses(repeats: int) -> Iterable[float]:
    return (min(_PAUSE_SECONDS * 2.0**number, _PAUSE_SECONDS_MAX) for number in range(repeats))


def _repeat(request: Request, reply: Reply) -> Request | None:
    """The request once more, if that cannot keep its log twice: None where it can, or need not.

    What was refused for overload was not kept. Of anything else that is not final nobody knows; so
    it must have an id, its own or the one that the 503 told.
    """
    log = request.log or reply.log
    unknown = reply.status is None or reply.status >= 500
    if reply.status == _OVERLOADED or (unknown and log is not None):
        return replace(request, log=log, attempt=request.attempt + 1)
    return None
