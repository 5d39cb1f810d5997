"""The gateway's function: its answers are those of the ASGI gateway."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from structlog.testing import capture_logs
from tests.e2e.bad_requests import CASES, CODING_CASES, HEADER_CASES, JSON_CASES, TEXT_CASES, Case
from tests.support.lambdas import rest_event, url_event
from tests.support.pushes import post

from logweir.backends.memory import MemoryBroker, MemoryLedger, MemoryStore
from logweir.clock import ManualClock
from logweir.entrypoints.gateway import Gateway
from logweir.entrypoints.lambdas.requests import Requests
from logweir.envelope import Envelope
from logweir.errors import BrokerUnavailable, Misconfigured, StoreUnavailable
from logweir.limits import DEFAULT_LIMITS, MIB
from logweir.pipeline.admission import Admission
from logweir.pipeline.plan import Planner

TEXT: Final = ("Content-Type", "text/plain")
JSON: Final = ("Content-Type", "application/json")
ACME: Final = ("X-Tenant-ID", "acme")
CANARY: Final = "mauve canary"

Headers = Sequence[tuple[str, str]]
MakeEvent = Callable[..., dict[str, Any]]


class Broker:
    """Holds what it is given; or fails, or does not answer."""

    message_bytes_max = 1 << 20

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.silent = False
        self.held: list[Envelope] = []

    def size(self, envelope: Envelope) -> int:
        return envelope.characters

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        if self.silent:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        self.held += envelopes


class Site:
    """Both gateways, each over a broker of its own."""

    def __init__(self) -> None:
        self.broker, self.others = Broker(), Broker()
        clock, limits = ManualClock(), DEFAULT_LIMITS
        self._requests = Requests(self._planner(self.broker), clock, limits)
        self.gateway = Gateway(self._planner(self.others), clock, limits)

    async def ask(self, event: object, seconds_left: float = 30.0) -> dict[str, Any]:
        """The function's answer."""
        return await self._requests.answer(event, seconds_left)

    @staticmethod
    def _planner(broker: Any) -> Planner:
        return Planner(MemoryStore(), broker, 1200)


# ---- the same answers as the ASGI gateway's ---------------------------------------------------

# What a platform has joined cannot be told from one header with a comma.
JOINED: Final = ("headers: two in one", "coding: twice")
BODIES_MAX: Final = 6 * MIB  # more Lambda does not take


def parts_of(case: Case) -> tuple[str, str, Headers, bytes]:
    """Of what goes over the wire: method, path, headers, body."""
    head, _, body = case.sent.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = [(name, value.strip()) for name, _, value in (x.partition(":") for x in lines)]
    return method, path, headers, body


def is_whole(case: Case) -> bool:
    """Does it come to the application, on a server and on Lambda?"""
    return (case.status == 202 or case.reason is not None) and len(case.sent) < BODIES_MAX


SAME: Final = [c for c in (*JSON_CASES, *TEXT_CASES, *HEADER_CASES, *CODING_CASES) if is_whole(c)]
LINES: Final = [
    case
    for case in CASES
    if case.name.startswith("line:") and is_whole(case) and " HTTP/1.1" in case.sent[:200].decode()
]


async def both(
    site: Site, event: dict[str, Any], method: str, path: str, headers: Headers, body: bytes
) -> tuple[Any, Any]:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    answer = await post(site.gateway, body, path=path, method=method, headers=raw)
    told = await site.ask(event)
    assert told["isBase64Encoded"] is False
    names = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return (
        (told["statusCode"], told["headers"], without_made_id(json.loads(told["body"]))),
        (answer.status, names, without_made_id(answer.json)),
    )


def without_made_id(answer: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in answer.items() if k != "log_id" or len(v) != 32}


@pytest.mark.parametrize(
    ("make", "case"),
    [
        pytest.param(make, case, id=f"{make.__name__}: {case.name}")
        for make in (url_event, rest_event)
        for case in SAME
        if make is rest_event or case.name not in JOINED
    ],
)
async def test_the_answer_is_the_asgi_gateways(make: MakeEvent, case: Case) -> None:
    method, path, headers, body = parts_of(case)
    site = Site()
    ours, theirs = await both(site, make(body, headers), method, path, headers, body)
    assert ours == theirs
    assert ours[0] == case.status
    assert case.reason is None or ours[2]["reason"] == case.reason.code
    assert [e.text for e in site.broker.held] == [e.text for e in site.others.held]


@pytest.mark.parametrize("case", LINES, ids=lambda case: case.name)
@pytest.mark.parametrize("make", [url_event, rest_event])
async def test_there_is_one_route(case: Case, make: MakeEvent) -> None:
    method, path, headers, body = parts_of(case)
    event = make(body, headers, method=method, path=path.partition("?")[0])
    answer = await Site().ask(event)
    if path.startswith("http:"):  # which no platform hands on
        assert answer["statusCode"] == 404
        return
    assert answer["statusCode"] == case.status
    assert answer["headers"].get("allow") == ("POST" if case.status == 405 else None)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([TEXT, ACME, ("x-tenant-id", "evil")], "duplicate_tenant_id"),
        ([TEXT, ACME, ACME], "duplicate_tenant_id"),
        ([TEXT, ACME, ("X-Log-ID", "a"), ("X-LOG-ID", "a")], "duplicate_log_id"),
        ([TEXT, JSON, ACME], "malformed_header"),
        ([("Content-Type", "text/plain; format=flowed"), JSON, ACME], "malformed_header"),
        ([TEXT, ("X-Tenant-ID", "a,b")], "duplicate_tenant_id"),
        ([TEXT, ACME, *[("Content-Encoding", "gzip")] * 2], "unsupported_coding"),
    ],
)
async def test_what_came_twice_is_refused(headers: Headers, reason: str) -> None:
    site = Site()
    answer = await site.ask(url_event(b"x", headers))
    assert json.loads(answer["body"])["reason"] == reason
    assert site.broker.held == []


# ---- bodies -----------------------------------------------------------------------------------


async def test_a_text_comes_as_it_is_or_in_base64() -> None:
    site = Site()
    text = "NUL \0, ESC \x1b, é, 🪵, \u2028\r\n"
    for as_text in (True, False):
        answer = await site.ask(url_event(text.encode(), [TEXT, ACME], as_text=as_text))
        assert answer["statusCode"] == 202
    assert [envelope.text for envelope in site.broker.held] == [text, text]


async def test_a_packed_body_is_opened() -> None:
    site = Site()
    packed = gzip.compress(json.dumps({"tenant_id": "acme", "text": "x" * 100_000}).encode())
    headers = [JSON, ("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))]
    assert (await site.ask(url_event(packed, headers)))["statusCode"] == 202
    assert [envelope.characters for envelope in site.broker.held] == [100_000]


@pytest.mark.parametrize("headers", [[TEXT, ACME], [JSON]])
async def test_half_of_a_surrogate_pair_in_the_event_is_bad_utf8(headers: Headers) -> None:
    event = {**url_event(headers=headers), "body": "ab\ud800", "isBase64Encoded": False}
    answer = await Site().ask(event)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["reason"] == "invalid_utf8"
    assert json.loads(answer["body"])["actual"] == 2


@pytest.mark.parametrize("sent", [b"caf\xe9", b"\xff\xfe", b"\xc0\xaf\xe9", b"ab\xed"])
async def test_what_the_platform_has_replaced_is_refused(sent: bytes) -> None:
    length = ("Content-Length", str(len(sent)))
    site = Site()
    answer = await site.ask(url_event(sent, [TEXT, ACME, length], as_text=True))
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["reason"] == "invalid_utf8"
    assert site.broker.held == []


async def test_who_sends_u_fffd_means_it() -> None:
    site, sent = Site(), "\ufffd".encode()
    length = ("Content-Length", str(len(sent)))
    answer = await site.ask(url_event(sent, [TEXT, ACME, length], as_text=True))
    assert answer["statusCode"] == 202
    assert site.broker.held[0].text == "\ufffd"


@pytest.mark.parametrize("as_text", [True, False])
async def test_a_body_that_is_not_as_long_as_declared_is_refused(as_text: bool) -> None:
    headers = [TEXT, ACME, ("Content-Length", "5")]
    answer = await Site().ask(url_event(b"four", headers, as_text=as_text))
    assert json.loads(answer["body"])["reason"] == "body_incomplete"


async def test_a_packed_body_that_the_platform_took_for_text_is_refused() -> None:
    packed = gzip.compress(b"x" * 100)
    headers = [TEXT, ACME, ("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))]
    answer = await Site().ask(url_event(packed, headers, as_text=True))
    assert json.loads(answer["body"])["reason"] == "malformed_coding"


# ---- the broker -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (BrokerUnavailable("full"), "broker_unavailable"),
        (StoreUnavailable("full"), "store_unavailable"),
        (Misconfigured("no such queue"), "store_unavailable"),
    ],
)
async def test_what_could_not_be_confirmed_is_503_with_the_id_to_retry_with(
    failure: Exception, reason: str
) -> None:
    site = Site()
    site.broker.failure = site.others.failure = failure
    headers = [TEXT, ACME, ("X-Log-ID", "a-log")]
    ours, theirs = await both(site, url_event(b"x", headers), "POST", "/ingest", headers, b"x")
    assert ours == theirs
    assert (ours[0], ours[2]["reason"], ours[2]["log_id"]) == (503, reason, "a-log")
    assert ours[1]["retry-after"] == "1"


@pytest.mark.parametrize("seconds_left", [1.2, 1.0, 0.1, -1.0])
async def test_it_answers_before_lambda_cuts_it_off(seconds_left: float) -> None:
    site = Site()
    site.broker.silent = True
    asked = site.ask(url_event(b"x", [TEXT, ACME]), seconds_left)
    answer = await asyncio.wait_for(asked, 1.0)
    assert answer["statusCode"] == 503
    assert json.loads(answer["body"])["reason"] == "broker_unavailable"


async def test_a_broker_has_only_so_long_however_much_is_left() -> None:
    site = Site()
    site.broker.silent = True
    limits = replace(DEFAULT_LIMITS, publish_seconds_max=0.1)
    requests = Requests(Site._planner(site.broker), ManualClock(), limits)
    asked = requests.answer(url_event(b"x", [TEXT, ACME]), 900.0)
    assert (await asyncio.wait_for(asked, 1.0))["statusCode"] == 503


# ---- the backlog ------------------------------------------------------------------------------


async def test_it_refuses_above_the_bound_on_work_as_the_asgi_gateway_does() -> None:
    clock = ManualClock()
    broker, limits = MemoryBroker(clock), replace(DEFAULT_LIMITS, tenant_backlog_characters_max=100)
    admission = Admission(MemoryLedger(broker), clock, limits, 1200)
    requests = Requests(Site._planner(broker), clock, limits, admission)
    gateway = Gateway(Site._planner(broker), clock, limits, admission)

    async def send(tenant: str) -> dict[str, Any]:
        headers = [TEXT, ("X-Tenant-ID", tenant)]
        return await requests.answer(url_event(b"x" * 100, headers), 30.0)

    assert (await send("acme"))["statusCode"] == 202
    refused = await send("acme")
    assert refused["statusCode"] == 429
    assert refused["headers"]["retry-after"] == "10"
    problem = json.loads(refused["body"])
    assert (problem["reason"], problem["limit"], problem["actual"]) == (
        "tenant_backlog_full",
        100,
        100,
    )
    raw = [(b"content-type", b"text/plain"), (b"x-tenant-id", b"acme")]
    same = await post(gateway, b"x" * 100, path="/ingest", method="POST", headers=raw)
    assert (same.status, same.body.decode()) == (429, refused["body"])
    assert (await send("beta"))["statusCode"] == 202
    broker.messages.clear()
    await clock.advance(1)
    assert (await send("acme"))["statusCode"] == 202


# ---- what is logged ---------------------------------------------------------------------------


async def test_each_refusal_is_logged_with_its_reason_and_none_of_the_text() -> None:
    with capture_logs() as logs:
        await Site().ask(url_event(CANARY.encode() + b"\xff", [TEXT, ACME]))
        await Site().ask(url_event(method="GET"))
        await Site().ask(url_event(CANARY.encode(), [TEXT, ACME]))
    assert [(line["event"], line.get("reason"), line.get("status")) for line in logs] == [
        ("refused", "invalid_utf8", 400),
        ("refused", "method_not_allowed", 405),
        ("accepted", None, None),
    ]
    assert CANARY not in str(logs)


@pytest.mark.parametrize("event", [None, {"Records": []}, {**url_event(), "body": {CANARY: 1}}])
async def test_what_is_no_request_is_a_problem_without_a_trace(event: object) -> None:
    with capture_logs() as logs:
        answer = await Site().ask(event)
    assert answer["statusCode"] == 400
    assert answer["headers"] == {"content-type": "application/problem+json"}
    assert json.loads(answer["body"])["type"] == "about:blank"
    assert [line["event"] for line in logs] == ["event_refused"]
    assert CANARY not in str((answer, logs))


async def test_a_bug_is_a_500_without_details_and_one_line() -> None:
    site = Site()
    site.broker.failure = KeyError(CANARY)
    with capture_logs() as logs:
        answer = await site.ask(url_event(CANARY.encode(), [TEXT, ACME]))
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["status"], problem["type"]) == (500, 500, "about:blank")
    assert [(line["event"], line["error"]) for line in logs] == [("request_failed", "KeyError")]
    assert CANARY not in str((answer, logs))
