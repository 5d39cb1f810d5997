"""The publisher on Pub/Sub's emulator: what it sends, in how few requests, and its outages."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("google.pubsub_v1", reason="comes with the extra gcp")

import grpc.aio
from scripts.emulators import Emulator
from tests.support.logs import GLOBEX, a_chunk, a_log, a_plan
from tests.support.pubsub import CountedCall, channel_to, provisioned, pulled

from logweir.backends.gcp import publish, publisher
from logweir.backends.gcp.names import Names
from logweir.backends.gcp.publisher import MESSAGE_BYTES_MAX, PubSubPublisher
from logweir.backends.memory import MemoryStore
from logweir.envelope import Envelope, decode, encode
from logweir.errors import BrokerUnavailable
from logweir.ids import TenantId
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.plan import Planner
from logweir.reasons import Quarantine

REQUEST_BYTES_MAX = 10_000_000  # https://cloud.google.com/pubsub/quotas


@pytest.fixture
async def channel(pubsub: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the emulator."""
    async with channel_to(pubsub) as channel:
        yield channel


@pytest.fixture
async def names(channel: grpc.aio.Channel, project: str) -> Names:
    """Topics and subscriptions of the test's own."""
    names = Names(project, "logweir")
    await provisioned(channel, names)
    return names


@pytest.fixture
def published(channel: grpc.aio.Channel, names: Names) -> PubSubPublisher:
    """A publisher to them."""
    return PubSubPublisher(channel, names)


def of_size(publisher: PubSubPublisher, size: int, **fields: Any) -> Envelope:
    """A log whose encoding is exactly so large."""
    empty = publisher.size(a_log("x" * (size // 2), **fields)) - size // 2
    log = a_log("x" * (size - empty), **fields)
    return a_log("x" * (2 * size - empty - publisher.size(log)), **fields)


async def test_a_message_is_the_readable_envelope_and_says_whose_it_is(
    channel: grpc.aio.Channel, names: Names, published: PubSubPublisher
) -> None:
    log, chunk = a_log("naïve 🙂\0", tenant=GLOBEX), a_chunk("abcdef", 1, 2, 4)
    await published.publish([log, chunk])
    [message] = await pulled(channel, names.subscription("logweir-logs"), 1)
    assert message.data == encode(log)
    assert "tenant: globex\n" in message.data.decode()
    assert dict(message.attributes) == {
        "tenant": "globex",
        "log": "log-1",
        "source": "json_upload",
        "kind": "log",
    }
    [message] = await pulled(channel, names.subscription("logweir-chunks"), 1)
    assert decode(message.data) == chunk
    assert dict(message.attributes) == {
        "tenant": "acme",
        "log": "log-1",
        "source": "text_upload",
        "kind": "chunk",
    }


async def test_what_is_quarantined_keeps_its_bytes_and_says_why(
    channel: grpc.aio.Channel, names: Names, published: PubSubPublisher
) -> None:
    await published.quarantine(b"\xff\0what", Quarantine.UNREADABLE)
    await published.quarantine(b"", Quarantine.PLAN_MISSING)
    messages = await pulled(channel, names.subscription("logweir-quarantine"), 2)
    found = sorted((message.data, dict(message.attributes)["quarantine"]) for message in messages)
    assert found == [(b"", "plan_missing"), (b"\xff\0what", "unreadable")]


async def test_a_message_of_exactly_the_most_is_taken_and_comes_back(
    channel: grpc.aio.Channel, names: Names, published: PubSubPublisher
) -> None:
    most = published.message_bytes_max
    log = of_size(published, most, tenant=TenantId("t" * 128), log="l" * 128)
    assert published.size(log) == len(encode(log)) == most
    await published.publish([log])
    [message] = await pulled(channel, names.subscription("logweir-logs"), 1)
    assert decode(message.data) == log


async def test_what_is_one_byte_larger_goes_by_a_plan(
    channel: grpc.aio.Channel, names: Names, published: PubSubPublisher
) -> None:
    store = MemoryStore()
    planner = Planner(store, published, None)
    fits = of_size(published, published.message_bytes_max, log="fits")
    larger = of_size(published, published.message_bytes_max + 1, log="larger")
    await planner.hand_over(fits)
    await planner.hand_over(larger)
    messages = await pulled(channel, names.subscription("logweir-logs"), 2)
    texts = {decode(message.data).log: decode(message.data).text for message in messages}
    assert texts == {"fits": fits.text, "larger": None}


def test_no_request_is_larger_than_pub_sub_takes() -> None:
    attributes = {"tenant": "t" * 128, "log": "l" * 128, "source": "text_upload", "kind": "chunk"}
    topic = f"projects/{'p' * 30}/topics/{'t' * 255}"
    for count, size in ((1, MESSAGE_BYTES_MAX), (1000, REQUEST_BYTES_MAX // 1000 - 2048 - 3)):
        batched = count * (size + publisher._OTHER_BYTES)
        assert batched <= REQUEST_BYTES_MAX - publisher._OTHER_BYTES
        entries = [{"key": key, "value": value} for key, value in attributes.items()]
        message = {"data": b"x" * size, "attributes": entries}
        request = publish._Request(topic=topic, messages=[message] * count)
        assert request.ByteSize() <= REQUEST_BYTES_MAX


async def test_a_thousand_that_publish_at_once_need_few_requests(
    channel: grpc.aio.Channel, names: Names, published: PubSubPublisher
) -> None:
    counted = CountedCall(published._publish)
    published._publish = counted  # type: ignore[assignment]
    logs = [a_log(log=f"log-{number}") for number in range(1000)]
    await asyncio.gather(*(published.publish([log]) for log in logs))
    assert sum(counted.messages) == 1000
    assert len(counted.messages) <= 4
    messages = await pulled(channel, names.subscription("logweir-logs"), 1000)
    assert sorted(message.data for message in messages) == sorted(map(encode, logs))


async def test_those_that_come_one_after_the_other_share_requests_too(
    channel: grpc.aio.Channel, published: PubSubPublisher
) -> None:
    counted = CountedCall(published._publish)
    published._publish = counted  # type: ignore[assignment]
    calls = []
    for number in range(500):
        calls.append(asyncio.create_task(published.publish([a_log(log=f"log-{number}")])))
        await asyncio.sleep(0)
    await asyncio.gather(*calls)
    assert sum(counted.messages) == 500
    assert len(counted.messages) < 250


async def test_all_chunks_of_a_plan_take_one_request(
    channel: grpc.aio.Channel, names: Names, published: PubSubPublisher
) -> None:
    plan = a_plan("0123456789" * 40, 1)
    counted = CountedCall(published._publish)
    published._publish = counted  # type: ignore[assignment]
    await published.publish([plan.chunk(index) for index in range(plan.count)])
    assert counted.messages == [400]


async def test_closing_waits_for_what_is_under_way(
    channel: grpc.aio.Channel, names: Names, published: PubSubPublisher
) -> None:
    calls = [asyncio.create_task(published.publish([a_log(log=f"{n}")])) for n in range(3)]
    await asyncio.sleep(0)
    await published.close()
    assert len(await pulled(channel, names.subscription("logweir-logs"), 3)) == 3
    await asyncio.gather(*calls)


async def test_a_topic_that_is_missing_is_an_outage_that_names_it(
    channel: grpc.aio.Channel, project: str
) -> None:
    published = PubSubPublisher(channel, Names(project, "nobody"))
    began = time.monotonic()
    for envelope, name in ((a_log(), "nobody-logs"), (a_chunk("abc", 0, 0, 2), "nobody-chunks")):
        with pytest.raises(BrokerUnavailable) as raised:
            await published.publish([envelope])
        topic = f"projects/{project}/topics/{name}"
        assert str(raised.value) == f"there is no topic {topic}: is it deployed?"
    with pytest.raises(BrokerUnavailable, match="nobody-quarantine"):
        await published.quarantine(b"x", Quarantine.UNREADABLE)
    assert time.monotonic() - began < 2, "nobody waits for a topic to appear"


@pytest.mark.kill
async def test_a_broker_that_is_away_is_an_outage_within_ten_seconds_and_soon_over_when_it_is_back(
    own_pubsub: Emulator, project: str
) -> None:
    names = Names(project, "logweir")
    async with channel_to(own_pubsub.address) as channel:
        await provisioned(channel, names)
        published = PubSubPublisher(channel, names)
        await published.publish([a_log()])
        own_pubsub.stop()
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            await published.publish([a_log()])
        assert time.monotonic() - began < 10
        await asyncio.to_thread(own_pubsub.start)
        began = time.monotonic()
        await provisioned(channel, names)
        await published.publish([a_log("it is back")])
        assert time.monotonic() - began < 5
        [message] = await pulled(channel, names.subscription("logweir-logs"), 1)
        assert decode(message.data).text == "it is back"


@pytest.mark.kill
async def test_a_broker_that_does_not_answer_is_an_outage_after_the_time_of_a_try(
    own_pubsub: Emulator, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "_TRY_SECONDS", 0.4)
    monkeypatch.setattr(publisher, "_SECONDS", 0.5)
    names = Names(project, "logweir")
    async with channel_to(own_pubsub.address) as channel:
        await provisioned(channel, names)
        published = PubSubPublisher(channel, names)
        own_pubsub.send(signal.SIGSTOP)
        began = time.monotonic()
        outcomes = await asyncio.gather(
            *(published.publish([a_log(log=f"{number}")]) for number in range(100)),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in outcomes} == {BrokerUnavailable}
        assert time.monotonic() - began < 2
        own_pubsub.send(signal.SIGCONT)
        monkeypatch.setattr(publisher, "_TRY_SECONDS", 5.0)
        await published.publish([a_log()])


def test_all_tries_of_a_publication_fit_into_the_gateway_s_time() -> None:
    longest = publisher._SECONDS + publisher._TRY_SECONDS
    assert longest < DEFAULT_LIMITS.publish_seconds_max
