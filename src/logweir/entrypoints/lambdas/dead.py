"""What SQS itself has given up is brought back, once an hour, by an event of the scheduler's.

It is published anew and then acknowledged: the consumer does the one, and this the other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final, assert_never

import structlog

from logweir.clock import Clock
from logweir.entrypoints.logs import blame
from logweir.errors import BrokerUnavailable, LeaseLost
from logweir.limits import MIB
from logweir.pipeline.consume import Ack, Consumer, Retry, Verdict
from logweir.pipeline.source import Session

_log = structlog.get_logger()

EVENT: Final = {"drain": "dead"}
_SLOTS: Final = 100
_BYTES_MAX: Final = 64 * MIB
_POLL_SECONDS: Final = 0.1
_EMPTY_SECONDS: Final = 3.0  # longer than a session's long poll, which asks all of a queue
# What a claim may still take when the time is over: to publish it, to acknowledge it, to end.
_MARGIN_SECONDS: Final = 15.0


async def drain(
    begin_session: Callable[[], Awaitable[Session]],
    consumer: Consumer,
    clock: Clock,
    seconds_left: float,
) -> dict[str, int]:
    """Until nothing comes any more, nothing can be done, or the time is over; what was done."""
    counts = Counter(acknowledged=0, delayed=0)
    try:
        session = await begin_session()
        try:
            await _empty(session, consumer, clock, seconds_left - _MARGIN_SECONDS, counts)
        finally:
            await session.end()
    except (BrokerUnavailable, LeaseLost) as error:
        _log.warning("drain_broke_off", error=str(error))  # the next one goes on
    _log.info("drained", **counts)
    return dict(counts)


async def _empty(
    session: Session, consumer: Consumer, clock: Clock, seconds: float, counts: Counter[str]
) -> None:
    now = clock.monotonic()
    ends_at, empty_at = now + seconds, now + _EMPTY_SECONDS
    while now < min(ends_at, empty_at):
        claims = await session.claim(_SLOTS, _BYTES_MAX, 0)
        if claims:
            done = await asyncio.gather(*(_bring_on(session, consumer, claim) for claim in claims))
            counts.update(done)
            if "acknowledged" not in done:
                return  # an outage, which need not end within this hour
            empty_at = clock.monotonic() + _EMPTY_SECONDS
        else:
            await clock.sleep(_POLL_SECONDS)
        now = clock.monotonic()


async def _bring_on(session: Session, consumer: Consumer, claim: Any) -> str:
    try:
        verdict: Verdict = await consumer.consume(claim.delivery)
    except Exception as error:  # noqa: BLE001  # a bug: it is handed back at the session's end
        _log.error("consume_failed", **blame(error))
        return "failed"
    match verdict:
        case Ack():
            await session.acknowledge(claim)
            return "acknowledged"
        case Retry(after_seconds):
            await session.delay(claim, after_seconds)
            return "delayed"
        case _:
            assert_never(verdict)
