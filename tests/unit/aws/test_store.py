"""The store on ministack: what only it has, beyond the suites of every back end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.support.dynamodb import attributes_bytes
from tests.support.logs import ACME, GLOBEX, LOG, a_document, a_key, a_letter, a_plan
from tests.support.outside_aws import Dynamo

from logweir.backends.aws import keys, recorded
from logweir.backends.aws.partition import Partition, Partitions
from logweir.backends.aws.reader import DynamoReader
from logweir.backends.aws.store import DynamoStore
from logweir.backends.aws.table import Table
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import TextKey
from logweir.pipeline.store import Stored

LONG = "0123456789 é🙂\0" * 10_000  # 180 KB: three parts
SHARD = recorded.SHARD


@pytest.fixture
def acme(table: Table) -> Partition:
    """All that ACME has."""
    return Partitions(table).of(ACME)


def kinds(outside: Dynamo) -> list[str]:
    """Of what kinds all items of tenants are."""
    return sorted(path.split("/")[2] for path in outside.everything() if path.count("/") > 1)


# ---- races ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["short", LONG * 4], ids=["short", "long"])
async def test_of_twenty_creators_one_creates(
    store: DynamoStore, reader: DynamoReader, text: str
) -> None:
    documents = [replace(a_document(text), attempts=number) for number in range(20)]
    stored = await asyncio.gather(*map(store.create, documents))
    assert sorted(result.value for result in stored) == ["created"] + ["same"] * 19
    winner = documents[stored.index(Stored.CREATED)]
    assert await reader.document(ACME, winner.log_id) == winner


async def test_of_twenty_planners_all_follow_one_and_the_others_leave_nothing(
    store: DynamoStore, outside: Dynamo
) -> None:
    plans = [a_plan(LONG, size) for size in range(1, 21)]
    followed = await asyncio.gather(*map(store.plan, plans))
    assert followed == [followed[0]] * 20
    assert await store.load(plans[0].key) == followed[0]
    assert kinds(outside) == ["parts"] * 3 + ["plans", "work"]


async def test_of_twenty_letters_of_one_text_one_stays_and_the_others_leave_nothing(
    store: DynamoStore, reader: DynamoReader, outside: Dynamo
) -> None:
    buried = [replace(a_letter(LONG), attempts=number) for number in range(20)]
    await asyncio.gather(*map(store.bury, buried))
    assert await reader.letter(a_key(LONG)) in buried
    assert kinds(outside) == ["dead_letters"] + ["parts"] * 3


async def test_twenty_that_begin_at_once_are_all_counted(store: DynamoStore) -> None:
    begun = await asyncio.gather(*(store.begin(a_key("x"), 3) for _ in range(20)))
    assert sorted(begun) == list(range(20))


# ---- recorded chunks -----------------------------------------------------------------------------


async def test_of_fifty_that_record_at_once_exactly_one_is_the_last(store: DynamoStore) -> None:
    plan = await store.plan(a_plan("x" * 50, 1))
    said = await asyncio.gather(*(store.record(plan.key, index) for index in range(50)))
    assert said.count(True) == 1
    assert await store.recorded(plan.key) == frozenset(range(50))


@pytest.mark.parametrize(
    "chunks", [SHARD - 1, SHARD, SHARD + 1, pytest.param(3 * SHARD + 7, marks=pytest.mark.slow)]
)
async def test_who_fills_the_last_set_sees_all_whatever_the_order(
    store: DynamoStore, reader: DynamoReader, chunks: int
) -> None:
    plan = await store.plan(a_plan("x" * chunks, 1))
    order = sorted(range(chunks), key=lambda index: (index * 7919) % 1009)
    said = [await store.record(plan.key, index) for index in order]
    assert said == [False] * (chunks - 1) + [True]
    assert [await store.record(plan.key, index) for index in (0, chunks - 1)] == [True, True]
    assert await store.recorded(plan.key) == frozenset(range(chunks))
    [progress] = await reader.progress(ACME, LOG)
    assert (progress.chunks_done, progress.chunks) == (chunks, chunks)


async def test_of_those_that_fill_several_sets_at_once_somebody_sees_all(
    store: DynamoStore, acme: Partition
) -> None:
    """Each set lacks one; those are recorded at the same moment."""
    for round_ in range(10):
        plan = await store.plan(a_plan("x" * 4 * SHARD, 1, log=f"log-{round_}"))
        nonce = (await acme.read(keys.plan(plan.key)) or {})["nonce"]
        for number in range(4):
            shard = keys.shard(plan.key, nonce, number)
            await acme.add(shard, "done", frozenset(range(1, SHARD)), marks={"expires_at": 1})
        lacking = [number * SHARD for number in range(4)]
        said = await asyncio.gather(*(store.record(plan.key, index) for index in lacking))
        assert True in said


async def test_a_plan_of_a_chunk_for_each_of_four_million_characters_is_recorded(
    store: DynamoStore, acme: Partition
) -> None:
    """The most that there can be. Every set but one is written as it will be when it is full."""
    chunks = 4 << 20
    plan = await store.plan(a_plan("x" * chunks, 1))
    assert await store.record(plan.key, chunks - 1) is False
    nonce = (await acme.read(keys.plan(plan.key)) or {})["nonce"]
    last = chunks // SHARD - 1
    await acme.add(
        keys.shard(plan.key, nonce, last), "done", frozenset(range(SHARD)), marks={"expires_at": 1}
    )
    assert await store.record(plan.key, 5) is False
    assert await store.recorded(plan.key) == frozenset({5, *range(chunks - SHARD, chunks)})
    assert await store.is_recorded(plan.key, chunks - 1) is True


async def test_a_full_set_of_the_longest_ids_is_one_write_unit(
    outside: Dynamo, table: Table
) -> None:
    key = TextKey(TenantId("x" * 128), LogId("x" * 128), "f" * 64)
    partition = Partitions(table).of(key.tenant)
    await partition.add(
        keys.shard(key, "f" * 32, 32_767),
        "done",
        frozenset(range(SHARD)),
        marks={"expires_at": 2_000_000_000},
    )
    [item] = outside.items()
    assert attributes_bytes(item) <= 1024


# ---- what a crash leaves behind ------------------------------------------------------------------


async def test_what_an_earlier_plan_of_the_text_left_behind_never_counts(
    store: DynamoStore, reader: DynamoReader, acme: Partition
) -> None:
    plan = a_plan("0123456789", 5)
    await store.plan(plan)
    await store.record(plan.key, 0)
    await acme.delete(keys.plan(plan.key))  # and here its worker died
    await store.plan(plan)
    assert await store.recorded(plan.key) == frozenset()
    assert await store.is_recorded(plan.key, 0) is False
    assert [progress.chunks_done for progress in await reader.progress(ACME, plan.log)] == [0]
    assert await store.record(plan.key, 1) is False
    assert await store.record(plan.key, 0) is True


async def test_a_plan_that_lost_a_part_is_none_and_can_be_made_anew(
    store: DynamoStore, acme: Partition, outside: Dynamo
) -> None:
    """DynamoDB's TTL takes items in no order."""
    plan = await store.plan(a_plan(LONG, 1000))
    part = next(path for path in outside.everything() if "/parts/" in path)
    await acme.delete("PART#" + part.rpartition("/")[2])
    assert await store.load(plan.key) is None
    assert await store.recorded(plan.key) is None
    assert await store.plan(replace(plan, chunk_characters=7)) == replace(plan, chunk_characters=7)
    assert await store.load(plan.key) == replace(plan, chunk_characters=7)


async def test_a_purge_whose_worker_died_is_finished_by_the_next(
    store: DynamoStore, reader: DynamoReader, acme: Partition, outside: Dynamo
) -> None:
    await store.bury(a_letter(LONG))
    part = next(path for path in outside.everything() if "/parts/" in path)
    await acme.delete("PART#" + part.rpartition("/")[2])
    assert await reader.letter(a_key(LONG)) is None
    assert await reader.purge(a_key(LONG)) is True
    assert kinds(outside) == []


async def test_what_is_of_use_only_while_its_message_can_come_ends_by_itself(
    store: DynamoStore, outside: Dynamo
) -> None:
    plan = await store.plan(a_plan(LONG, 1000))
    await store.record(plan.key, 0)
    await store.begin(a_key("x"), None)
    await store.answer(a_key("y"), 1, done=False)
    assert kinds(outside) == ["deaths", "deaths", "done", *["parts"] * 3, "plans", "work"]
    for path, fields in outside.everything().items():
        if path != "tenants/acme":
            assert fields["expires_at"] == 1_769_644_800, path  # 28 days on


async def test_documents_dead_letters_and_tenants_stay(store: DynamoStore, outside: Dynamo) -> None:
    await store.create(a_document(LONG * 3))
    await store.bury(a_letter(LONG))
    for fields in outside.everything().values():
        assert "expires_at" not in fields


# ---- tenants -------------------------------------------------------------------------------------


async def test_a_tenant_is_registered_once_by_each_process(
    store: DynamoStore, outside: Dynamo
) -> None:
    await store.create(a_document("x"))
    before = outside.everything()["tenants/acme"]
    await store.create(a_document("x", log="log-2"))
    await store.plan(a_plan("x", 1, tenant=GLOBEX))
    assert outside.everything()["tenants/acme"] == before == {}
    assert "tenants/globex" in outside.everything()


async def test_what_only_looks_registers_nobody(store: DynamoStore, outside: Dynamo) -> None:
    await store.find(a_key("x"))
    await store.load(a_key("x"))
    await store.record(a_key("x"), 0)
    await store.forget(a_key("x"))
    assert outside.everything() == {}


async def test_what_somebody_else_put_into_the_register_is_passed_over(
    store: DynamoStore, reader: DynamoReader, table: Table
) -> None:
    from logweir.backends.aws.table import Key

    await table.put(Key(keys.TENANTS, "not an id"), {})
    await store.create(a_document("x"))
    assert [tenant.tenant_id async for tenant in reader.tenants()] == [ACME]


async def test_a_process_remembers_no_end_of_tenants(
    store: DynamoStore, reader: DynamoReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logweir.backends.aws.partition._KNOWN_MAX", 2)
    names = [f"tenant-{number}" for number in range(5)]
    for name in (*names, *names):
        await store.create(a_document("x", tenant=TenantId(name)))
    assert len(store._partitions._register._known) == 2
    assert [tenant.tenant_id async for tenant in reader.tenants()] == names


async def test_letters_are_listed_in_the_order_of_their_logs_across_pages(
    store: DynamoStore, reader: DynamoReader
) -> None:
    wanted = [a_key(text, log=log) for log in ("a", "a-b", "a.b", "b") for text in ("1", "2")]
    for key in wanted:
        await store.bury(replace(a_letter("x", log=key.log), sha256=key.sha256))
    found = [letter.key async for letter in reader.letters(ACME)]
    assert found == sorted(wanted, key=lambda key: (key.log, key.sha256))
