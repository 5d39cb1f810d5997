"""PORT Store, on every back end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.backends import OUTLIVES, MovableClock, Opener, needs
from tests.contract.conftest import expect_what_lacks
from tests.support.logs import ACME, GLOBEX, LOG, a_document, a_key, a_letter, a_plan

from logweir.bootstrap import Ports
from logweir.ids import TenantId
from logweir.pipeline.store import Found, Stored
from logweir.reasons import Burial

AWKWARD = [
    *("\0", "a\0b", "\x1b[0m", "\r\n", "\ufeff", "\ufffe\uffff", "🙂\U0010ffff", "e\u0301", " "),
    *("'; DROP TABLE owner; --", '"', "\\", "\x7f\x80\x85\u2028"),
]


# ---- documents -----------------------------------------------------------------------------------


async def test_what_was_created_is_found_by_its_text(ports: Ports) -> None:
    assert await ports.store.find(a_key("hello")) is Found.ABSENT
    assert await ports.store.create(a_document("hello")) is Stored.CREATED
    assert await ports.store.find(a_key("hello")) is Found.SAME
    assert await ports.store.find(a_key("other")) is Found.OTHER


async def test_the_first_document_stays(ports: Ports) -> None:
    first = a_document("hello")
    await ports.store.create(first)
    again = replace(first, attempts=7, modified_data="changed")
    assert await ports.store.create(again) is Stored.SAME
    assert await ports.store.create(a_document("other")) is Stored.OTHER
    assert await ports.reader.document(ACME, LOG) == first


async def test_of_many_that_create_at_once_one_does(ports: Ports) -> None:
    documents = [a_document(f"text {number % 4}") for number in range(40)]
    stored = await asyncio.gather(*(ports.store.create(document) for document in documents))
    kept = await ports.reader.document(ACME, LOG)
    assert kept is not None
    assert stored.count(Stored.CREATED) == 1
    assert stored.count(Stored.SAME) == 9
    assert kept.original_text == documents[stored.index(Stored.CREATED)].original_text


async def test_ids_are_compared_by_case(ports: Ports) -> None:
    places = [(TenantId(t), log) for t in ("acme", "ACME", "Acme") for log in ("log", "LOG", "Log")]
    for tenant, log in places:
        document = a_document(f"{tenant}/{log}", tenant=tenant, log=log)
        assert await ports.store.create(document) is Stored.CREATED
    for tenant, log in places:
        key = a_key(f"{tenant}/{log}", tenant=tenant, log=log)
        assert await ports.store.find(key) is Found.SAME


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
async def test_every_record_comes_back_as_it_was(ports: Ports, text: str) -> None:
    document = replace(a_document(text), modified_data=text)
    letter, plan = a_letter(text, error=text), replace(a_plan(text, 1), traceparent="00-1-2-01")
    await ports.store.create(document)
    await ports.store.bury(letter)
    await ports.store.plan(plan)
    assert await ports.reader.document(ACME, LOG) == document
    assert await ports.reader.letter(letter.key) == letter
    assert await ports.store.load(plan.key) == plan


async def test_a_document_of_four_mebibytes_comes_back(ports: Ports) -> None:
    document = a_document("0123456789abcde\0" * (1 << 18))
    await ports.store.create(document)
    assert await ports.reader.document(ACME, LOG) == document


# ---- plans ---------------------------------------------------------------------------------------


async def test_the_first_plan_is_the_one_to_follow(ports: Ports) -> None:
    first = a_plan("0123456789", 3)
    assert await ports.store.plan(first) == first
    assert await ports.store.plan(replace(first, chunk_characters=5)) == first
    assert await ports.store.load(first.key) == first


async def test_two_texts_under_one_id_have_plans_of_their_own(ports: Ports) -> None:
    one, two = a_plan("one text", 3), a_plan("two texts", 3)
    await ports.store.plan(one)
    await ports.store.plan(two)
    await ports.store.record(one.key, 0)
    assert await ports.store.recorded(two.key) == frozenset()
    await ports.store.forget(one.key)
    assert await ports.store.load(two.key) == two


async def test_recording_the_last_chunk_says_so_on_repeats_too(ports: Ports) -> None:
    plan = await ports.store.plan(a_plan("0123456789", 4))
    said = [await ports.store.record(plan.key, index) for index in (2, 0, 0, 2, 1, 1, 0)]
    assert said == [False, False, False, False, True, True, True]
    assert await ports.store.recorded(plan.key) == frozenset({0, 1, 2})


async def test_one_chunk_is_recorded_or_not(ports: Ports) -> None:
    plan = await ports.store.plan(a_plan("0123456789", 4))
    await ports.store.record(plan.key, 1)
    assert [await ports.store.is_recorded(plan.key, index) for index in range(3)] == [
        *(False, True, False),
    ]
    await ports.store.forget(plan.key)
    assert await ports.store.is_recorded(plan.key, 1) is None


async def test_of_many_that_record_at_once_somebody_is_the_last(ports: Ports) -> None:
    plan = await ports.store.plan(a_plan("x" * 60, 1))
    said = await asyncio.gather(*(ports.store.record(plan.key, index) for index in range(60)))
    assert said.count(True) >= 1
    assert await ports.store.recorded(plan.key) == frozenset(range(60))


async def test_without_a_plan_nothing_is_recorded(ports: Ports) -> None:
    key = a_key("nothing")
    assert await ports.store.record(key, 0) is None
    assert await ports.store.recorded(key) is None
    assert await ports.store.load(key) is None
    await ports.store.forget(key)


async def test_a_plan_that_was_forgotten_begins_anew(ports: Ports) -> None:
    plan = await ports.store.plan(a_plan("0123456789", 5))
    await ports.store.record(plan.key, 0)
    await ports.store.forget(plan.key)
    await ports.store.forget(plan.key)
    assert await ports.store.recorded(plan.key) is None
    await ports.store.plan(plan)
    assert await ports.store.recorded(plan.key) == frozenset()
    assert await ports.store.is_recorded(plan.key, 0) is False


async def test_planning_again_keeps_what_is_recorded(ports: Ports) -> None:
    plan = await ports.store.plan(a_plan("0123456789", 5))
    await ports.store.record(plan.key, 1)
    await ports.store.plan(plan)
    assert await ports.store.recorded(plan.key) == frozenset({1})


# ---- dead letters --------------------------------------------------------------------------------


async def test_burying_twice_is_one_letter_and_the_first_stays(ports: Ports) -> None:
    first = a_letter("hello", reason=Burial.CONFLICT)
    assert not await ports.store.buried(first.key)
    await ports.store.bury(first)
    await ports.store.bury(replace(first, reason=Burial.CRASH_LOOP, attempts=9))
    assert await ports.store.buried(first.key)
    assert await ports.reader.letter(first.key) == first


async def test_a_letter_is_kept_for_each_text(ports: Ports) -> None:
    for text in ("one", "two"):
        await ports.store.bury(a_letter(text))
    found = {summary.key async for summary in ports.reader.letters(ACME)}
    assert found == {a_key("one"), a_key("two")}
    assert not await ports.store.buried(a_key("three"))


# ---- deaths --------------------------------------------------------------------------------------


async def test_what_was_begun_and_not_answered_is_counted(ports: Ports) -> None:
    deaths = ports.deaths
    if deaths is None:
        pytest.skip("declared: its broker tells deaths from retries")
    key = a_key("hello")
    for died in range(3):
        assert await deaths.begin(key, None) == died
    await deaths.answer(key, None, done=False)
    assert await deaths.begin(key, None) == 2
    assert await deaths.begin(key, 1) == 0, "a chunk is a message of its own"
    assert await deaths.begin(a_key("hello", tenant=GLOBEX), None) == 0
    await deaths.answer(key, None, done=True)
    assert await deaths.begin(key, None) == 0
    assert await deaths.begin(key, 1) == 1


# ---- isolation -----------------------------------------------------------------------------------


async def test_nothing_of_one_tenant_is_seen_by_another(ports: Ports) -> None:
    await ports.store.create(a_document("hello"))
    await ports.store.bury(a_letter("hello"))
    await ports.store.plan(a_plan("hello", 2))
    key = a_key("hello", tenant=GLOBEX)
    assert await ports.store.find(key) is Found.ABSENT
    assert await ports.store.load(key) is None
    assert await ports.store.record(key, 0) is None
    assert not await ports.store.buried(key)
    assert await ports.reader.document(GLOBEX, LOG) is None
    assert await ports.reader.letter(key) is None
    assert await ports.reader.purge(key) is False
    await ports.store.forget(key)
    assert await ports.store.load(a_key("hello")) is not None


@needs(OUTLIVES)
async def test_what_was_kept_outlives_the_process(
    opener: Opener, tmp_path: Path, clock: MovableClock, request: pytest.FixtureRequest
) -> None:
    async with opener(tmp_path, clock) as before:
        expect_what_lacks(request, before)
        plan = await before.ports.store.plan(a_plan("0123456789", 5))
        await before.ports.store.create(a_document("hello"))
        await before.ports.store.bury(a_letter("other"))
        await before.ports.store.record(plan.key, 1)
    async with opener(tmp_path, clock) as after:
        assert await after.ports.store.find(a_key("hello")) is Found.SAME
        assert await after.ports.store.buried(a_key("other"))
        assert await after.ports.store.recorded(plan.key) == frozenset({1})
