"""The push application: which status a message ends in, and what it may cost."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from structlog.testing import capture_logs
from tests.support.logs import a_log
from tests.support.pushes import CHUNKS, DEAD, LOGS, a_push, post
from tests.support.world import World

from logweir.clock import ManualClock
from logweir.entrypoints import push as module
from logweir.entrypoints.oidc import TokenCheck, Untrusted
from logweir.entrypoints.push import Check, Push, check_settings, token_check
from logweir.envelope import encode
from logweir.errors import Misconfigured, StoreUnavailable, Unavailable
from logweir.limits import DEFAULT_LIMITS, MIB, Limits
from logweir.pipeline.broker import Delivery
from logweir.pipeline.consume import Ack, Retry, Verdict
from logweir.settings import Backend, PushAuth, Settings

RAW: Final = encode(a_log())
BODY: Final = a_push(RAW)
CHUNKED: Final[list[tuple[bytes, bytes]]] = []  # a body whose length is not told


class Consumer:
    """Says ACK, or what it is told to; remembers what it was given."""

    def __init__(self, say: Callable[[], Awaitable[Verdict]] | None = None) -> None:
        self._say = say
        self.deliveries: list[Delivery] = []

    async def consume(self, delivery: Delivery) -> Verdict:
        self.deliveries.append(delivery)
        return Ack() if self._say is None else await self._say()


class Hold:
    """Work that lasts until it is let go."""

    def __init__(self) -> None:
        self.in_work = 0
        self.let_go = asyncio.Event()

    async def __call__(self) -> Verdict:
        self.in_work += 1
        await self.let_go.wait()
        return Ack()


def an_app(
    consumer: Any,
    *,
    check: Check | None = None,
    limits: Limits = DEFAULT_LIMITS,
    concurrency: int = 100,
) -> Push:
    return Push(
        consumer,
        lanes=[LOGS, CHUNKS],
        dead=DEAD,
        check=check,
        limits=limits,
        concurrency=concurrency,
    )


async def rest() -> None:
    """Let the others go on as far as they get."""
    for _ in range(20):
        await asyncio.sleep(0)


# ---- verdicts ---------------------------------------------------------------------------------


async def raise_a_bug() -> Verdict:
    raise KeyError("the text of a log")


@pytest.mark.parametrize(
    ("verdict", "status", "retry_after"),
    [(Ack(), 204, None), (Retry(0.2), 503, "1"), (Retry(7.1), 503, "8")],
)
async def test_each_verdict_has_its_status(
    verdict: Verdict, status: int, retry_after: str | None
) -> None:
    async def say() -> Verdict:
        return verdict

    app = an_app(Consumer(say))
    answer = await post(app, BODY)
    assert (answer.status, answer.headers.get("retry-after")) == (status, retry_after)
    assert answer.body == b""
    assert ("content-length" in answer.headers) == (status != 204)
    assert app.counts == {str(status): 1}


async def test_a_bug_is_503_and_logged_without_its_words() -> None:
    with capture_logs() as logs:
        answer = await post(an_app(Consumer(raise_a_bug)), BODY)
    assert answer.status == 503
    assert [(line["event"], line["error"]) for line in logs] == [("push_failed", "KeyError")]
    assert "text of a log" not in str(logs)


@pytest.mark.parametrize(
    ("subscription", "attempt", "expected"),
    [
        (LOGS, None, Delivery(RAW, 1, None)),
        (CHUNKS, 7, Delivery(RAW, 7, None)),
        (LOGS, 0, Delivery(RAW, 1, None)),
        (DEAD, 3, Delivery(RAW, 3, None, given_up=True)),
    ],
)
async def test_what_is_consumed_is_what_was_pushed(
    subscription: str, attempt: int | None, expected: Delivery
) -> None:
    consumer = Consumer()
    answer = await post(an_app(consumer), a_push(RAW, subscription=subscription, attempt=attempt))
    assert answer.status == 204
    assert consumer.deliveries == [expected]


@pytest.mark.parametrize("data", [{}, {"data": ""}], ids=["missing", "empty"])
async def test_a_message_without_data_is_a_delivery_of_nothing(data: dict[str, str]) -> None:
    consumer = Consumer()
    body = {"message": {"messageId": "1", **data}, "subscription": LOGS}
    assert (await post(an_app(consumer), json.dumps(body).encode())).status == 204
    assert consumer.deliveries == [Delivery(b"", 1, None)]


async def test_data_that_is_no_envelope_is_quarantined_and_acknowledged() -> None:
    world = World()
    assert (await post(an_app(world.consumer), a_push(b"\xff\x00"))).status == 204
    assert [raw for raw, _ in world.broker.in_quarantine] == [b"\xff\x00"]


async def test_what_pubsub_gave_up_is_published_anew() -> None:
    world = World()
    assert (await post(an_app(world.consumer), a_push(RAW, subscription=DEAD))).status == 204
    assert world.queued == [a_log()]


# ---- what is not ours -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subscription",
    [
        "projects/other/subscriptions/logweir-logs",
        "projects/p/subscriptions/logweir-quarantine",
        "projects/p/subscriptions/logweir-logs2",
        "projects/p/subscriptions/LOGWEIR-LOGS",
        "projects/p/topics/logweir-logs",
        "logweir-logs",
        f" {LOGS}",
        "",
        "\ud800",
    ],
)
async def test_another_subscription_is_400_and_touches_nothing(subscription: str) -> None:
    consumer = Consumer()
    with capture_logs() as logs:
        answer = await post(an_app(consumer), a_push(RAW, subscription=subscription))
    assert (answer.status, answer.body) == (400, b"")
    assert consumer.deliveries == []
    assert [line["event"] for line in logs] == ["push_refused"]
    assert ascii(subscription) in logs[0]["reason"]


def pushed(message: object = None, **members: object) -> bytes:
    """A body that is right but for these members; a member that is ``...`` is left out."""
    whole = {
        "message": {"data": base64.b64encode(RAW).decode()} if message is None else message,
        "subscription": LOGS,
        **members,
    }
    return json.dumps({k: v for k, v in whole.items() if v is not ...}).encode()


NOT_PUBSUBS: Final = {
    "nothing": b"",
    "no JSON": b"hello",
    "JSON that ends early": BODY[:-1],
    "JSON and more": BODY + b"{}",
    "not UTF-8": b'{"message": "\xff"}',
    "UTF-16": BODY.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + BODY,
    "an array": b"[" + BODY + b"]",
    "a string": b'"message"',
    "null": b"null",
    "no message": pushed(message=...),
    "a message that is null": b'{"message":null,"subscription":"' + LOGS.encode() + b'"}',
    "a message that is a string": pushed("bG9n"),
    "a message that is an array": pushed([]),
    "an envelope without its wrapper": RAW,
    "data that is a number": pushed({"data": 5}),
    "data that is null": pushed({"data": None}),
    "data that is an object": pushed({"data": {}}),
    "data that is not base64": pushed({"data": "%%%%"}),
    "data with a line break": pushed({"data": "bG9n\nd2Vp"}),
    "data without its padding": pushed({"data": "bG9nd2U"}),
    "data with padding in it": pushed({"data": "bG9=nd2U"}),
    "data of the URLs' alphabet": pushed({"data": "_-__"}),
    "data beyond ASCII": pushed({"data": "bG9né"}),
    "no subscription": pushed(subscription=...),
    "a subscription that is an array": pushed(subscription=[LOGS]),
    "an attempt that is a string": pushed(deliveryAttempt="5"),
    "an attempt that is true": pushed(deliveryAttempt=True),
    "an attempt that is a fraction": pushed(deliveryAttempt=1.5),
    "an attempt that is null": pushed(deliveryAttempt=None),
    "an attempt of 5,000 digits": b'{"deliveryAttempt":' + b"9" * 5000 + b"," + BODY[1:],
    "a subscription twice": b'{"subscription":"other",' + BODY[1:],
    "data twice": BODY.replace(b'"data":', b'"data":"","data":', 1),
    "nested too deep": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"," + BODY[1:],
    "too many values": b'{"x":[' + b"0," * 200_000 + b"0]," + BODY[1:],
}


@pytest.mark.parametrize("body", NOT_PUBSUBS.values(), ids=NOT_PUBSUBS.keys())
async def test_a_body_that_is_not_pubsubs_is_400_and_its_data_is_not_logged(body: bytes) -> None:
    consumer = Consumer()
    with capture_logs() as logs:
        answer = await post(an_app(consumer), body)
    assert (answer.status, answer.body) == (400, b"")
    assert consumer.deliveries == []
    assert [line["event"] for line in logs] == ["push_refused"]
    assert len(logs[0]["reason"]) < 60


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/ingest", 404),
        ("POST", "//", 404),
        ("GET", "/health", 404),
        ("GET", "/", 405),
        ("PUT", "/", 405),
        ("HEAD", "/", 405),
    ],
)
async def test_there_is_one_route(method: str, path: str, status: int) -> None:
    answer = await post(an_app(Consumer()), BODY, method=method, path=path)
    assert (answer.status, answer.body) == (status, b"")
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)


# ---- who pushes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Untrusted(401, "no token"), 401),
        (Untrusted(403, "another audience"), 403),
        (Unavailable("no certificates"), 503),
    ],
)
async def test_who_is_not_trusted_is_told_so_before_its_body_is_read(
    error: Exception, status: int
) -> None:
    async def check(_headers: object) -> None:
        raise error

    with capture_logs() as logs:
        answer = await asyncio.wait_for(post(an_app(Consumer(), check=check)), 1)
    assert (answer.status, answer.body) == (status, b"")
    assert str(error) in logs[0].values()


# ---- bounds -----------------------------------------------------------------------------------


async def test_more_pushes_than_may_be_in_work_are_told_to_come_again() -> None:
    hold = Hold()
    app = an_app(Consumer(hold), concurrency=2)
    first, second = (asyncio.create_task(post(app, BODY)) for _ in range(2))
    await rest()
    refused = await post(app, BODY)
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    hold.let_go.set()
    assert [(await task).status for task in (first, second)] == [204, 204]
    assert (await post(app, BODY)).status == 204


async def test_a_body_waits_for_memory_before_it_is_read_and_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MEMORY_WAIT_SECONDS", 0.05)
    hold = Hold()
    limits = replace(DEFAULT_LIMITS, in_flight_bytes_max=len(BODY) + 10)
    app = an_app(Consumer(hold), limits=limits)
    first = asyncio.create_task(post(app, BODY))
    await rest()
    answer = await post(app, headers=[(b"content-length", b"%d" % len(BODY))])
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    patient = asyncio.create_task(post(app, BODY))
    await rest()
    hold.let_go.set()
    assert [(await task).status for task in (first, patient)] == [204, 204]
    assert app._memory._left == limits.in_flight_bytes_max


@pytest.mark.parametrize(
    ("headers", "others"),
    [([(b"content-length", b"%d" % len(BODY))], 1), (CHUNKED, 0)],
    ids=["told", "not told"],
)
async def test_a_body_whose_length_is_not_told_counts_as_the_largest(
    headers: list[tuple[bytes, bytes]], others: int
) -> None:
    hold = Hold()
    limits = replace(DEFAULT_LIMITS, in_flight_bytes_max=16 * MIB + 1)
    app = an_app(Consumer(hold), limits=limits)
    reading = asyncio.create_task(post(app, headers=headers))
    await rest()
    task = asyncio.create_task(post(app, BODY))
    await rest()
    assert hold.in_work == others
    reading.cancel()
    await rest()
    assert hold.in_work == 1
    hold.let_go.set()
    assert (await task).status == 204
    assert app._memory._left == limits.in_flight_bytes_max


async def test_in_work_a_message_holds_its_own_bytes_and_a_planned_one_those_of_its_text() -> None:
    hold = Hold()
    app = an_app(Consumer(hold))
    planned = replace(a_log("x" * 1_000_000), text=None)
    tasks = [asyncio.create_task(post(app, a_push(raw))) for raw in (RAW, encode(planned))]
    await rest()
    assert DEFAULT_LIMITS.in_flight_bytes_max - app._memory._left == len(RAW) + 1_000_000
    hold.let_go.set()
    await asyncio.gather(*tasks)
    assert app._memory._left == DEFAULT_LIMITS.in_flight_bytes_max


async def test_the_largest_message_of_pubsub_is_taken_whatever_text_the_gateway_takes() -> None:
    consumer = Consumer()
    app = an_app(consumer, limits=replace(DEFAULT_LIMITS, body_bytes_max=1000))
    raw = b"x" * 10_000_000
    assert (await post(app, a_push(raw))).status == 204
    assert consumer.deliveries[0].raw == raw


@pytest.mark.parametrize(
    ("pieces", "headers"),
    [
        ([], [(b"content-length", b"%d" % (16 * MIB + 1))]),
        ([], [(b"content-length", b"9" * 400)]),
        ([b"x" * MIB] * 17, CHUNKED),
    ],
    ids=["told", "told in 400 digits", "not told"],
)
async def test_a_body_that_is_too_large_is_413(
    pieces: list[bytes], headers: list[tuple[bytes, bytes]]
) -> None:
    app = an_app(Consumer())
    assert (await post(app, *pieces, headers=headers)).status == 413
    assert app._memory._left == DEFAULT_LIMITS.in_flight_bytes_max


async def test_a_body_that_breaks_off_is_400_and_one_that_does_not_come_in_time_408() -> None:
    consumer = Consumer()
    app = an_app(consumer, limits=replace(DEFAULT_LIMITS, receive_seconds_max=0.05))
    assert (await post(app, BODY[:50], None, headers=CHUNKED)).status == 400
    assert (await post(app, BODY, headers=[(b"content-length", b"9999")])).status == 400
    assert (await post(app)).status == 408
    assert consumer.deliveries == []
    assert app._memory._left == DEFAULT_LIMITS.in_flight_bytes_max


# ---- outage and end ---------------------------------------------------------------------------


async def test_an_outage_of_the_store_is_503_until_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_work(text: str) -> None:
        pass

    async def unavailable(_document: object) -> None:
        raise StoreUnavailable("down")

    world = World(work=no_work)
    app = an_app(world.consumer)
    with monkeypatch.context() as outage:
        outage.setattr(world.store, "create", unavailable)
        assert (await post(app, BODY)).status == 503
    assert await world.document() is None
    assert (await post(app, BODY)).status == 204
    assert await world.document() is not None
    assert (await post(app, BODY)).status == 204


async def test_what_outlasts_the_drain_time_is_503_and_the_rest_of_the_pushes_too() -> None:
    hold = Hold()
    app = an_app(Consumer(hold))
    tasks = [asyncio.create_task(post(app, BODY)) for _ in range(3)]
    receiving = asyncio.create_task(post(app))
    await rest()
    assert hold.in_work == 3
    app.give_up()
    assert [answer.status for answer in await asyncio.gather(*tasks, receiving)] == [503] * 4
    assert app._memory._left == DEFAULT_LIMITS.in_flight_bytes_max


async def test_a_push_that_the_server_cancels_is_not_answered() -> None:
    app = an_app(Consumer(Hold()))
    task = asyncio.create_task(post(app, BODY))
    await rest()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert app.counts == {}


# ---- settings ---------------------------------------------------------------------------------

CLOUD: Final = Settings(backend=Backend.GCP, gcp_project="p")
EMULATED: Final = replace(CLOUD, pubsub_emulator="localhost:1", firestore_emulator="localhost:2")
ACCOUNT: Final = "push@p.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(), "LOGWEIR_BACKEND"),
        (replace(CLOUD, chunk_seconds=0.0), "LOGWEIR_CHUNK_SECONDS"),
        (replace(CLOUD, chunk_seconds=500.1), "LOGWEIR_CHUNK_SECONDS"),
    ],
)
def test_settings_with_which_a_push_cannot_be_served_are_named(
    settings: Settings, named: str
) -> None:
    with pytest.raises(Misconfigured, match=f"^{named}, --"):
        check_settings(settings)


@pytest.mark.parametrize("chunk_seconds", [0.001, 60.0, 500.0])
def test_a_chunk_may_take_up_to_500_seconds(chunk_seconds: float) -> None:
    check_settings(replace(CLOUD, chunk_seconds=chunk_seconds))


@pytest.mark.parametrize(
    "settings",
    [
        CLOUD,
        replace(CLOUD, gcp_push_audience="https://worker"),
        replace(CLOUD, gcp_push_account=ACCOUNT),
        replace(EMULATED, gcp_push_account=ACCOUNT),
    ],
    ids=["nothing is set", "no account", "no audience", "no audience on emulators"],
)
def test_who_pushes_cannot_be_checked_without_audience_and_account(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match=r"^LOGWEIR_GCP_PUSH_AUDIENCE, LOGWEIR_GCP_PUSH_ACC"):
        token_check(settings, ManualClock())


async def test_who_pushes_is_checked_by_us_or_by_the_platform() -> None:
    whole = replace(CLOUD, gcp_push_audience="https://worker", gcp_push_account=ACCOUNT)
    assert isinstance(token_check(whole, ManualClock()), TokenCheck)
    platform = replace(CLOUD, gcp_push_auth=PushAuth.PLATFORM)
    assert token_check(platform, ManualClock()) is None


def test_on_emulators_nobody_can_check_who_pushes_and_that_is_logged() -> None:
    with capture_logs() as logs:
        assert token_check(EMULATED, ManualClock()) is None
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("pushes_unchecked", "warning")
    ]
