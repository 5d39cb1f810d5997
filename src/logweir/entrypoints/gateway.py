"""The gateway's ASGI application: one route, POST /ingest.

headers ──examine──▶ body, by limits and deadline ──accept──▶ Envelope ──hand_over──▶ 202
   └── 404 405 429 4xx ──────┴── 408 413 429 ────────┴── 4xx ───┴── 503 (unknown) ──┘
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from logweir.clock import Clock
from logweir.entrypoints.deadline import Deadline
from logweir.entrypoints.http import Header, Intake, Message, Receive, Send, send_answer
from logweir.entrypoints.logs import blame
from logweir.envelope import Envelope
from logweir.errors import BrokerUnavailable, LogweirError, Rejection
from logweir.limits import Limits
from logweir.pipeline.accept import Opening, accept, examine
from logweir.pipeline.inflate import Coding
from logweir.pipeline.plan import Planner
from logweir.reasons import Reason

_log = structlog.get_logger()

ROUTE: Final = "/ingest"
_JSON: Final = (b"content-type", b"application/json")
_PROBLEM_JSON: Final = (b"content-type", b"application/problem+json")
_LARGE_MAX: Final = 4  # bodies that are packed or large, from opening to the broker, at once
_THREAD_BYTES: Final = 64 * 1024  # a larger body is read beside the loop, so that others go on


class Gateway:
    """The application. ``counts`` has the answers since the start: by reason, and ``accepted``."""

    def __init__(self, planner: Planner, clock: Clock, limits: Limits) -> None:
        self._planner = planner
        self._clock = clock
        self._limits = limits
        self._intake = Intake(limits)
        self._publishing = Deadline(limits.publish_seconds_max)
        # Bound once: the module's logger is bound anew at each call, also where nothing is logged.
        self._log = _log.bind()
        self._large = asyncio.Semaphore(_LARGE_MAX)
        self._requests = 0
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it holds."""
        if scope["type"] != "http":
            raise ValueError(f"no {scope['type']} here")
        self._requests += 1
        try:
            await self._answer(scope, receive, send)
        except Exception as error:
            self._log.error("request_failed", **blame(error))  # the server itself says nothing
            raise
        finally:
            self._requests -= 1

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        envelope = None
        try:
            opening = self._open(scope)
            body = await self._intake.receive(receive, opening.content_length)
            try:
                if len(body) <= _THREAD_BYTES and opening.coding is Coding.IDENTITY:
                    envelope = accept(opening, body, self._clock, self._limits)
                    await self._hand_over(envelope)
                else:
                    async with self._place_for_large():
                        envelope = await asyncio.to_thread(
                            accept, opening, body, self._clock, self._limits
                        )
                        await self._hand_over(envelope)
            finally:
                self._intake.release(body)
        except Rejection as rejection:
            self.counts[rejection.reason.code] += 1
            await _send_problem(send, rejection, envelope, self._limits)
            return
        self.counts["accepted"] += 1
        self._log.debug("accepted", tenant=envelope.tenant, log=envelope.log)
        answer = (
            f'{{"status":"accepted","tenant_id":"{envelope.tenant}","log_id":"{envelope.log}"}}'
        )
        await send_answer(send, 202, answer.encode(), _JSON)

    def _open(self, scope: Message) -> Opening:
        if scope["path"] != ROUTE:
            raise Rejection(Reason.NOT_FOUND, "Send POST /ingest.")
        if scope["method"] != "POST":
            raise Rejection(Reason.METHOD_NOT_ALLOWED, "Send POST.")
        if self._requests > self._limits.requests_max:
            raise Rejection(
                Reason.OVERLOADED,
                "Send it again later: too many requests are under way.",
                limit=self._limits.requests_max,
                actual=self._requests,
            )
        return examine(scope["headers"], self._limits)

    @asynccontextmanager
    async def _place_for_large(self) -> AsyncIterator[None]:
        """A few kilobytes may inflate to megabytes, so few such bodies are opened at once."""
        try:
            with self._publishing:
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

    async def _hand_over(self, envelope: Envelope) -> None:
        """Raises a Rejection with 503: whether the broker has the log is unknown then."""
        try:
            with self._publishing:
                await self._planner.hand_over(envelope)
        except (LogweirError, TimeoutError) as error:
            _log.error("publish_failed", tenant=envelope.tenant, log=envelope.log, error=str(error))
            in_broker = isinstance(error, BrokerUnavailable | TimeoutError)
            raise Rejection(
                Reason.BROKER_UNAVAILABLE if in_broker else Reason.STORE_UNAVAILABLE,
                "Send the same text again with this log_id: whatever happened, it is kept once.",
            ) from error


async def _send_problem(
    send: Send, rejection: Rejection, envelope: Envelope | None, limits: Limits
) -> None:
    """The refusal as application/problem+json (RFC 9457)."""
    reason = rejection.reason
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
    if envelope is not None:
        problem |= {"tenant_id": envelope.tenant, "log_id": envelope.log}
    headers: list[Header] = [_PROBLEM_JSON]
    if reason.status in (429, 503):
        headers.append((b"retry-after", str(limits.retry_after_seconds).encode()))
    if reason.status == 405:
        headers.append((b"allow", b"POST"))
    await send_answer(send, reason.status, json.dumps(problem).encode(), *headers)
