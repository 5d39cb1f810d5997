"""The calls of DynamoDB: what is asked, and what becomes of each answer. botocore asks for real."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.support.awsjson import HangUp, Request, in_turn, raises
from tests.support.dynamodb import table_of

from logweir.backends.aws.calls import Exists, Unmet
from logweir.backends.aws.table import Key, Table
from logweir.errors import Refused, StoreUnavailable

KEY = Key("p", "s")
NOTHING: Request = {}
THROTTLED = [
    *("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"),
    *("InternalServerError", "TransactionConflictException"),
]
Call = Callable[[Table], Coroutine[Any, Any, Any]]


async def listed(table: Table, prefix: str | None = "s") -> list[Any]:
    """All pages of a query."""
    return [item async for page in table.pages("p", prefix) for item in page]


CALLS: dict[str, Call] = {
    "GetItem": lambda table: table.get(KEY),
    "BatchGetItem": lambda table: table.get_many([KEY]),
    "PutItem": lambda table: table.put(KEY, {}),
    "UpdateItem": lambda table: table.add(KEY, "n", 1, marks={"expires_at": 7}),
    "DeleteItem": lambda table: table.delete(KEY),
    "BatchWriteItem": lambda table: table.delete_many([KEY]),
    "Query": lambda table: table.count("p", "s"),
}
DONE: dict[str, Request] = {
    "BatchGetItem": {"Responses": {"t": []}, "UnprocessedKeys": {}},
    "UpdateItem": {"Attributes": {"n": {"N": "1"}}},
    "BatchWriteItem": {"UnprocessedItems": {}},
    "Query": {"Items": [], "Count": 0},
}


# ---- throttling and outages ----------------------------------------------------------------------


@pytest.mark.parametrize("code", THROTTLED)
@pytest.mark.parametrize("operation", CALLS)
async def test_what_was_throttled_is_asked_again(operation: str, code: str) -> None:
    status = 500 if code == "InternalServerError" else 400
    twice = [lambda _: raises(code, status)] * 2
    done = DONE.get(operation, NOTHING)
    with table_of({operation: in_turn(*twice, then=lambda _: done)}) as (table, service):
        await CALLS[operation](table)
        assert service.times(operation) == 3


@pytest.mark.parametrize("operation", CALLS)
async def test_what_is_throttled_for_long_is_an_outage(operation: str, impatient: None) -> None:
    with table_of({operation: lambda _: raises("ThrottlingException")}) as (table, service):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="ThrottlingException"):
            await CALLS[operation](table)
        assert time.monotonic() - began < 1
        assert 2 <= service.times(operation) <= 8, "with backoff"


@pytest.mark.parametrize("operation", CALLS)
async def test_a_connection_that_breaks_is_made_again(operation: str) -> None:
    def hang_up(_: Request) -> Request:
        raise HangUp

    done = DONE.get(operation, NOTHING)
    with table_of({operation: in_turn(hang_up, then=lambda _: done)}) as (table, service):
        await CALLS[operation](table)
        assert service.times(operation) == 2


@pytest.mark.parametrize("operation", CALLS)
async def test_a_table_that_is_not_there_is_an_outage_and_not_an_empty_one(operation: str) -> None:
    with table_of({operation: lambda _: raises("ResourceNotFoundException")}) as (table, service):
        with pytest.raises(StoreUnavailable, match=r"no table t: is it deployed\?"):
            await CALLS[operation](table)
        assert service.times(operation) == 1


async def test_what_dynamodb_will_never_take_is_refused_at_once() -> None:
    with table_of({"PutItem": lambda _: raises("ValidationException")}) as (table, service):
        with pytest.raises(Refused, match="ValidationException"):
            await table.put(KEY, {})
        assert service.times("PutItem") == 1


# ---- batches -------------------------------------------------------------------------------------


async def test_what_comes_back_unprocessed_is_written_again_and_nothing_else() -> None:
    """Of 60, each request takes ten."""
    written: list[str] = []

    def write(request: Request) -> Request:
        asked = request["RequestItems"]["t"]
        assert len(asked) <= 25
        written.extend(each["PutRequest"]["Item"]["sk"]["S"] for each in asked[:10])
        return {"UnprocessedItems": {"t": asked[10:]} if asked[10:] else {}}

    keys = [Key("p", f"{number:03}") for number in range(60)]
    with table_of({"BatchWriteItem": write}) as (table, _):
        await table.put_many({key: {"a": 1} for key in keys})
    assert sorted(written) == [key.sk for key in keys]


async def test_what_comes_back_unprocessed_is_read_again_and_nothing_else() -> None:
    def read(request: Request) -> Request:
        asked = request["RequestItems"]["t"]
        assert len(asked["Keys"]) <= 100
        assert asked["ConsistentRead"] is True
        assert set(asked["ExpressionAttributeNames"].values()) == {"pk", "sk", "a"}
        rest = {"t": {**asked, "Keys": asked["Keys"][40:]}} if asked["Keys"][40:] else {}
        return {"Responses": {"t": asked["Keys"][:40]}, "UnprocessedKeys": rest}

    keys = [Key("p", f"{number:03}") for number in range(250)]
    with table_of({"BatchGetItem": read}) as (table, service):
        found = await table.get_many([*keys, keys[0]], ["a"])
        assert set(found) == set(keys)
        assert service.times("BatchGetItem") == 7


async def test_a_batch_of_which_nothing_gets_done_is_an_outage(impatient: None) -> None:
    def write(request: Request) -> Request:
        return {"UnprocessedItems": request["RequestItems"]}

    with table_of({"BatchWriteItem": write}) as (table, service):
        with pytest.raises(StoreUnavailable, match="Throughput"):
            await table.delete_many([KEY, Key("p", "other")])
        assert service.times("BatchWriteItem") <= 8, "with backoff"


async def test_a_batch_of_which_something_gets_done_goes_on(impatient: None) -> None:
    """One item each time, for longer than nothing may get done."""

    def write(request: Request) -> Request:
        time.sleep(0.03)
        rest = request["RequestItems"]["t"][1:]
        return {"UnprocessedItems": {"t": rest} if rest else {}}

    with table_of({"BatchWriteItem": write}) as (table, service):
        await table.delete_many([Key("p", str(number)) for number in range(20)])
        assert service.times("BatchWriteItem") == 20


async def test_of_nothing_nothing_is_asked() -> None:
    with table_of({}) as (table, service):
        assert await table.get_many([]) == {}
        await table.put_many({})
        await table.delete_many([])
        assert service.asked == []


# ---- what is asked -------------------------------------------------------------------------------


async def test_every_name_in_an_expression_is_escaped(table: Table) -> None:
    """All of these are reserved words of DynamoDB's."""
    fields = {"source": 1, "status": "s", "count": None, "name": True}
    await table.create(KEY, fields)
    await table.update(KEY, {"status": "t", "name": False})
    assert await table.get(KEY, list(fields)) == fields | {"status": "t", "name": False}
    await table.add(Key("p", "n"), "values", 2, marks={"ttl": 3})
    found = await table.get_many([KEY, Key("p", "n")], ["values", "ttl"])
    assert found[Key("p", "n")] == {"pk": "p", "sk": "n", "values": 2, "ttl": 3}
    assert [item async for page in table.pages("p", "n", ["ttl"]) for item in page] == [{"ttl": 3}]


async def test_only_one_creates(table: Table) -> None:
    created = await asyncio.gather(
        *(table.create(KEY, {"by": number}) for number in range(20)), return_exceptions=True
    )
    assert [type(each) for each in created].count(type(None)) == 1
    assert [type(each) for each in created].count(Exists) == 19


async def test_only_what_is_there_is_updated(table: Table) -> None:
    with pytest.raises(Unmet):
        await table.update(KEY, {"a": 1})
    assert await table.get(KEY) is None


async def test_what_has_another_nonce_is_not_deleted(table: Table) -> None:
    await table.delete(KEY, nonce="one")
    await table.create(KEY, {"nonce": "two"})
    with pytest.raises(Unmet):
        await table.delete(KEY, nonce="one")
    await table.delete(KEY, nonce="two")
    assert await table.get(KEY) is None


async def test_an_item_without_the_fields_that_are_asked_for_is_there(table: Table) -> None:
    await table.put(KEY, {"a": 1})
    assert await table.get(KEY, ["b"]) == {}
    assert await table.get(Key("p", "other"), ["b"]) is None


async def test_what_fills_many_pages_is_listed_and_counted_whole(table: Table) -> None:
    """A page of DynamoDB's is 1 MB, whatever the items are."""
    text = "x" * 300_000
    for number in range(10):
        await table.put(Key("p", f"s{number}"), {"text": text})
    await table.put(Key("p", "t"), {})
    await table.put(Key("q", "s"), {})
    assert [item["sk"] for item in await listed(table)] == [f"s{number}" for number in range(10)]
    assert await table.count("p", "s") == 10
    assert [item["sk"] for item in await listed(table, None)][-1] == "t"
