"""What is posted, and that every end of a request is an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.support.processes import free_port

from logweir.envelope import Source
from logweir.ids import LogId, TenantId
from logweir.verify.flood import Reply
from logweir.verify.post import Poster
from logweir.verify.traffic import Request

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def request(source: Source, log: str | None = None) -> Request:
    """A request of acme's."""
    return Request(
        index=0,
        tenant=TenantId("acme"),
        log=None if log is None else LogId(log),
        source=source,
        text="€ x",
        canary="canary-" + "x" * 20,
    )


@asynccontextmanager
async def poster(handler: Handler) -> AsyncIterator[Poster]:
    """A poster to a server that answers so."""
    app = web.Application()
    app.router.add_post("/ingest", handler)
    async with TestServer(app) as server, Poster(str(server.make_url("/ingest")), 4) as send:
        yield send


async def test_json_and_text_are_posted_with_their_ids() -> None:
    seen = []

    async def accept(got: web.Request) -> web.Response:
        body = await got.read()
        ids = got.headers.get("X-Tenant-ID"), got.headers.get("X-Log-ID")
        seen.append((got.headers["Content-Type"], ids, body))
        return web.json_response({"log_id": "made"}, status=202)

    async with poster(accept) as send:
        assert await send(request(Source.TEXT, "a1")) == Reply(status=202, log=LogId("made"))
        assert await send(request(Source.JSON)) == Reply(status=202, log=LogId("made"))
    assert seen[0] == ("text/plain", ("acme", "a1"), "€ x".encode())
    assert seen[1][:2] == ("application/json", (None, None))
    assert json.loads(seen[1][2]) == {"tenant_id": "acme", "text": "€ x"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"log_id": 5}'])
async def test_a_202_with_a_strange_body_is_a_202(body: bytes) -> None:
    async def accept(_: web.Request) -> web.Response:
        return web.Response(body=body, status=202)

    async with poster(accept) as send:
        assert await send(request(Source.TEXT)) == Reply(status=202)


async def test_a_refusal_is_its_status() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=503)

    async with poster(refuse) as send:
        assert await send(request(Source.TEXT)) == Reply(status=503)


async def test_a_connection_that_breaks_is_a_failure_of_its_kind() -> None:
    async def hang_up(got: web.Request) -> web.Response:
        assert got.transport
        got.transport.abort()
        await asyncio.sleep(0)
        return web.Response()

    async with poster(hang_up) as send:
        answer = await send(request(Source.TEXT))
    assert answer.status is None
    assert answer.failure in ("ServerDisconnectedError", "ClientOSError ECONNRESET")


async def test_nobody_there_is_a_failure_of_its_kind() -> None:
    async with Poster(f"http://127.0.0.1:{free_port()}/ingest", 4) as send:
        assert await send(request(Source.TEXT)) == Reply(
            failure="ClientConnectorError ECONNREFUSED"
        )
