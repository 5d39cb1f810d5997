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
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from logweir.clock import Clock
from logweir.verify.traffic import Request

# A loop's timers are no finer, and would spin: what is due within a tick is sent together.
_TICK_SECONDS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or the kind of the failure; and the log id of a 202."""

    status: int | None = None
    failure: str | None = None
    log: str | None = None


class Witness(Protocol):
    """Who is told what happens, at which monotonic time: a tally; a history to be checked later."""

    def invoked(self, request: Request, due: float, at: float) -> None:
        """A request is sent now; ``at`` later than ``due`` is the generator's own delay."""
        ...

    def ended(self, request: Request, due: float, at: float, answer: Answer) -> None:
        """It is answered, or has failed. Of a request that is cut off nothing more is heard."""
        ...


async def flood(
    requests: Iterable[Request],
    *,
    per_second: float,
    send: Callable[[Request], Awaitable[Answer]],
    witness: Witness,
    clock: Clock,
) -> None:
    """Send each request when it is due, and wait for the answers. Cancel it to cut it short."""

    async def shoot(request: Request, due: float) -> None:
        witness.invoked(request, due, clock.monotonic())
        answer = await send(request)
        witness.ended(request, due, clock.monotonic(), answer)

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
