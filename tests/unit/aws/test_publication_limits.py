"""For how long a publication is tried, whose fault a failure is, and what has no room."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("botocore", reason="comes with the extra aws")

from tests.support.awsjson import Request, in_turn
from tests.support.logs import a_log
from tests.support.sqs import NAMES, judged, sqs_of

from logweir.backends.aws import clients, entries
from logweir.backends.aws.publisher import SqsPublisher
from logweir.errors import BrokerUnavailable
from logweir.limits import DEFAULT_LIMITS, MIB
from logweir.reasons import Quarantine

SEND = "SendMessageBatch"
TAKEN = judged(lambda _: None)


def by_sqs(request: Request) -> Request:
    """An entry fails by SQS's own fault, with a code that nobody has heard of."""
    answer = judged(lambda _: "SomethingNew")(request)
    for failed in answer["Failed"]:
        failed["SenderFault"] = False
    return answer


def test_all_tries_of_a_publication_fit_into_the_gateway_s_time() -> None:
    config: Any = clients._CONFIG
    try_seconds = config.connect_timeout + config.read_timeout
    assert entries._SECONDS + try_seconds < DEFAULT_LIMITS.publish_seconds_max


async def test_an_entry_that_fails_by_sqs_s_own_fault_is_sent_again() -> None:
    with sqs_of({SEND: in_turn(by_sqs, then=TAKEN)}) as (client, queues, service):
        await SqsPublisher(client, queues, NAMES).publish([a_log()])
        assert service.times(SEND) == 2


@pytest.mark.parametrize("code", ["QueueDoesNotExist", "KmsNotFound", "SomethingNew"])
async def test_an_entry_that_an_operator_must_see_to_is_an_outage(code: str) -> None:
    with sqs_of({SEND: judged(lambda _: code)}) as (client, queues, service):
        with pytest.raises(BrokerUnavailable):
            await SqsPublisher(client, queues, NAMES).publish([a_log()])
        assert service.times(SEND) == 1


async def test_what_leaves_no_room_for_attributes_is_quarantined_without_any() -> None:
    with sqs_of({SEND: TAKEN}) as (client, queues, service):
        publisher = SqsPublisher(client, queues, NAMES)
        for size in (100, MIB):  # as large as somebody else's message may be
            await publisher.quarantine(b"x" * size, Quarantine.UNREADABLE)
        small, large = (request["Entries"][0] for _, request in service.asked)
        assert small["MessageAttributes"]["quarantine"]["StringValue"] == "unreadable"
        assert len(large["MessageBody"]) == MIB
        assert "MessageAttributes" not in large
