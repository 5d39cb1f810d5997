"""The gateway's ASGI application: one route, POST /ingest.

headers ──examine──▶ body, by limits and deadline ──accept──▶ Envelope ──hand_over──▶ 202
   └── 404 405 429 4xx ──────┴── 408 413 429 ────────┴── 4xx ───┴── 503 (unknown) ──┘
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from logweir.clock import Clock
from logweir.entrypoints.deadline import Deadline
from logweir.entrypoints.logs import blame
from logweir.envelope import Envelope
from logweir.errors import BrokerUnavailable, LogweirError, Rejection
from logweir.limits import Limits
from logweir.pipeline.accept import Opening, accept, body_too_large, examine
from logweir.pipeline.inflate import Coding
from logweir.pipeline.plan import Planner
from logweir.reasons import Reason

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = structlog.get_logger()

ROUTE: Final = "/ingest"
# A server may hand over each byte by itself, at 130 µs apiece: pieces beyond the first thousand
# must have this many bytes on average.
_PIECES_FREE: Final = 1000
_PIECE_BYTES_MIN: Final = 64
_LARGE_MAX: Final = 4  # bodies that are packed or large, from opening to the broker, at once
_THREAD_BYTES: Final = 64 * 1024  # a larger body is read beside the loop, so that others go on


class Gateway:
    """The application. ``counts`` has the answers since the start: by reason, and ``accepted``."""

    def __init__(self, planner: Planner, clock: Clock, limits: Limits) -> None:
        self._planner = planner
        self._clock = clock
        self._limits = limits
        self._receiving = Deadline(limits.receive_seconds_max)
        self._publishing = Deadline(limits.publish_seconds_max)
        # Bound once: the module's logger is bound anew at each call, also where nothing is logged.
        self._log = _log.bind()
        self._large = asyncio.Semaphore(_LARGE_MAX)
        self._requests = 0
        self._bytes = 0
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
            body = await self._receive_body(opening, receive)
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
                self._bytes -= len(body)
        except Rejection as rejection:
            self.counts[rejection.reason.code] += 1
            await _send_problem(send, rejection, envelope, self._limits)
            return
        self.counts["accepted"] += 1
        self._log.debug("accepted", tenant=envelope.tenant, log=envelope.log)
        answer = (
            f'{{"status":"accepted","tenant_id":"{envelope.tenant}","log_id":"{envelope.log}"}}'
        )
        await _send(send, 202, b"application/json", answer.encode())

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

    async def _receive_body(self, opening: Opening, receive: Receive) -> bytes:
        """The whole body; its bytes count as held until the caller gives them back."""
        body = bytearray()
        pieces = 0
        try:
            with self._receiving:
                while await self._receive_piece(body, receive):
                    pieces += 1
                    _check_pieces(pieces, len(body))
            _check_whole(body, opening)
        except BaseException as error:
            self._bytes -= len(body)
            if isinstance(error, TimeoutError):
                raise Rejection(
                    Reason.RECEIVE_TIMEOUT,
                    "Send the body faster. The limit is in seconds for the whole of it.",
                    limit=self._limits.receive_seconds_max,
                ) from None
            raise
        return bytes(body)

    async def _receive_piece(self, body: bytearray, receive: Receive) -> bool:
        message = await receive()
        if message["type"] != "http.request":
            # A client that closed but its sending half still gets this answer.
            raise Rejection(Reason.BODY_INCOMPLETE, "Send the whole body.", actual=len(body))
        piece = message.get("body", b"")
        body += piece
        self._bytes += len(piece)
        if len(body) > self._limits.body_bytes_max:
            raise body_too_large(len(body), self._limits)
        if self._bytes > self._limits.intake_bytes_max:
            raise Rejection(
                Reason.OVERLOADED,
                "Send it again later: the gateway holds as many bytes as it may.",
                limit=self._limits.intake_bytes_max,
            )
        return bool(message.get("more_body", False))

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


def _check_pieces(pieces: int, size: int) -> None:
    if pieces > _PIECES_FREE + size // _PIECE_BYTES_MIN:
        raise Rejection(
            Reason.BODY_FRAGMENTED, "Send larger chunks.", limit=_PIECE_BYTES_MIN, actual=pieces
        )


def _check_whole(body: bytearray, opening: Opening) -> None:
    if opening.content_length is not None and len(body) != opening.content_length:
        raise Rejection(
            Reason.BODY_INCOMPLETE,
            "Send as many bytes as Content-Length says.",
            limit=opening.content_length,
            actual=len(body),
        )


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
    headers = []
    if reason.status in (429, 503):
        headers.append((b"retry-after", str(limits.retry_after_seconds).encode()))
    if reason.status == 405:
        headers.append((b"allow", b"POST"))
    await _send(
        send, reason.status, b"application/problem+json", json.dumps(problem).encode(), headers
    )


async def _send(
    send: Send,
    status: int,
    content_type: bytes,
    body: bytes,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    fixed = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send(
        {"type": "http.response.start", "status": status, "headers": fixed + (headers or [])}
    )
    await send({"type": "http.response.body", "body": body})
