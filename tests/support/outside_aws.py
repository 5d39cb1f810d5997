"""SQS and DynamoDB as somebody sees them who knows nothing of ours: botocore alone.

What has which key in the table, and which path here:

    TENANTS      acme                  tenants/acme
    TENANT#acme  LOG#1                 tenants/acme/processed_logs/1
    TENANT#acme  PLAN#1#SHA            tenants/acme/plans/1#SHA
    TENANT#acme  DONE#1#SHA#NONCE#NR   tenants/acme/done/1#SHA#NONCE#NR
    TENANT#acme  DEAD#1#SHA            tenants/acme/dead_letters/1#SHA
    TENANT#acme  DEATHS#1#SHA          tenants/acme/deaths/1#SHA
    TENANT#acme  PART#1#SHA, …         tenants/acme/parts/1#SHA or 1#NONCE#NR
    WORK#acme    1#SHA                 tenants/acme/work/1#SHA
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.support.outsider import Found, Key

_KINDS: Final = {
    "LOG": "processed_logs",
    "PLAN": "plans",
    "DONE": "done",
    "DEAD": "dead_letters",
    "DEATHS": "deaths",
    "PART": "parts",
}
_BATCH_MAX: Final = 10
_REGION: Final = "us-east-1"


@functools.cache
def client(service: str, endpoint: str) -> Any:
    """botocore's own client of an emulator."""
    import botocore.session
    from botocore.config import Config

    session = botocore.session.Session()
    session.set_credentials("test", "test")
    config = Config(max_pool_connections=50, read_timeout=60, retries={"total_max_attempts": 1})
    return session.create_client(service, region_name=_REGION, endpoint_url=endpoint, config=config)


@dataclass(frozen=True)
class Sqs:
    """The queues of a prefix."""

    endpoint: str
    prefix: str

    def publish(self, queue: str, *bodies: bytes) -> None:
        """Put messages into it, without attributes and of no group."""
        url, sqs = self.url(queue), client("sqs", self.endpoint)
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body.decode())

    def take(self, queue: str) -> list[bytes]:
        """The bodies of all messages that can be seen in it; it has them no more."""
        url, sqs, taken = self.url(queue), client("sqs", self.endpoint), []
        while received := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=_BATCH_MAX, VisibilityTimeout=30
        ).get("Messages"):
            for message in received:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken.append(message["Body"].encode())
        return taken

    def left(self) -> int:
        """In anybody's hands or not."""
        return sum(sum(self.counts(queue)) for queue in ("logs", "chunks"))

    def counts(self, queue: str) -> tuple[int, int]:
        """Of messages that can be seen, and that are in somebody's hands."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs = client("sqs", self.endpoint)
        answer = sqs.get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=names)
        visible, held = (int(answer["Attributes"][name]) for name in names)
        return visible, held

    def configure(self, queue: str, **attributes: str) -> None:
        """Set attributes of it, by their names of AWS's."""
        sqs = client("sqs", self.endpoint)
        sqs.set_queue_attributes(QueueUrl=self.url(queue), Attributes=attributes)

    def url(self, queue: str) -> str:
        """Its URL."""
        return _url(self.endpoint, f"{self.prefix}-{queue}")


@functools.cache
def _url(endpoint: str, name: str) -> str:
    return str(client("sqs", endpoint).get_queue_url(QueueName=name)["QueueUrl"])


@dataclass(frozen=True)
class Dynamo:
    """The table of a prefix."""

    endpoint: str
    table: str

    def kept(self) -> set[Key]:
        """Of which texts there is a document or a dead letter; cheap, so that it can be polled."""
        return set(self._keys("LOG#", "DEAD#"))

    def plans(self) -> list[Key]:
        """Of which long texts there is a plan still."""
        return list(self._keys("PLAN#"))

    def _keys(self, *kinds: str) -> Iterator[Key]:
        """By queries: a scan reads all texts too, and the emulator has other things to do."""
        for tenant in self._query("TENANTS", "pk, sk"):
            name = tenant["sk"]["S"]
            for kind in kinds:
                for item in self._query(f"TENANT#{name}", "sk, sha256", kind):
                    yield name, item["sk"]["S"].split("#")[1], item["sha256"]["S"]

    def _query(self, pk: str, projection: str, prefix: str = "") -> Iterator[dict[str, Any]]:
        values = {":pk": {"S": pk}}
        condition = "pk = :pk"
        if prefix:
            values[":sk"], condition = {"S": prefix}, f"{condition} AND begins_with(sk, :sk)"
        pages = client("dynamodb", self.endpoint).get_paginator("query")
        for page in pages.paginate(
            TableName=self.table,
            ConsistentRead=True,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ProjectionExpression=projection,
        ):
            yield from page["Items"]

    def everything(self) -> Found:
        """The attributes of all items but their keys, by their paths."""
        return {_path(item): _fields(item) for item in self.items()}

    def items(self) -> list[dict[str, Any]]:
        """All, as they lie there."""
        pages = client("dynamodb", self.endpoint).get_paginator("scan")
        found = pages.paginate(TableName=self.table, ConsistentRead=True)
        return [item for page in found for item in page["Items"]]


def _path(item: dict[str, Any]) -> str:
    of, rest = item["pk"]["S"], item["sk"]["S"]
    if of == "TENANTS":
        return f"tenants/{rest}"
    (kind, _, name), (mark, _, tenant) = rest.partition("#"), of.partition("#")
    if mark == "WORK":
        return f"tenants/{tenant}/{mark.lower()}/{rest}"
    assert mark == "TENANT", f"{of} is nobody's"
    return f"tenants/{tenant}/{_KINDS[kind]}/{name}"


def _fields(item: dict[str, Any]) -> dict[str, Any]:
    """All but the keys. Texts that lie in parts have these parts' names, in ``NAME_parts``."""
    fields = {name: _plain(value) for name, value in item.items() if name not in ("pk", "sk")}
    for name, parts in fields.items():
        if not name.endswith("_parts"):
            continue
        if isinstance(parts, list):  # a document's, by their hashes
            own = parts
        else:  # so many of a plan's or a letter's
            own = [f"{fields['nonce']}#{number:06}" for number in range(parts)]
        fields[name] = [f"{fields['log_id']}#{part}" for part in own]
    return fields


def _plain(value: dict[str, Any]) -> Any:
    """A value of DynamoDB's protocol as Python's."""
    [(kind, inner)] = value.items()
    match kind:
        case "M":
            return {name: _plain(each) for name, each in inner.items()}
        case "L":
            return [_plain(each) for each in inner]
        case "N":
            return _number(inner)
        case "NS":
            return {_number(each) for each in inner}
        case "SS" | "BS":
            return set(inner)
        case "NULL":
            return None
        case _:
            return inner


def _number(digits: str) -> float:
    return int(digits) if digits.lstrip("-").isdigit() else float(digits)
