"""More than may be held or published at once: the gateway says so at once, and stays honest."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.support.wire import Answer

from logweir.backends.memory import MemoryBroker, MemoryStore
from logweir.clock import SystemClock
from logweir.entrypoints.gateway import Gateway
from logweir.envelope import Envelope
from logweir.errors import BrokerUnavailable, Misconfigured, StoreUnavailable
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.plan import Planner
from logweir.reasons import Reason

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
