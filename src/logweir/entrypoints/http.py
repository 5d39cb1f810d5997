"""What the ASGI applications share: a body received by limits and deadline, an answer sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from logweir.entrypoints.deadline import Deadline
from logweir.errors import Rejection
from logweir.limits import Limits
from logweir.pipeline.accept import body_too_large
from logweir.reasons import Reason

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

# A server may hand over each byte by itself, at 130 µs apiece: pieces beyond the first thousand
# must have this many bytes on average.
PIECES_FREE: Final = 1000
PIECE_BYTES_MIN: Final = 64


class Intake:
    """Receives the bodies of one application, and knows how many bytes of them it holds."""

    def __init__(self, limits: Limits) -> None:
        """Only inside of a loop."""
        self._limits = limits
        self._receiving = Deadline(limits.receive_seconds_max)
        self._bytes = 0

    async def receive(self, receive: Receive, content_length: int | None) -> bytes:
        """The whole body, which counts as held until ``release``. Raises Rejection."""
        body = bytearray()
        pieces = 0
        try:
            with self._receiving:
                while await self._receive_piece(body, receive):
                    pieces += 1
                    _check_pieces(pieces, len(body))
            check_whole(body, content_length)
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

    def release(self, body: bytes) -> None:
        """The body is held no more."""
        self._bytes -= len(body)

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


async def send_answer(send: Send, status: int, body: bytes = b"", *headers: Header) -> None:
    """Send a whole answer."""
    fields = list(headers)
    if status != 204:  # which may not have one
        fields.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def _check_pieces(pieces: int, size: int) -> None:
    if pieces > PIECES_FREE + size // PIECE_BYTES_MIN:
        raise Rejection(
            Reason.BODY_FRAGMENTED, "Send larger chunks.", limit=PIECE_BYTES_MIN, actual=pieces
        )


def check_whole(body: bytes | bytearray, content_length: int | None) -> None:
    """Raises Rejection where the body has not the length that was declared, if one was."""
    if content_length is not None and len(body) != content_length:
        raise Rejection(
            Reason.BODY_INCOMPLETE,
            "Send as many bytes as Content-Length says.",
            limit=content_length,
            actual=len(body),
        )
