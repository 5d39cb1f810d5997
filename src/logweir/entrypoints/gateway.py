"""The gateway's ASGI application: one route, POST /ingest.

headers ──open──▶ body, by limits and deadline ──take──▶ 202
   └── 404 405 429 4xx ──┴── 408 413 429 ──────────┴── 4xx, 429, 503 (unknown)
"""

from __future__ import annotations

from collections import Counter

import structlog

from logweir.clock import Clock
from logweir.entrypoints.deadline import Deadline
from logweir.entrypoints.http import Intake, Message, Receive, Send, send_answer
from logweir.entrypoints.ingest import Answer, Ingest
from logweir.entrypoints.logs import blame
from logweir.errors import Rejection
from logweir.limits import Limits
from logweir.pipeline.admission import Admission
from logweir.pipeline.plan import Planner

_log = structlog.get_logger()


class Gateway:
    """The application. ``counts`` has the answers since the start: by reason, and ``accepted``."""

    def __init__(
        self, planner: Planner, clock: Clock, limits: Limits, admission: Admission | None = None
    ) -> None:
        """Only inside of a loop. Without ``admission`` unfinished work has no bound."""
        self._ingest = Ingest(planner, clock, limits, admission)
        self._intake = Intake(limits)
        self._publishing = Deadline(limits.publish_seconds_max)
        self._requests = 0
        self.counts: Counter[str] = self._ingest.counts

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it holds."""
        if scope["type"] != "http":
            raise ValueError(f"no {scope['type']} here")
        self._requests += 1
        try:
            answer = await self._answer(scope, receive)
            await send_answer(send, answer.status, answer.body, *answer.headers)
        except Exception as error:
            _log.error("request_failed", **blame(error))  # the server itself says nothing
            raise
        finally:
            self._requests -= 1

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        ingest = self._ingest
        try:
            opening = ingest.open(scope["method"], scope["path"], scope["headers"], self._requests)
            body = await self._intake.receive(receive, opening.content_length)
        except Rejection as rejection:
            return ingest.refuse(rejection)
        try:
            return await ingest.take(opening, body, self._publishing)
        finally:
            self._intake.release(body)
