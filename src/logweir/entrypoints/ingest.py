"""POST /ingest, whoever serves it: the parts of a request in, an answer out. No ASGI, no Lambda.

headers ──open──▶ body, as the platform has it ──take──▶ Envelope ──admit──hand_over──▶ 202
   └── 404 405 429 4xx                              └── 4xx         └── 429  └── 503 (unknown)
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Final, NamedTuple

import structlog

from logweir.clock import Clock
from logweir.envelope import Envelope
from logweir.errors import BrokerUnavailable, LogweirError, Rejection
from logweir.limits import Limits
from logweir.pipeline.accept import Opening, RawHeaders, accept, examine
from logweir.pipeline.admission import Admission
from logweir.pipeline.inflate import Coding
from logweir.pipeline.plan import Planner
from logweir.reasons import Reason

_log = structlog.get_logger()

ROUTE: Final = "/ingest"
_LARGE_MAX: Final = 4  # bodies that are packed or large, from opening to the broker, at once
_THREAD_BYTES: Final = 64 * 1024  # a larger body is read beside the loop, so that others go on

Headers = tuple[tuple[bytes, bytes], ...]
# Raises TimeoutError in the task that enters it; entered again and again.
Deadline = AbstractContextManager[None]

_JSON: Final[Headers] = ((b"content-type", b"application/json"),)
_PROBLEM_JSON: Final[Headers] = ((b"content-type", b"application/problem+json"),)
_BACKLOG_REASONS: Final = (Reason.BACKLOG_FULL, Reason.TENANT_BACKLOG_FULL)


class Answer(NamedTuple):
    """What the client gets; ``reason`` is that of a refusal."""

    status: int
    headers: Headers
    body: bytes
    reason: Reason | None = None


class Ingest:
    """The one route. ``counts`` has the answers since the start: by reason, and ``accepted``."""

    def __init__(
        self, planner: Planner, clock: Clock, limits: Limits, admission: Admission | None = None
    ) -> None:
        """``admission``: the bounds on unfinished work; without it there are none."""
        self._planner = planner
        self._admission = admission
        self._clock = clock
        self._limits = limits
        # Bound once: the module's logger is bound anew at each call, also where nothing is logged.
        self._log = _log.bind()
        self._large = asyncio.Semaphore(_LARGE_MAX)
        self.counts: Counter[str] = Counter()

    def open(self, method: str, path: str, headers: RawHeaders, under_way: int) -> Opening:
        """Look at all but the body. ``under_way``: requests, with this one. Raises Rejection."""
        if path != ROUTE:
            raise Rejection(Reason.NOT_FOUND, "Send POST /ingest.")
        if method != "POST":
            raise Rejection(Reason.METHOD_NOT_ALLOWED, "Send POST.")
        if under_way > self._limits.requests_max:
            raise Rejection(
                Reason.OVERLOADED,
                "Send it again later: too many requests are under way.",
                limit=self._limits.requests_max,
                actual=under_way,
            )
        return examine(headers, self._limits)

    async def take(self, opening: Opening, body: bytes, publishing: Deadline) -> Answer:
        """The answer to a whole body: 202 once the broker has it."""
        envelope = None
        try:
            if len(body) <= _THREAD_BYTES and opening.coding is Coding.IDENTITY:
                envelope = accept(opening, body, self._clock, self._limits)
                await self._admit_and_hand_over(envelope, publishing)
            else:
                async with self._place_for_large(publishing):
                    envelope = await asyncio.to_thread(
                        accept, opening, body, self._clock, self._limits
                    )
                    await self._admit_and_hand_over(envelope, publishing)
        except Rejection as rejection:
            return self.refuse(rejection, envelope)
        self.counts["accepted"] += 1
        self._log.debug("accepted", tenant=envelope.tenant, log=envelope.log)
        answer = (
            f'{{"status":"accepted","tenant_id":"{envelope.tenant}","log_id":"{envelope.log}"}}'
        )
        return Answer(202, _JSON, answer.encode())

    def refuse(self, rejection: Rejection, envelope: Envelope | None = None) -> Answer:
        """The refusal as application/problem+json (RFC 9457)."""
        reason = rejection.reason
        self.counts[reason.code] += 1
        problem: dict[str, object] = {
            "type": f"urn:logweir:problem:{reason.code}",
            "title": reason.title,
            "status": reason.status,
            "detail": rejection.detail,
            "reason": reason.code,
        }
        if rejection.limit is not None:
            problem["limit"] = rejection.limit
        if rejection.actual is not None:
            problem["actual"] = rejection.actual
        if envelope is not None and reason.status == 503:  # what to send again, and cannot double
            problem |= {"tenant_id": envelope.tenant, "log_id": envelope.log}
        headers = _PROBLEM_JSON
        if reason.status in (429, 503):
            headers += ((b"retry-after", str(self._retry_after_seconds(reason)).encode()),)
        if reason.status == 405:
            headers += ((b"allow", b"POST"),)
        return Answer(reason.status, headers, json.dumps(problem).encode(), reason)

    def _retry_after_seconds(self, reason: Reason) -> int:
        # A backlog takes its time; and a reading of it may be as old as this.
        if reason in _BACKLOG_REASONS:
            return self._limits.backlog_retry_after_seconds
        return self._limits.retry_after_seconds

    @asynccontextmanager
    async def _place_for_large(self, publishing: Deadline) -> AsyncIterator[None]:
        """A few kilobytes may inflate to megabytes, so few such bodies are opened at once."""
        try:
            with publishing:
                await self._large.acquire()
        except TimeoutError:
            raise Rejection(
                Reason.OVERLOADED,
                "Send it again later: too many large bodies wait.",
                limit=_LARGE_MAX,
            ) from None
        try:
            yield
        finally:
            self._large.release()

    async def _admit_and_hand_over(self, envelope: Envelope, publishing: Deadline) -> None:
        """Raises a Rejection with 429 where too much is unfinished, and as ``_hand_over`` does."""
        if self._admission is None:
            return await self._hand_over(envelope, publishing)
        admitted = await self._admission.admit(envelope.tenant, envelope.characters)
        try:
            await self._hand_over(envelope, publishing)
        finally:
            self._admission.settle(admitted)

    async def _hand_over(self, envelope: Envelope, publishing: Deadline) -> None:
        """Raises a Rejection with 503: whether the broker has the log is unknown then."""
        try:
            with publishing:
                await self._planner.hand_over(envelope)
        except (LogweirError, TimeoutError) as error:
            _log.error("publish_failed", tenant=envelope.tenant, log=envelope.log, error=str(error))
            in_broker = isinstance(error, BrokerUnavailable | TimeoutError)
            raise Rejection(
                Reason.BROKER_UNAVAILABLE if in_broker else Reason.STORE_UNAVAILABLE,
                "Send the same text again with this log_id: whatever happened, it is kept once.",
            ) from error
