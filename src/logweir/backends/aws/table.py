"""The calls of DynamoDB that we use, on the one table. Raises StoreUnavailable, and Refused.

Every name in an expression is spelled ``#name``, since hundreds of words are reserved. All reads
are strongly consistent unless asked otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from logweir.backends.aws.attributes import attribute_of, attributes_of, fields_of
from logweir.backends.aws.batches import in_batches
from logweir.backends.aws.calls import Exists, Missing, Unmet, patiently
from logweir.errors import StoreUnavailable
from logweir.pipeline.fields import Fields

if TYPE_CHECKING:
    from logweir.backends.aws.clients import Client

_SECONDS: Final = 15.0  # no try begins later
_GETS_MAX: Final = 100  # in one request; what is above 16 MB comes back unprocessed
_WRITES_MAX: Final = 25  # in one request, which may have 16 MB: parts are cut so that they fit

# Conditions of writes, by what they say of the item that is there. An item always has its key.
_ABSENT: Final = "attribute_not_exists(#pk)"
_PRESENT: Final = "attribute_exists(#pk)"
_ABSENT_OR_OF_THE_NONCE: Final = "attribute_not_exists(#pk) OR #nonce = :nonce"


class Key(NamedTuple):
    """The two halves of a primary key."""

    pk: str
    sk: str


class Table:
    """The table, by its name."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name

    async def get(
        self, key: Key, names: Sequence[str] | None = None, *, consistent: bool = True
    ) -> Fields | None:
        """An item, or these fields of it; None where there is none. Billed by the whole item."""
        answer = await self._call(
            "get_item",
            Key=attributes_of(key._asdict()),
            ConsistentRead=consistent,
            **_projection(names),
        )
        # An item that has none of the fields is an empty one.
        return fields_of(answer["Item"]) if "Item" in answer else None

    async def get_many(
        self, keys: Iterable[Key], names: Sequence[str] | None = None, *, consistent: bool = True
    ) -> dict[Key, Fields]:
        """Those of the items that are there, each as of a moment of its own."""
        wanted = {} if names is None else _projection(dict.fromkeys((*names, *Key._fields)))
        found: dict[Key, Fields] = {}

        async def get(batch: Sequence[Any]) -> Sequence[Any]:
            request = {"Keys": batch, "ConsistentRead": consistent, **wanted}
            answer = await self._call_batch("batch_get_item", request)
            for attributes in answer["Responses"].get(self._name, ()):
                item = fields_of(attributes)
                found[Key(item["pk"], item["sk"])] = item
            rest = answer.get("UnprocessedKeys", {}).get(self._name, {})
            unprocessed: Sequence[Any] = rest.get("Keys", ())
            return unprocessed

        unique = [attributes_of(key._asdict()) for key in dict.fromkeys(keys)]
        await in_batches(unique, _GETS_MAX, get, seconds=_SECONDS)
        return found

    async def create(self, key: Key, fields: Fields) -> None:
        """Write an item where there is none. Raises Exists; a lost answer can make it do so."""
        try:
            await self._call(
                "put_item",
                Item=attributes_of({**key._asdict(), **fields}),
                ConditionExpression=_ABSENT,
                ExpressionAttributeNames={"#pk": "pk"},
            )
        except Unmet as error:
            raise Exists(str(error)) from None

    async def put(self, key: Key, fields: Fields) -> None:
        """Write an item, over the one that is there, if any."""
        await self._call("put_item", Item=attributes_of({**key._asdict(), **fields}))

    async def update(self, key: Key, fields: Fields) -> None:
        """Set some fields of an item. Raises Unmet where there is none."""
        await self._call(
            "update_item",
            Key=attributes_of(key._asdict()),
            UpdateExpression=_setting(fields),
            ConditionExpression=_PRESENT,
            ExpressionAttributeNames={"#pk": "pk", **_names(fields)},
            ExpressionAttributeValues=_values(fields),
        )

    async def add(
        self, key: Key, name: str, value: int | frozenset[int], *, marks: Fields
    ) -> Fields:
        """Add to a number, or to a set of numbers, and set ``marks``: the item as it is then.

        The item is made if need be. A number may be added twice where an answer is lost.
        """
        fields = {name: value, **marks}
        answer = await self._call(
            "update_item",
            Key=attributes_of(key._asdict()),
            UpdateExpression=f"ADD #{name} :{name} {_setting(marks)}",
            ExpressionAttributeNames=_names(fields),
            ExpressionAttributeValues=_values(fields),
            ReturnValues="ALL_NEW",
        )
        return fields_of(answer["Attributes"])

    async def delete(self, key: Key, *, nonce: str | None = None) -> None:
        """Delete an item, there or not. Raises Unmet where it is there and of another nonce."""
        condition: dict[str, Any] = {}
        if nonce is not None:
            condition = {
                "ConditionExpression": _ABSENT_OR_OF_THE_NONCE,
                "ExpressionAttributeNames": _names(["pk", "nonce"]),
                "ExpressionAttributeValues": _values({"nonce": nonce}),
            }
        await self._call("delete_item", Key=attributes_of(key._asdict()), **condition)

    async def put_many(self, items: Mapping[Key, Fields]) -> None:
        """Write items, over those that are there: not in one step, and in no order."""
        await self._write(
            [
                {"PutRequest": {"Item": attributes_of({**key._asdict(), **fields})}}
                for key, fields in items.items()
            ]
        )

    async def delete_many(self, keys: Iterable[Key]) -> None:
        """Delete items, there or not: not in one step, and in no order."""
        await self._write(
            [
                {"DeleteRequest": {"Key": attributes_of(key._asdict())}}
                for key in dict.fromkeys(keys)
            ]
        )

    async def _write(self, requests: Sequence[Any]) -> None:
        async def write(batch: Sequence[Any]) -> Sequence[Any]:
            answer = await self._call_batch("batch_write_item", batch)
            unprocessed: Sequence[Any] = answer.get("UnprocessedItems", {}).get(self._name, ())
            return unprocessed

        await in_batches(requests, _WRITES_MAX, write, seconds=_SECONDS)

    async def pages(
        self,
        pk: str,
        prefix: str | None,
        names: Sequence[str] | None = None,
        *,
        consistent: bool = True,
    ) -> AsyncIterator[list[Fields]]:
        """The items whose sort keys begin so, or all, in the order of the keys: 1 MB at a time."""
        what = {**_projection(names), "ConsistentRead": consistent}
        async for answer in self._query(pk, prefix, what):
            yield [fields_of(item) for item in answer["Items"]]

    async def count(self, pk: str, prefix: str) -> int:
        """How many items' sort keys begin so. DynamoDB reads and bills them all."""
        return sum(
            [answer["Count"] async for answer in self._query(pk, prefix, {"Select": "COUNT"})]
        )

    async def _query(
        self, pk: str, prefix: str | None, what: Mapping[str, Any]
    ) -> AsyncIterator[dict[str, Any]]:
        condition, values = "#pk = :pk", {"pk": pk}
        if prefix is not None:
            condition, values = f"{condition} AND begins_with(#sk, :sk)", {"pk": pk, "sk": prefix}
        query = {
            "ConsistentRead": True,
            **what,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {
                **what.get("ExpressionAttributeNames", {}),
                **_names(values),
            },
            "ExpressionAttributeValues": _values(values),
        }
        while True:
            answer = await self._call("query", **query)
            yield answer
            if not (last := answer.get("LastEvaluatedKey")):
                return
            query["ExclusiveStartKey"] = last

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return await self._ask(operation, {"TableName": self._name, **parameters})

    async def _call_batch(self, operation: str, request: object) -> dict[str, Any]:
        return await self._ask(operation, {"RequestItems": {self._name: request}})

    async def _ask(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await patiently(
                lambda: self._client(operation, **parameters), StoreUnavailable, seconds=_SECONDS
            )
        except Missing:
            # A look-up is never told so of an item.
            raise StoreUnavailable(f"there is no table {self._name}: is it deployed?") from None


def _projection(names: Iterable[str] | None) -> dict[str, Any]:
    if names is None:
        return {}
    return {
        "ProjectionExpression": ", ".join(f"#{name}" for name in names),
        "ExpressionAttributeNames": _names(names),
    }


def _setting(fields: Iterable[str]) -> str:
    return "SET " + ", ".join(f"#{name} = :{name}" for name in fields)


def _names(names: Iterable[str]) -> dict[str, str]:
    return {f"#{name}": name for name in names}


def _values(fields: Fields) -> dict[str, Any]:
    return {f":{name}": attribute_of(value) for name, value in fields.items()}
