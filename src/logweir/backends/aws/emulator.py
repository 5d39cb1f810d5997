"""Queues and table on an emulator. On the cloud they are deployed, and never made by us."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from logweir.backends.aws.calls import Exists, Missing, patiently
from logweir.backends.aws.clients import Client, Clients
from logweir.backends.aws.names import Names
from logweir.errors import BrokerUnavailable, StoreUnavailable, Unavailable

_SECONDS: Final = 10.0
_RETENTION_SECONDS: Final = 14 * 86_400  # the most there is
_RECEIVES_MAX: Final = 1000  # the most there is; deaths are counted by the store
_POLL_SECONDS: Final = 0.1


async def provision(clients: Clients, names: Names) -> None:
    """Make what is missing. Raises Unavailable."""
    kept = {"MessageRetentionPeriod": str(_RETENTION_SECONDS)}
    for name in (names.quarantine, names.dead):
        await _queue(clients.sqs, name, kept)
    dead = await _arn(clients.sqs, names.dead)
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": _RECEIVES_MAX})
    for name in names.queues:
        await _queue(clients.sqs, name, {**kept, "RedrivePolicy": redrive})
    await _table(clients.dynamodb, names.table)


async def _queue(sqs: Client, name: str, attributes: Mapping[str, str]) -> None:
    with suppress(Exists):  # one with other attributes is somebody's own
        await _ask(sqs, "create_queue", QueueName=name, Attributes=attributes)


async def _arn(sqs: Client, name: str) -> str:
    url = (await _ask(sqs, "get_queue_url", QueueName=name))["QueueUrl"]
    asked = {"QueueUrl": url, "AttributeNames": ["QueueArn"]}
    arn: str = (await _ask(sqs, "get_queue_attributes", **asked))["Attributes"]["QueueArn"]
    return arn


async def _table(dynamodb: Client, name: str) -> None:
    with suppress(Exists):
        await _ask(
            dynamodb,
            "create_table",
            TableName=name,
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    while True:
        table = await _ask(dynamodb, "describe_table", TableName=name)
        if table["Table"]["TableStatus"] == "ACTIVE":
            break
        await asyncio.sleep(_POLL_SECONDS)
    told = await _ask(dynamodb, "describe_time_to_live", TableName=name)
    if told["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
        expiring = {"Enabled": True, "AttributeName": "expires_at"}
        await _ask(
            dynamodb, "update_time_to_live", TableName=name, TimeToLiveSpecification=expiring
        )


async def _ask(client: Client, operation: str, **parameters: Any) -> Mapping[str, Any]:
    unavailable: type[Unavailable] = BrokerUnavailable if "queue" in operation else StoreUnavailable
    try:
        return await patiently(
            lambda: client(operation, **parameters), unavailable, seconds=_SECONDS
        )
    except Missing as error:
        raise unavailable(f"{operation}: {error}") from None
