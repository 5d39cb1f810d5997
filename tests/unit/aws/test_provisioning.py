"""Queues and table on the emulator: as they are on the cloud, and made once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("botocore", reason="comes with the extra aws")

from tests.support.outside_aws import Sqs, client

from logweir.backends.aws.clients import Clients
from logweir.backends.aws.emulator import provision
from logweir.backends.aws.names import Names
from logweir.settings import load


@pytest.fixture
def clients(ministack: dict[str, str]) -> Iterator[Clients]:
    """Clients of ours."""
    clients = Clients(load({"LOGWEIR_BACKEND": "aws"} | ministack))
    yield clients
    clients.close()


@pytest.fixture
def sqs(ministack: dict[str, str], aws_prefix: str) -> Sqs:
    """The queues as somebody else sees them."""
    return Sqs(ministack["AWS_ENDPOINT_URL"], aws_prefix)


def attributes(sqs: Sqs, queue: str) -> dict[str, Any]:
    """All of a queue."""
    raw = client("sqs", sqs.endpoint)
    answer = raw.get_queue_attributes(QueueUrl=sqs.url(queue), AttributeNames=["All"])
    found: dict[str, Any] = answer["Attributes"]
    return found


def queues(sqs: Sqs) -> set[str]:
    """The names of all with the prefix."""
    urls = client("sqs", sqs.endpoint).list_queues(QueueNamePrefix=sqs.prefix)["QueueUrls"]
    return {url.rpartition("/")[2].removeprefix(f"{sqs.prefix}-") for url in urls}


async def test_every_queue_keeps_for_two_weeks_and_the_lanes_alone_give_up(
    clients: Clients, sqs: Sqs
) -> None:
    await provision(clients, Names(sqs.prefix, 2))
    assert queues(sqs) == {"logs", "chunks", "dead", "quarantine"}
    dead = attributes(sqs, "dead")["QueueArn"]
    for queue in ("logs", "chunks", "dead", "quarantine"):
        found = attributes(sqs, queue)
        assert found["MessageRetentionPeriod"] == str(14 * 86_400)
        assert found["VisibilityTimeout"] == "30"
        if queue in ("logs", "chunks"):
            redrive = json.loads(found["RedrivePolicy"])
            assert redrive["deadLetterTargetArn"] == dead
            assert int(redrive["maxReceiveCount"]) == 1000
        else:
            assert "RedrivePolicy" not in found


async def test_one_lane_is_one_queue(clients: Clients, sqs: Sqs) -> None:
    await provision(clients, Names(sqs.prefix, 1))
    assert queues(sqs) == {"logs", "dead", "quarantine"}


async def test_the_table_is_ready_and_lets_go_of_what_has_expired(
    clients: Clients, sqs: Sqs
) -> None:
    await provision(clients, Names(sqs.prefix, 2))
    raw = client("dynamodb", sqs.endpoint)
    table = raw.describe_table(TableName=sqs.prefix)["Table"]
    assert table["TableStatus"] == "ACTIVE"
    keys = {each["AttributeName"]: each["KeyType"] for each in table["KeySchema"]}
    assert keys == {"pk": "HASH", "sk": "RANGE"}
    told = raw.describe_time_to_live(TableName=sqs.prefix)["TimeToLiveDescription"]
    assert (told["TimeToLiveStatus"], told["AttributeName"]) == ("ENABLED", "expires_at")


async def test_provisioning_twice_is_harmless_and_keeps_what_is_there(
    clients: Clients, sqs: Sqs
) -> None:
    names = Names(sqs.prefix, 2)
    await provision(clients, names)
    sqs.publish("logs", b"a message")
    await provision(clients, names)
    assert sqs.take("logs") == [b"a message"]
