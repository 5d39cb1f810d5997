"""Pushes as Pub/Sub makes them, and the application called as a server calls it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any, Final

from tests.support.wire import Answer

from logweir.entrypoints.http import App

LOGS: Final = "projects/p/subscriptions/logweir-logs"
CHUNKS: Final = "projects/p/subscriptions/logweir-chunks"
DEAD: Final = "projects/p/subscriptions/logweir-dead"


def a_push(raw: bytes, *, subscription: str = LOGS, attempt: int | None = None) -> bytes:
    """The body of a push, with every member that Pub/Sub documents."""
    message = {
        "attributes": {"tenant": "acme", "kind": "log"},
        "data": base64.b64encode(raw).decode(),
        "messageId": "2070443601311540",
        "message_id": "2070443601311540",
        "publishTime": "2026-02-26T19:13:55.749Z",
        "publish_time": "2026-02-26T19:13:55.749Z",
    }
    pushed: dict[str, Any] = {"message": message, "subscription": subscription}
    if attempt is not None:
        pushed["deliveryAttempt"] = attempt
    return json.dumps(pushed).encode()


async def post(
    app: App,
    *pieces: bytes | None,
    path: str = "/",
    method: str = "POST",
    headers: Sequence[tuple[bytes, bytes]] | None = None,
) -> Answer:
    """The answer to a body in pieces; None: the client goes away. No headers: its length is told.

    A body without pieces never comes.
    """
    messages = [
        {"type": "http.disconnect"}
        if piece is None
        else {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]
    if headers is None:
        headers = [(b"content-length", b"%d" % sum(len(piece or b"") for piece in pieces))]
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(0)
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    await app(scope, receive, send)
    start, body = sent
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], names, body["body"])
