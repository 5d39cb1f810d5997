"""Where the queues are, what they say waits in them, and what is hidden in them."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

pytest.importorskip("botocore", reason="comes with the extra aws")

from tests.support.awsjson import Request, in_turn, raises
from tests.support.sqs import NAMES, PREFIX, batches, judged, sqs_of

from logweir.backends.aws.backlog import SqsBacklog
from logweir.backends.aws.names import Names
from logweir.backends.aws.queues import Queues
from logweir.backends.aws.visibility import Visibility
from logweir.errors import BrokerUnavailable, Refused
from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Backlog, Lane

LOOK_UP, ATTRIBUTES = "GetQueueUrl", "GetQueueAttributes"
HIDE = "ChangeMessageVisibilityBatch"
COUNTS: Final = {"t-logs": (1, 2, 3), "t-chunks": (10, 20, 30), "t-quarantine": (4, 0, 1)}


def counted(request: Request) -> Request:
    """As SQS says it: numbers are strings."""
    visible, delayed, in_flight = COUNTS[request["QueueUrl"].rpartition("/")[2]]
    return {
        "Attributes": {
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesDelayed": str(delayed),
            "ApproximateNumberOfMessagesNotVisible": str(in_flight),
        }
    }


# ---- URLs ----------------------------------------------------------------------------------------


async def test_a_url_is_made_of_the_setting_without_asking() -> None:
    with sqs_of({}) as (_, queues, service):
        assert await queues.url("t-logs") == f"{PREFIX}/t-logs"
        assert service.asked == []


async def test_without_the_setting_sqs_is_asked_once_for_each_name() -> None:
    answer = {LOOK_UP: lambda r: {"QueueUrl": f"https://sqs.test/7/{r['QueueName']}"}}
    with sqs_of(answer) as (client, _, service):
        queues = Queues(client, None)
        for name in ("a", "b", "a", "b"):
            assert await queues.url(name) == f"https://sqs.test/7/{name}"
        assert service.times(LOOK_UP) == 2


async def test_a_queue_that_is_missing_is_an_outage_that_names_it_and_is_asked_for_again() -> None:
    missing = in_turn(lambda _: raises("QueueDoesNotExist"), then=lambda _: {"QueueUrl": "u"})
    with sqs_of({LOOK_UP: missing}) as (client, _, _service):
        queues = Queues(client, None)
        with pytest.raises(BrokerUnavailable) as raised:
            await queues.url("t-logs")
        assert str(raised.value) == "there is no queue t-logs: is it deployed?"
        assert await queues.url("t-logs") == "u"


# ---- the backlog ---------------------------------------------------------------------------------


async def test_the_backlog_is_told_by_lane() -> None:
    with sqs_of({ATTRIBUTES: counted}) as (client, queues, _):
        backlog = SqsBacklog(client, queues, NAMES)
        assert list(await backlog.backlog()) == [
            Backlog(lane=Lane.LOG, waiting=3, in_flight=3, oldest_seconds=None),
            Backlog(lane=Lane.CHUNK, waiting=30, in_flight=30, oldest_seconds=None),
        ]
        assert await backlog.quarantined() == 5
        assert await backlog.locate(TenantId("acme"), LogId("log-1")) is None


async def test_a_queue_that_both_lanes_share_is_counted_once() -> None:
    with sqs_of({ATTRIBUTES: counted}) as (client, queues, service):
        [logs] = await SqsBacklog(client, queues, Names("t", 1)).backlog()
        assert (logs.lane, logs.waiting, logs.in_flight) == (Lane.LOG, 3, 3)
        assert service.times(ATTRIBUTES) == 1


@pytest.mark.parametrize("code", ["AccessDenied", "QueueDoesNotExist"])
async def test_a_backlog_that_cannot_be_asked_for_is_an_outage(code: str) -> None:
    with sqs_of({ATTRIBUTES: lambda _: raises(code)}) as (client, queues, _):
        backlog = SqsBacklog(client, queues, NAMES)
        for call in (backlog.backlog(), backlog.quarantined()):
            with pytest.raises(BrokerUnavailable):
                await call


# ---- hiding --------------------------------------------------------------------------------------


async def test_messages_of_a_batch_are_hidden_together_by_their_queues_arns() -> None:
    with sqs_of({HIDE: judged(lambda _: None)}) as (client, queues, service):
        hide = Visibility(client, queues).hide
        arn = "arn:aws:sqs:eu-north-1:1:t-{}"
        await asyncio.gather(
            *(hide(arn.format("logs"), f"r{number}", 1.2) for number in range(12)),
            hide(arn.format("chunks"), "c", 0),
        )
        assert sorted(map(len, batches(service, HIDE, "ReceiptHandle"))) == [1, 2, 10]
        urls = {request["QueueUrl"] for _, request in service.asked}
        assert urls == {f"{PREFIX}/t-logs", f"{PREFIX}/t-chunks"}


@pytest.mark.parametrize(
    ("after_seconds", "visibility"),
    [(0.0, 0), (0.2, 1), (5.0, 5), (43_199.5, 43_200), (1e6, 43_200)],
)
async def test_a_time_is_whole_seconds_and_twelve_hours_at_most(
    after_seconds: float, visibility: int
) -> None:
    with sqs_of({HIDE: judged(lambda _: None)}) as (client, queues, service):
        await Visibility(client, queues).hide("t-logs", "r", after_seconds)
        assert batches(service, HIDE, "VisibilityTimeout") == [[visibility]]


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "MessageNotInflight"])
async def test_a_receipt_that_is_gone_is_refused_alone(code: str) -> None:
    gone = judged(lambda entry: code if entry["ReceiptHandle"] == "a" else None)
    with sqs_of({HIDE: gone}) as (client, queues, service):
        hide = Visibility(client, queues).hide
        results = await asyncio.gather(
            hide("t-logs", "a", 1), hide("t-logs", "b", 1), return_exceptions=True
        )
        assert [type(each) for each in results] == [Refused, type(None)]
        assert service.times(HIDE) == 1
