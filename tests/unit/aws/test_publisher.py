"""The publisher, where SQS does what no emulator does: fails in parts, throttles, is silent."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

pytest.importorskip("botocore", reason="comes with the extra aws")

from tests.support.awsjson import HangUp, Request, in_turn, raises
from tests.support.logs import ACME, GLOBEX, a_chunk, a_log
from tests.support.sqs import NAMES, PREFIX, batches, judged, sqs_of

from logweir.backends.aws import entries
from logweir.backends.aws.names import Names
from logweir.backends.aws.publisher import MESSAGE_BYTES_MAX, SqsPublisher
from logweir.envelope import decode
from logweir.errors import BrokerUnavailable, Refused
from logweir.limits import MIB
from logweir.reasons import Quarantine

SEND = "SendMessageBatch"
TAKEN = judged(lambda _: None)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience than in earnest."""
    monkeypatch.setattr(entries, "_SECONDS", 0.2)


def hang_up(_request: Request) -> Request:
    raise HangUp


def log_of(entry: Mapping[str, Any]) -> str:
    return decode(entry["MessageBody"].encode()).log


async def outcomes(publisher: SqsPublisher, names: Sequence[str]) -> list[BaseException | None]:
    """Of logs that are published at the same moment, each by itself."""
    return await asyncio.gather(
        *(publisher.publish([a_log(log=name)]) for name in names), return_exceptions=True
    )


async def test_what_comes_together_goes_in_tens_and_each_names_its_tenant() -> None:
    with sqs_of({SEND: TAKEN}) as (client, queues, service):
        publisher = SqsPublisher(client, queues, NAMES)
        logs = [a_log(log=f"l{number}", tenant=(ACME, GLOBEX)[number % 2]) for number in range(23)]
        await asyncio.gather(*(publisher.publish([log]) for log in logs))
        assert sorted(map(len, batches(service, SEND, "MessageBody"))) == [3, 10, 10]
        groups = [group for batch in batches(service, SEND, "MessageGroupId") for group in batch]
        assert groups.count("acme") == 12
        assert groups.count("globex") == 11
        assert {request["QueueUrl"] for _, request in service.asked} == {f"{PREFIX}/t-logs"}


async def test_chunks_go_into_their_own_queue_or_with_the_logs_where_there_is_one_lane() -> None:
    for lanes, queue in ((2, "t-chunks"), (1, "t-logs")):
        with sqs_of({SEND: TAKEN}) as (client, queues, service):
            publisher = SqsPublisher(client, queues, Names("t", lanes))
            await publisher.publish([a_chunk("abc", 0, 0, 3)])
            assert [request["QueueUrl"] for _, request in service.asked] == [f"{PREFIX}/{queue}"]


async def test_a_refused_one_is_refused_alone() -> None:
    refuse = judged(lambda e: "InvalidMessageContents" if log_of(e) == "l3" else None)
    with sqs_of({SEND: refuse}) as (client, queues, service):
        publisher = SqsPublisher(client, queues, NAMES)
        results = await outcomes(publisher, [f"l{number}" for number in range(5)])
        assert [type(result) for result in results] == [type(None)] * 3 + [Refused, type(None)]
        assert service.times(SEND) == 1


async def test_what_may_work_in_a_moment_is_sent_again_alone() -> None:
    busy = judged(lambda e: "InternalError" if log_of(e) in ("l1", "l3") else None)
    with sqs_of({SEND: in_turn(busy, busy, then=TAKEN)}) as (client, queues, service):
        publisher = SqsPublisher(client, queues, NAMES)
        assert await outcomes(publisher, [f"l{number}" for number in range(5)]) == [None] * 5
        sent = [
            [decode(body.encode()).log for body in batch]
            for batch in batches(service, SEND, "MessageBody")
        ]
        assert sent == [["l0", "l1", "l2", "l3", "l4"], ["l1", "l3"], ["l1", "l3"]]


@pytest.mark.usefixtures("impatient")
async def test_of_a_batch_the_rest_is_confirmed_where_one_stays_unknown() -> None:
    busy = judged(lambda e: "ServiceUnavailable" if log_of(e) == "l2" else None)
    with sqs_of({SEND: busy}) as (client, queues, service):
        publisher = SqsPublisher(client, queues, NAMES)
        results = await outcomes(publisher, ["l1", "l2", "l3"])
        assert [type(result) for result in results] == [
            type(None),
            BrokerUnavailable,
            type(None),
        ]
        assert service.times(SEND) > 1


@pytest.mark.usefixtures("impatient")
async def test_an_entry_without_an_answer_is_unknown() -> None:
    def half(request: Request) -> Request:
        answer = TAKEN(request)
        answer["Successful"] = [e for e in answer["Successful"] if e["Id"] == "0"]
        return answer

    with sqs_of({SEND: half}) as (client, queues, _):
        results = await outcomes(SqsPublisher(client, queues, NAMES), ["l0", "l1"])
        # What is left over is sent again alone, as number 1, and again nothing is said of it.
        assert [type(result) for result in results] == [type(None), BrokerUnavailable]


@pytest.mark.parametrize(
    "first", [lambda _: raises("RequestThrottled"), lambda _: raises("Oops", 503), hang_up]
)
async def test_a_call_that_fails_for_a_moment_is_made_again(first: Any) -> None:
    with sqs_of({SEND: in_turn(first, then=TAKEN)}) as (client, queues, service):
        await SqsPublisher(client, queues, NAMES).publish([a_log()])
        assert service.times(SEND) == 2


@pytest.mark.parametrize(
    "code", ["AccessDenied", "QueueDoesNotExist", "KmsAccessDenied", "InvalidAddress"]
)
async def test_what_only_an_operator_can_mend_is_an_outage_at_once(code: str) -> None:
    with sqs_of({SEND: lambda _: raises(code)}) as (client, queues, service):
        with pytest.raises(BrokerUnavailable):
            await SqsPublisher(client, queues, NAMES).publish([a_log()])
        assert service.times(SEND) == 1


async def test_what_sqs_cannot_carry_travels_in_base64_and_all_else_readable() -> None:
    texts = {
        "plain": "Grüße 🙂\t\r\n",
        "esc": "\x1b[0m",
        "nul": "\0",
        "non": "\ufffe",
        "del": "\x7f",
    }
    with sqs_of({SEND: TAKEN}) as (client, queues, service):
        publisher = SqsPublisher(client, queues, NAMES)
        for name, text in texts.items():
            await publisher.publish([a_log(text, log=name)])
        bodies = {log_of(r["Entries"][0]): r["Entries"][0]["MessageBody"] for _, r in service.asked}
    in_base64 = {name for name, body in bodies.items() if "\nencoding: base64\n" in body}
    assert in_base64 == {"esc", "nul", "non"}
    for name, text in texts.items():
        assert decode(bodies[name].encode()).text == text


async def test_messages_that_are_large_together_go_in_several_requests() -> None:
    with sqs_of({SEND: TAKEN}) as (client, queues, service):
        publisher = SqsPublisher(client, queues, NAMES)
        logs = [a_log("x" * 300_000, log=f"l{number}") for number in range(7)]
        await publisher.publish(logs)
        sent = batches(service, SEND, "MessageBody")
        assert sorted(map(len, sent)) == [1, 3, 3]
        assert all(sum(map(len, batch)) <= MIB for batch in sent)
        log = a_log("x" * (MESSAGE_BYTES_MAX - publisher.size(a_log(""))))
        assert MESSAGE_BYTES_MAX - 10 < publisher.size(log) < MIB


@pytest.mark.parametrize(
    ("raw", "encoded"), [(b"no envelope", False), (b"\xff\x00", True), (b"\x1b", True), (b"", True)]
)
async def test_what_is_quarantined_is_kept_byte_for_byte(raw: bytes, encoded: bool) -> None:
    with sqs_of({SEND: TAKEN}) as (client, queues, service):
        await SqsPublisher(client, queues, NAMES).quarantine(raw, Quarantine.UNREADABLE)
        [(_, request)] = service.asked
    [entry] = request["Entries"]
    attributes = {k: v["StringValue"] for k, v in entry["MessageAttributes"].items()}
    assert request["QueueUrl"] == f"{PREFIX}/t-quarantine"
    assert attributes.pop("quarantine") == "unreadable"
    assert attributes == ({"encoding": "base64"} if encoded else {})
    body = entry["MessageBody"]
    assert body
    assert (base64.b64decode(body.strip("=") + "==") if encoded else body.encode()) == raw
