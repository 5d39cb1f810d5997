"""Thousands of slow clients, or more than may be held at once: it stays quick and honest."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

import pytest
from tests.support.kept import queued
from tests.support.processes import running, until
from tests.support.wire import Answer, head, upload

from logweir.backends.memory import MemoryBroker, MemoryStore
from logweir.clock import SystemClock
from logweir.entrypoints.gateway import Gateway
from logweir.envelope import Envelope
from logweir.errors import BrokerUnavailable, Misconfigured, StoreUnavailable
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.plan import Planner
from logweir.reasons import Reason

# ---- slow clients ----------------------------------------------------------------------------

SLOW_CLIENTS: Final = 2000
GOOD_REQUESTS: Final = 300
P99_SECONDS_MAX: Final = 0.25


@contextlib.contextmanager
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SLOW_CLIENTS + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} descriptors may be had, and {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Tricklers:
    """Clients that send a byte now and then: half of them headers, half of them bodies."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.connected = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._trickle(number) for number in range(SLOW_CLIENTS)))

    async def _trickle(self, number: int) -> None:
        await asyncio.sleep(number / SLOW_CLIENTS)
        starts = (
            b"POST /ingest HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            head("Content-Type: text/plain", "X-Tenant-ID: slow", "Content-Length: 5000"),
        )
        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.connected += 1
        try:
            writer.write(starts[number % 2])
            while not self._stop.is_set():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.5)
        except ConnectionError:
            pass  # cut off, as it should be
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def test_two_thousand_tricklers_do_not_slow_down_the_others(tmp_path: Path) -> None:
    with (
        many_descriptors(),
        running("gateway", tmp_path / "data") as gateway,
        Tricklers(gateway.port) as tricklers,
    ):
        until(lambda: tricklers.connected == SLOW_CLIENTS, seconds=30)
        seconds = []
        for number in range(GOOD_REQUESTS):
            started = time.perf_counter()
            assert upload(gateway.port, "acme", f"log {number}").status == 202
            seconds.append(time.perf_counter() - started)
        seconds.sort()
        p50, p99 = seconds[GOOD_REQUESTS // 2], seconds[GOOD_REQUESTS * 99 // 100]
        print(f"{SLOW_CLIENTS} trickling: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms")
        assert p99 < P99_SECONDS_MAX
    assert {tenant for tenant, _ in queued(tmp_path / "data")} == {"acme"}


# ---- overload, with the application itself ---------------------------------------------------


class Broker(MemoryBroker):
    """A broker that answers when it is told to, or fails."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.answers = asyncio.Event()
        self.answers.set()
        self.failure: Exception | None = None
        self.held: list[Envelope] = []
        self.asked = 0

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        self.asked += 1
        await self.answers.wait()
        if self.failure:
            raise self.failure
        self.held += envelopes


class Site:
    """The application over a broker of ours, called as a server calls it."""

    def __init__(self, **limits: Any) -> None:
        self.broker = Broker()
        self.store = MemoryStore()
        planner = Planner(self.store, self.broker, 1200)
        self._app = Gateway(planner, SystemClock(), replace(DEFAULT_LIMITS, **limits))

    async def post(self, *pieces: bytes | None, coding: bytes = b"identity") -> Answer:
        """Send a text in pieces; None: the client goes away."""
        messages = [
            {"type": "http.disconnect"}
            if piece is None
            else {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
            for number, piece in enumerate(pieces, 1)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.sleep(0)
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [
            (b"content-type", b"text/plain"),
            (b"content-encoding", coding),
            (b"x-tenant-id", b"acme"),
        ]
        scope = {"type": "http", "method": "POST", "path": "/ingest", "headers": headers}
        await self._app(scope, receive, send)
        start, body = sent
        names = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], names, body["body"])


async def test_more_requests_than_may_be_under_way_are_told_to_come_again() -> None:
    site = Site(requests_max=2)
    site.broker.answers.clear()
    first, second = (asyncio.create_task(site.post(b"x")) for _ in range(2))
    await asyncio.sleep(0.01)
    refused = await site.post(b"y")
    assert (refused.status, refused.reason) == (429, Reason.OVERLOADED.code)
    assert refused.headers["retry-after"] == "1"
    assert (refused.json["limit"], refused.json["actual"]) == (2, 3)
    site.broker.answers.set()
    assert [(await task).status for task in (first, second)] == [202, 202]
    assert (await site.post(b"y")).status == 202
    assert len(site.broker.held) == 3


async def test_more_bytes_than_may_be_held_are_told_to_come_again() -> None:
    site = Site(intake_bytes_max=100)
    site.broker.answers.clear()
    held = asyncio.create_task(site.post(b"x" * 60))
    await asyncio.sleep(0.01)
    refused = await site.post(b"y" * 30, b"y" * 30)
    assert (refused.status, refused.reason) == (429, Reason.OVERLOADED.code)
    assert refused.headers["retry-after"] == "1"
    assert (await site.post(b"")).reason == Reason.EMPTY_TEXT.code
    site.broker.answers.set()
    assert (await held).status == 202
    assert (await site.post(b"y" * 60)).status == 202


async def test_of_bodies_that_inflate_few_are_open_at_once_and_the_others_wait_or_come_again() -> (
    None
):
    site = Site(publish_seconds_max=0.5)
    packed = gzip.compress(b"x" * 1_000_000)
    site.broker.answers.clear()
    posts = [asyncio.create_task(site.post(packed, coding=b"gzip")) for _ in range(10)]
    await asyncio.sleep(0.3)
    assert site.broker.asked == 4
    statuses = Counter([(await post).status for post in posts])
    assert statuses[503] >= 4
    assert statuses[429] >= 1
    assert statuses.total() == statuses[503] + statuses[429]
    site.broker.answers.set()
    assert (await site.post(packed, coding=b"gzip")).status == 202


@pytest.mark.parametrize(
    "pieces",
    [(b"x" * 60, None), (b"\xff" * 60,), (b"",), (b"x" * 60, b"x" * 100)],
    ids=["broken off", "not UTF-8", "empty", "too much"],
)
async def test_a_refusal_gives_back_the_bytes_that_it_held(pieces: tuple[bytes | None]) -> None:
    site = Site(intake_bytes_max=100)
    for _ in range(5):
        assert (await site.post(*pieces)).status in (400, 429)
    assert (await site.post(b"x" * 100)).status == 202


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (BrokerUnavailable("full"), Reason.BROKER_UNAVAILABLE),
        (StoreUnavailable("full"), Reason.STORE_UNAVAILABLE),
        (Misconfigured("another tenant's file"), Reason.STORE_UNAVAILABLE),
    ],
)
async def test_what_could_not_be_confirmed_is_503_with_the_id_to_retry_with(
    failure: Exception, reason: Reason
) -> None:
    site = Site()
    site.broker.failure = failure
    answer = await site.post(b"the text")
    assert (answer.status, answer.reason) == (503, reason.code)
    assert answer.headers["retry-after"] == "1"
    assert answer.json["tenant_id"] == "acme"
    assert len(answer.json["log_id"]) == 32
    assert b"the text" not in answer.body


async def test_a_broker_that_does_not_answer_in_time_is_unavailable() -> None:
    site = Site(publish_seconds_max=0.05)
    site.broker.answers.clear()
    answer = await site.post(b"x")
    assert (answer.status, answer.reason) == (503, Reason.BROKER_UNAVAILABLE.code)
    assert answer.json["log_id"]
