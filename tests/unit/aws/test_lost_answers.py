"""What was done, but nobody heard of it: ministack does it, and the connection breaks.

Whoever then tries again must not take its own record for somebody else's, nor the reverse.
"""

from __future__ import annotations

import pytest
from tests.support.awsjson import Answer, HangUp, Request, Service
from tests.support.logs import ACME, LOG, a_document, a_key, a_letter, a_plan
from tests.support.outside_aws import Dynamo

from logweir.backends.aws.reader import DynamoReader
from logweir.backends.aws.store import DynamoStore
from logweir.backends.aws.table import Table
from logweir.clock import ManualClock
from logweir.errors import StoreUnavailable
from logweir.pipeline.store import Found, Stored

LONG = "0123456789 é🙂\0" * 30_000  # 540 KB: parts in every record
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
TEXTS = pytest.mark.parametrize("text", ["short", LONG], ids=["short", "long"])


def losing_every_second_answer(service: Service, operation: str) -> Answer:
    """The first is lost, the second comes, and so on."""
    asked = 0

    def answer(request: Request) -> Request:
        nonlocal asked
        asked += 1
        try:
            return service.forward(f"DynamoDB_20120810.{operation}", request)
        finally:
            if asked % 2:
                raise HangUp

    return answer


@pytest.fixture
def store(service: tuple[Table, Service]) -> DynamoStore:
    """A store that hears only of each second write."""
    table, asked = service
    for operation in WRITES:
        asked.answers[operation] = losing_every_second_answer(asked, operation)
    return DynamoStore(table, ManualClock())


@TEXTS
async def test_a_document_is_created_or_the_same_and_never_anothers(
    store: DynamoStore, reader: DynamoReader, text: str
) -> None:
    assert await store.create(a_document(text)) is Stored.SAME
    assert await store.create(a_document(text)) is Stored.SAME
    assert await store.create(a_document("other")) is Stored.OTHER
    assert await reader.document(ACME, LOG) == a_document(text)


@TEXTS
async def test_a_plan_is_ours_and_keeps_its_parts(store: DynamoStore, text: str) -> None:
    plan = a_plan(text, 1000)
    assert await store.plan(plan) == plan
    assert await store.load(plan.key) == plan
    await store.mark_sent(plan.key)
    assert (await store.plan(plan)).sent is True


async def test_a_chunk_is_recorded_once(store: DynamoStore) -> None:
    plan = await store.plan(a_plan("0123456789", 3))
    assert [await store.record(plan.key, index) for index in range(4)] == [False] * 3 + [True]
    assert await store.recorded(plan.key) == frozenset(range(4))


@TEXTS
async def test_what_is_forgotten_or_purged_is_gone_whole(
    store: DynamoStore, service: tuple[Table, Service], outside: Dynamo, text: str
) -> None:
    reader = DynamoReader(service[0])
    plan = await store.plan(a_plan(text, 1000))
    await store.record(plan.key, 0)
    await store.bury(a_letter(text))
    assert await reader.letter(a_key(text)) == a_letter(text)
    await store.forget(plan.key)
    assert await reader.purge(a_key(text)) is True
    assert list(outside.everything()) == ["tenants/acme"]


async def test_a_death_may_be_counted_twice_but_is_never_lost(store: DynamoStore) -> None:
    assert await store.begin(a_key("x"), None) in (0, 1)
    assert await store.begin(a_key("x"), None) in (1, 2, 3)
    await store.answer(a_key("x"), None, done=True)
    assert await store.begin(a_key("x"), None) in (0, 1)


async def test_a_plan_that_was_made_anew_meanwhile_is_not_forgotten(
    service: tuple[Table, Service],
) -> None:
    table, asked = service
    store = DynamoStore(table, ManualClock())
    plan = await store.plan(a_plan("", 1000))

    def after_another(request: Request) -> Request:
        of = {"TableName": request["TableName"]}
        head = asked.forward("DynamoDB_20120810.GetItem", {**of, "Key": request["Key"]})["Item"]
        anew = {**head, "nonce": {"S": "0" * 32}}
        asked.forward("DynamoDB_20120810.PutItem", {**of, "Item": anew})
        return asked.forward("DynamoDB_20120810.DeleteItem", request)

    asked.answers["DeleteItem"] = after_another
    await store.forget(plan.key)
    assert asked.times("DeleteItem") == 2  # its work, and the head in vain
    assert await store.load(plan.key) == plan


async def test_a_crash_between_parts_and_head_leaves_nothing_that_is_read(
    service: tuple[Table, Service], reader: DynamoReader, impatient: None
) -> None:
    table, asked = service

    def hang_up(_request: Request) -> Request:
        raise HangUp

    asked.answers["PutItem"] = hang_up
    store = DynamoStore(table, ManualClock())
    for call in (
        store.create(a_document(LONG)),
        store.plan(a_plan(LONG, 1000)),
        store.bury(a_letter(LONG)),
    ):
        with pytest.raises(StoreUnavailable):
            await call
    del asked.answers["PutItem"]
    assert await store.find(a_key(LONG)) is Found.ABSENT
    assert await store.load(a_key(LONG)) is None
    assert await store.buried(a_key(LONG)) is False
    assert [tenant async for tenant in reader.tenants()] == []
    assert await store.create(a_document(LONG)) is Stored.CREATED
    assert await store.plan(a_plan(LONG, 1000)) == a_plan(LONG, 1000)
    await store.bury(a_letter(LONG))
    assert await reader.document(ACME, LOG) == a_document(LONG)
    assert await reader.letter(a_key(LONG)) == a_letter(LONG)
