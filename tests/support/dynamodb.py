"""A table in tests: a fresh one on ministack, and what its calls would be billed.

Units are counted by the rules of
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html, from
the items themselves: ministack's own count is none.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.awsjson import Answer, Service, serving
from tests.support.outside_aws import client

from logweir.backends.aws.clients import Client
from logweir.backends.aws.table import Table

READ_UNIT, WRITE_UNIT = 4096, 1024


@contextmanager
def table_at(endpoint: str, name: str = "") -> Iterator[Table]:
    """A new table with nothing in it."""
    name = name or f"test-{uuid.uuid4().hex[:20]}"
    raw = client("dynamodb", endpoint)
    create_table(raw, name)
    calls = Client(lambda: raw, 32)
    yield Table(calls, name)
    calls.close()


@contextmanager
def table_of(
    answers: dict[str, Answer], upstream: str | None = None, name: str = "t"
) -> Iterator[tuple[Table, Service]]:
    """A table whose service answers as the test wants it."""
    with serving(answers, upstream=upstream) as service:
        calls = Client(lambda: service.client("dynamodb"), 32)
        yield Table(calls, name), service
        calls.close()


def create_table(raw: Any, name: str) -> None:
    """As the deployment makes it."""
    raw.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def attributes_bytes(item: Mapping[str, Any]) -> int:
    """The size of an item by
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html.
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(attribute: Mapping[str, Any]) -> int:
    [(kind, value)] = attribute.items()
    match kind:
        case "S":
            return len(str(value).encode())
        case "N":
            return len(str(value)) // 2 + 2
        case "BOOL" | "NULL":
            return 1
        case "NS":  # what a set adds is not said: taken as of a list
            return 3 + sum(1 + _value_bytes({"N": each}) for each in value)
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(v) for name, v in value.items())
        case _:
            raise AssertionError(f"nothing of ours has the type {kind}")


@dataclass
class Meter:
    """Read units and write units, as DynamoDB bills them on demand."""

    raw: Any
    name: str
    reads: float = 0
    writes: float = 0

    def billed(self) -> tuple[float, ...]:
        """Read units and write units so far."""
        return self.reads, self.writes

    async def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """In the place of a Client."""
        match operation:
            case "put_item":
                self.writes += _units(parameters["Item"], WRITE_UNIT)
            case "delete_item":
                self.writes += self._stored(parameters["Key"], WRITE_UNIT)
            case "get_item":
                self.reads += self._read(parameters["Key"], parameters)
            case "batch_get_item":
                request = parameters["RequestItems"][self.name]
                self.reads += sum(self._read(key, request) for key in request["Keys"])
            case "batch_write_item":
                for each in parameters["RequestItems"][self.name]:
                    if "PutRequest" in each:
                        self.writes += _units(each["PutRequest"]["Item"], WRITE_UNIT)
                    else:
                        self.writes += self._stored(each["DeleteRequest"]["Key"], WRITE_UNIT)
            case _:
                pass  # counted by what was found
        answer: dict[str, Any] = getattr(self.raw, operation)(**parameters)
        if operation == "update_item":  # of ours none shrinks its item
            self.writes += self._stored(parameters["Key"], WRITE_UNIT)
        elif operation == "query":
            read = sum(map(attributes_bytes, self._whole_page(parameters)))
            self.reads += max(1, -(-read // READ_UNIT))
        return answer

    def _whole_page(self, query: Mapping[str, Any]) -> list[Any]:
        """What a query reads, whatever it returns of it."""
        whole = {k: v for k, v in query.items() if k not in ("Select", "ProjectionExpression")}
        names = query["ExpressionAttributeNames"].items()
        used = {k: v for k, v in names if k in query["KeyConditionExpression"]}
        items: list[Any] = self.raw.query(**whole | {"ExpressionAttributeNames": used})["Items"]
        return items

    def _stored(self, key: Any, unit: int) -> int:
        found = self.raw.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        return _units(found.get("Item", {}), unit)

    def _read(self, key: Any, request: Mapping[str, Any]) -> float:
        return self._stored(key, READ_UNIT) * (1 if request["ConsistentRead"] else 0.5)


def _units(item: Mapping[str, Any], unit: int) -> int:
    return max(1, -(-attributes_bytes(item) // unit))
