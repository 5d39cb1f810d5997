"""What becomes of a delivery: ACK or RETRY. One table for every back end.

| what the delivery is                    | verdict                                              |
|-----------------------------------------|------------------------------------------------------|
| done before, same text                  | ACK, without working again                           |
| worked on, stored                       | ACK                                                  |
| same id, other text                     | dead letter ``conflict``, ACK                        |
| cannot be read, or its checksum fails   | quarantined outside every tenant, ACK                |
| of a version that is not known yet      | RETRY                                                |
| store or broker unavailable, or its     | RETRY, however often                                 |
| file is not one that we may touch       |                                                      |
| its own work raised                     | published again with ``attempt`` one higher, ACK;    |
|                                         | at the last dead letter ``attempts_exhausted``, ACK  |
| handed out too often without an answer  | dead letter ``crash_loop``, unworked, ACK            |
| its plan is gone, and it is not done    | quarantined, ACK                                     |
| given up by its broker                  | published anew, ACK                                  |

The rule behind it: store before acknowledge, publish before acknowledge. So a crash between any
two lines leaves the delivery unacknowledged, and whoever gets it next finds what was done.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

import structlog

from logweir.clock import Clock
from logweir.envelope import Envelope, decode
from logweir.errors import Misconfigured, Unavailable, UnknownVersion, Unreadable
from logweir.limits import Limits
from logweir.pipeline.broker import Delivery, Publisher
from logweir.pipeline.plan import Planner
from logweir.pipeline.records import DeadLetter, Document, key_of
from logweir.pipeline.store import DeathCounter, Found, Store, Stored
from logweir.pipeline.work import Work
from logweir.reasons import Burial, Quarantine
from logweir.redact.policies import Redactors

_log = structlog.get_logger()

# What no log can help: it waits until the outage ends, the release is there, or the operator has
# put the right file in its place.
_NOT_ITS_FAULT: Final = (Unavailable, UnknownVersion, Misconfigured)
_THREAD_CHARACTERS: Final = (
    16_384  # longer texts are redacted beside the loop, so that heartbeats go on
)
_WHOLE_TEXTS_MAX: Final = 4  # planned texts in memory at once, but for those in work
_BACKOFF_SECONDS: Final = 0.5
_BACKOFF_SECONDS_MAX: Final = 10.0
_ERROR_CHARACTERS_MAX: Final = 500
# Counting deaths costs two writes a delivery, so it begins where something seems to be wrong.
_DELIVERIES_UNCOUNTED: Final = 10


@dataclass(frozen=True, slots=True)
class Ack:
    """Take it off the broker: what must be kept is kept."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Deliver it again, so many seconds from now."""

    after_seconds: float


Verdict = Ack | Retry


class Consumer:
    """The decision table over the ports; safe to call for many deliveries at once."""

    def __init__(
        self,
        *,
        store: Store,
        publisher: Publisher,
        planner: Planner,
        work: Work,
        clock: Clock,
        limits: Limits,
        redactors: Redactors | None = None,
        deaths: DeathCounter | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """``redactors``: by tenant, and by default the table's rules for all.

        ``deaths``: for a broker that cannot tell them from retries.
        """
        self._store = store
        self._deaths = deaths
        self._publisher = publisher
        self._planner = planner
        self._work = work
        self._clock = clock
        self._limits = limits
        self._redactors = redactors or Redactors()
        self._jitter = jitter
        # Many long texts may come to their end at the same moment, each of megabytes.
        self._whole_texts = asyncio.Semaphore(_WHOLE_TEXTS_MAX)

    async def consume(self, delivery: Delivery) -> Verdict:
        """Bring a delivery as far as it gets, and say what its broker must do with it.

        It may be cancelled at any await: whoever gets the delivery next goes on from there.
        """
        try:
            return await self._read(delivery)
        except _NOT_ITS_FAULT as error:
            after = self._backoff(delivery.deliveries)
            _log.warning("retry", error=str(error), after_seconds=round(after, 3))
            return Retry(after)

    async def _read(self, delivery: Delivery) -> Verdict:
        try:
            envelope = decode(delivery.raw)
        except Unreadable as error:
            return await self._quarantine(delivery, Quarantine.UNREADABLE, str(error))
        if delivery.given_up:
            # It was overload or a long outage; what kills its workers is found by its deaths.
            await self._publisher.publish([envelope])
            _event(envelope, "published_anew")
            return Ack()
        try:
            return await self._decide(envelope, delivery)
        except _NOT_ITS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001  # the user's own function may raise anything
            return await self._try_again(envelope, delivery, error)

    async def _decide(self, envelope: Envelope, delivery: Delivery) -> Verdict:
        found = await self._store.find(key_of(envelope))
        match found:
            case Found.SAME:
                # Its worker may have died between the document and forgetting the plan.
                await self._forget_plan(envelope)
                return Ack()
            case Found.OTHER:
                return await self._bury(envelope, delivery, Burial.CONFLICT)
            case Found.ABSENT:
                pass
            case _:
                assert_never(found)
        if delivery.unanswered is not None:
            return await self._bring_on(envelope, delivery, delivery.unanswered)
        if self._deaths is None or delivery.deliveries <= _DELIVERIES_UNCOUNTED:
            return await self._bring_on(envelope, delivery, 0)
        return await self._bring_on_counted(envelope, delivery, self._deaths)

    async def _bring_on_counted(
        self, envelope: Envelope, delivery: Delivery, counter: DeathCounter
    ) -> Verdict:
        """Where a death looks like a retry, what comes often is worked on between two marks."""
        key, chunk = key_of(envelope), None if envelope.chunk is None else envelope.chunk.index
        deaths = _DELIVERIES_UNCOUNTED + await counter.begin(key, chunk)
        verdict: Verdict | None = None
        try:
            verdict = await self._bring_on(envelope, delivery, deaths)
        finally:
            await counter.answer(key, chunk, done=verdict is not None)
        return verdict

    async def _bring_on(self, envelope: Envelope, delivery: Delivery, deaths: int) -> Verdict:
        if deaths >= self._limits.deliveries_max:
            return await self._bury(envelope, delivery, Burial.CRASH_LOOP)
        if envelope.chunk is not None:
            return await self._work_on_chunk(envelope, delivery, envelope.chunk.index)
        if envelope.text is None or self._planner.is_long(envelope):
            return await self._work_by_plan(envelope, delivery)
        await self._work(envelope.text)
        return await self._finish(envelope, envelope.text)

    async def _work_by_plan(self, envelope: Envelope, delivery: Delivery) -> Verdict:
        async with self._whole_texts:
            if envelope.text is None:
                plan = await self._store.load(key_of(envelope))
            else:
                plan = await self._planner.plan(envelope)
            if plan is None:
                return await self._without_plan(envelope, delivery)
            if plan.count > 1:
                if await self._planner.send_missing(plan):
                    return Ack()
                return await self._finish(envelope, plan.text)
        await self._work(plan.text)
        async with self._whole_texts:
            return await self._finish(envelope, plan.text)

    async def _work_on_chunk(self, envelope: Envelope, delivery: Delivery, index: int) -> Verdict:
        key = key_of(envelope)
        is_recorded = await self._store.is_recorded(key, index)
        if is_recorded is None or envelope.text is None:
            return await self._without_plan(envelope, delivery)
        if not is_recorded:
            await self._work(envelope.text)
        all_recorded = await self._store.record(key, index)
        if all_recorded is False:
            return Ack()
        async with self._whole_texts:
            plan = await self._store.load(key)
            if plan is None:
                return await self._without_plan(envelope, delivery)
            return await self._finish(envelope, plan.text)

    async def _finish(self, envelope: Envelope, text: str) -> Verdict:
        redactor = self._redactors.of(envelope.tenant)
        if len(text) > _THREAD_CHARACTERS:
            redacted = await asyncio.to_thread(redactor.redact, text)
        else:
            redacted = redactor.redact(text)
        stored = await self._store.create(
            Document(
                tenant_id=envelope.tenant,
                log_id=envelope.log,
                source=envelope.source,
                original_text=text,
                modified_data=redacted.text,
                received_at=envelope.received_at,
                processed_at=self._clock.now(),
                sha256=envelope.sha256,
                characters=envelope.characters,
                redactions=redacted.counts,
                rules_version=redactor.version,
                attempts=envelope.attempt,
            )
        )
        match stored:
            case Stored.CREATED | Stored.SAME:
                await self._forget_plan(envelope)
                _event(envelope, "log_stored", characters=envelope.characters)
                return Ack()
            case Stored.OTHER:
                return await self._bury_text(envelope, text, Burial.CONFLICT)
            case _:
                assert_never(stored)

    async def _try_again(self, envelope: Envelope, delivery: Delivery, error: Exception) -> Verdict:
        # The message of an error may quote the text, so only its type is logged.
        _event(envelope, "attempt_failed", attempt=envelope.attempt, error=type(error).__name__)
        if envelope.attempt >= self._limits.attempts_max:
            return await self._bury(envelope, delivery, Burial.ATTEMPTS_EXHAUSTED, _told(error))
        await self._clock.sleep(self._backoff(envelope.attempt))
        await self._publisher.publish([envelope.next_attempt()])
        return Ack()

    async def _bury(
        self, envelope: Envelope, delivery: Delivery, reason: Burial, error: str | None = None
    ) -> Verdict:
        if envelope.chunk is None and envelope.text is not None:
            return await self._bury_text(envelope, envelope.text, reason, error)
        async with self._whole_texts:
            plan = await self._store.load(key_of(envelope))
            if plan is None:
                return await self._without_plan(envelope, delivery)
            return await self._bury_text(envelope, plan.text, reason, error)

    async def _bury_text(
        self, envelope: Envelope, text: str, reason: Burial, error: str | None = None
    ) -> Verdict:
        await self._store.bury(
            DeadLetter(
                tenant_id=envelope.tenant,
                log_id=envelope.log,
                source=envelope.source,
                text=text,
                received_at=envelope.received_at,
                buried_at=self._clock.now(),
                sha256=envelope.sha256,
                characters=envelope.characters,
                reason=reason,
                error=error,
                attempts=envelope.attempt,
            )
        )
        await self._forget_plan(envelope)
        _event(envelope, "log_buried", reason=reason.value)
        return Ack()

    async def _without_plan(self, envelope: Envelope, delivery: Delivery) -> Verdict:
        key = key_of(envelope)
        if await self._store.find(key) is Found.SAME or await self._store.buried(key):
            return Ack()
        return await self._quarantine(delivery, Quarantine.PLAN_MISSING, "its plan is gone")

    async def _quarantine(self, delivery: Delivery, reason: Quarantine, detail: str) -> Verdict:
        await self._publisher.quarantine(delivery.raw, reason)
        _log.error("quarantined", reason=reason.value, detail=detail, bytes=len(delivery.raw))
        return Ack()

    async def _forget_plan(self, envelope: Envelope) -> None:
        if envelope.chunk is not None or envelope.text is None or self._planner.is_long(envelope):
            await self._store.forget(key_of(envelope))

    def _backoff(self, tries: int) -> float:
        longest = min(_BACKOFF_SECONDS_MAX, _BACKOFF_SECONDS * 2.0 ** min(tries - 1, 16))
        return longest * (0.5 + self._jitter() / 2)


def _told(error: Exception) -> str:
    """An error in words that a store can keep."""
    try:
        words = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  # of the user's own classes, and their __str__
        words = type(error).__name__
    # Half of a surrogate pair, as in a file's name, is what no store can keep.
    return words.encode(errors="backslashreplace").decode()[:_ERROR_CHARACTERS_MAX]


def _event(envelope: Envelope, event: str, **fields: object) -> None:
    chunk = {} if envelope.chunk is None else {"chunk": envelope.chunk.index}
    _log.info(event, tenant=envelope.tenant, log=envelope.log, **chunk, **fields)
