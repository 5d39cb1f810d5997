"""The gateway's HTTP server, with its settings, that reads each body and answers a bare 202."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import uvloop

from logweir.entrypoints.gateway import Gateway
from logweir.entrypoints.http import Message, Receive, Send
from logweir.entrypoints.server import BoundServer, bind

_ANSWER = b'{"status":"accepted"}'


async def _app(_scope: Message, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ANSWER))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})


async def _main(port: int) -> None:
    server: Any = BoundServer(cast(Gateway, _app), bind("127.0.0.1", port))
    await server.serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(int(sys.argv[1])))
