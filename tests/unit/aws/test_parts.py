"""Texts that do not lie in their record: on ministack, which holds items to 400 KB."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.awsjson import Request, Service
from tests.support.dynamodb import attributes_bytes
from tests.support.logs import ACME, LOG, a_document, a_key, a_letter, a_plan
from tests.support.outside_aws import Dynamo

from logweir.backends.aws import parts
from logweir.backends.aws.partition import Partitions
from logweir.backends.aws.reader import DynamoReader
from logweir.backends.aws.store import DynamoStore
from logweir.backends.aws.table import Table
from logweir.clock import ManualClock
from logweir.errors import Refused, StoreUnavailable
from logweir.ids import LogId, TenantId
from logweir.pipeline.store import Stored

KIB = 1024
LONG = "0123456789 é🙂\0" * 30_000  # 540 KB
FITS = (400 - 8) * KIB // 2  # of a document whose two texts are equal
LONGEST = "x" * 128


def parts_in(found: dict[str, Any]) -> list[str]:
    """The paths of the parts among all that is there."""
    return [path for path in found if path.split("/")[2:3] == ["parts"]]


@pytest.mark.parametrize("text", ["x" * FITS, "x" * (FITS + 1), "é" * (FITS // 2), "🙂" * 150_000])
async def test_a_document_comes_back_whole_whatever_fits_into_one_item(
    store: DynamoStore, reader: DynamoReader, outside: Dynamo, text: str
) -> None:
    document = replace(a_document(text), redactions={f"rule-{n}": n for n in range(60)})
    assert await store.create(document) is Stored.CREATED
    assert await reader.document(ACME, LOG) == document
    assert bool(parts_in(outside.everything())) is (len(text.encode()) > FITS)


async def test_an_item_of_the_longest_ids_and_the_largest_texts_fits(
    store: DynamoStore, outside: Dynamo
) -> None:
    tenant, log = TenantId(LONGEST), LogId(LONGEST)
    document = a_document("x" * FITS, tenant=tenant, log=log)
    await store.create(replace(document, redactions={f"rule-{n}": n for n in range(60)}))
    [size] = [
        attributes_bytes(item) for item in outside.items() if item["sk"]["S"].startswith("LOG#")
    ]
    assert 392 * KIB < size <= 400 * KIB


async def test_what_does_not_fit_into_an_item_is_refused_by_the_emulator_too(
    table: Table,
) -> None:
    subtree = Partitions(table).of(ACME)
    with pytest.raises(Refused):
        await subtree.create("LOG#1", {"text": "x" * 400 * KIB})


@pytest.mark.parametrize("filling", ["x", "é", "🙂", "\0"])
async def test_parts_fill_requests_that_the_service_takes(
    store: DynamoStore, reader: DynamoReader, filling: str
) -> None:
    """Four MiB, the most that a text has; JSON spells a NUL in six bytes."""
    text = "".join(
        f"{n:07}" + filling * 25 for n in range((4 << 20) // (7 + 25 * len(filling.encode())))
    )
    document = replace(a_document(text), modified_data=text[::-1])
    assert await store.create(document) is Stored.CREATED
    assert await reader.document(ACME, LOG) == document


async def test_long_texts_have_parts_in_every_record(
    store: DynamoStore, reader: DynamoReader
) -> None:
    document, letter, plan = a_document(LONG), a_letter(LONG), a_plan(LONG, 1000)
    await store.create(document)
    await store.bury(letter)
    assert await store.plan(plan) == plan
    assert [found async for found in reader.documents(ACME)] == [document]
    assert await reader.letter(letter.key) == letter
    assert await store.load(plan.key) == plan


async def test_the_parts_of_plans_and_letters_go_with_them(
    store: DynamoStore, reader: DynamoReader, outside: Dynamo
) -> None:
    await store.plan(a_plan(LONG, 1000))
    await store.bury(a_letter(LONG))
    for index in (0, 127, 128, 419):
        await store.record(a_key(LONG), index)
    assert len(outside.everything()) > 20
    await store.forget(a_key(LONG))
    await reader.purge(a_key(LONG))
    assert list(outside.everything()) == ["tenants/acme"]


async def test_the_parts_of_documents_are_never_written_twice(
    service: tuple[Table, Service], outside: Dynamo
) -> None:
    table, asked = service
    store = DynamoStore(table, ManualClock())
    text = "x" * parts.PART_BYTES_MAX * 9  # whose parts are all equal
    assert await store.create(a_document(text)) is Stored.CREATED
    assert await store.create(a_document(text)) is Stored.SAME
    assert len(parts_in(outside.everything())) == 1
    assert asked.times("BatchWriteItem") == 1


async def test_who_was_throttled_goes_on_where_the_last_one_stopped(
    service: tuple[Table, Service], reader: DynamoReader, impatient: None
) -> None:
    table, asked = service
    store = DynamoStore(table, ManualClock())
    taken: list[str] = []

    def take_three(request: Request) -> Request:
        writes = request["RequestItems"][table._name]
        taken.extend(each["PutRequest"]["Item"]["sk"]["S"] for each in writes[: 3 - len(taken)])
        if len(taken) == 3:
            del asked.answers["BatchWriteItem"]
            asked.answers["BatchWriteItem"] = lambda again: {
                "UnprocessedItems": again["RequestItems"]
            }
        request["RequestItems"][table._name] = writes[:3]
        asked.forward("DynamoDB_20120810.BatchWriteItem", request)
        return {"UnprocessedItems": {table._name: writes[3:]}}

    asked.answers["BatchWriteItem"] = take_three
    with pytest.raises(StoreUnavailable):
        await store.create(a_document(LONG))
    del asked.answers["BatchWriteItem"]
    asked.asked.clear()
    assert await store.create(a_document(LONG)) is Stored.CREATED
    [again] = [request for name, request in asked.asked if name == "BatchWriteItem"]
    written = [each["PutRequest"]["Item"]["sk"]["S"] for each in again["RequestItems"][table._name]]
    assert len(taken) == 3
    assert not {*taken} & {*written}
    assert await reader.document(ACME, LOG) == a_document(LONG)


async def test_a_part_that_an_old_answer_does_not_have_is_read_anew(
    service: tuple[Table, Service], store: DynamoStore
) -> None:
    await store.plan(a_plan(LONG, 1000))
    table, asked = service

    def lag(request: Request) -> Request:
        [wanted] = request["RequestItems"].values()
        if not wanted["ConsistentRead"]:
            wanted["Keys"] = wanted["Keys"][::2]
        return asked.forward("DynamoDB_20120810.BatchGetItem", request)

    asked.answers["BatchGetItem"] = lag
    assert await DynamoStore(table, ManualClock()).load(a_key(LONG)) == a_plan(LONG, 1000)
    assert asked.times("BatchGetItem") == 2


async def test_a_document_whose_part_is_gone_is_an_outage(
    table: Table, store: DynamoStore, reader: DynamoReader, outside: Dynamo
) -> None:
    await store.create(a_document(LONG))
    path = parts_in(outside.everything())[0]
    await Partitions(table).of(ACME).delete("PART#" + path.rpartition("/")[2])
    with pytest.raises(StoreUnavailable, match="log-1: a part of a text is missing"):
        await reader.document(ACME, LOG)


async def test_a_plan_never_has_its_text_in_what_its_chunks_read(
    store: DynamoStore, outside: Dynamo
) -> None:
    await store.plan(a_plan("a text that can be told from the rest", 1))
    [head] = [fields for path, fields in outside.everything().items() if "/plans/" in path]
    assert "told" not in str(head)


@pytest.mark.parametrize(("characters", "apart"), [(0, 0), (2048, 0), (2049, 1), (200_000, 4)])
async def test_a_short_letter_is_one_item_and_the_head_of_a_long_one_is_small(
    store: DynamoStore, reader: DynamoReader, outside: Dynamo, characters: int, apart: int
) -> None:
    letter = replace(a_letter("x" * characters), error="é" * 500)
    await store.bury(letter)
    assert await reader.letter(letter.key) == letter
    assert len(parts_in(outside.everything())) == apart
    [head] = [item for item in outside.items() if item["sk"]["S"].startswith("DEAD#")]
    assert attributes_bytes(head) <= 4096, "one read unit"
