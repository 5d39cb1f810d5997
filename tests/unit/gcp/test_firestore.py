"""The store on Firestore's emulator: what only it has, beyond the suites of every back end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.support.firestore import databases_at, everything
from tests.support.logs import ACME, a_document, a_key, a_letter, a_plan

from logweir.backends.gcp import paths
from logweir.backends.gcp.databases import Databases
from logweir.backends.gcp.reader import FirestoreReader
from logweir.backends.gcp.store import FirestoreStore
from logweir.clock import ManualClock
from logweir.errors import StoreUnavailable
from logweir.pipeline.records import TextKey
from logweir.pipeline.store import Stored

LONG = "0123456789 é🙂\0" * 70_000  # 1.2 MB: two parts


@pytest.fixture
async def databases(firestore: str, project: str) -> AsyncIterator[Databases]:
    """Databases with nothing in them."""
    async with databases_at(firestore, project) as databases:
        yield databases


@pytest.fixture
def store(databases: Databases) -> FirestoreStore:
    """A store in them."""
    return FirestoreStore(databases, ManualClock())


@pytest.fixture
def reader(databases: Databases) -> FirestoreReader:
    """Its reader."""
    return FirestoreReader(databases)


def parts_in(found: dict[str, Any]) -> list[str]:
    """The paths of the parts among all that is there."""
    return [path for path in found if path.split("/")[2] == "parts"]


# ---- texts in parts ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [500_000, 507_903, 507_904, 507_905, 508_000, 1_048_576])
async def test_a_document_comes_back_whole_whatever_fits_into_one_record(
    store: FirestoreStore, reader: FirestoreReader, size: int
) -> None:
    document = a_document("x" * size)
    assert await store.create(document) is Stored.CREATED
    assert await reader.document(ACME, document.log_id) == document


async def test_long_texts_have_parts_in_every_record(
    store: FirestoreStore, reader: FirestoreReader
) -> None:
    document, letter, plan = a_document(LONG), a_letter(LONG), a_plan(LONG, 1000)
    await store.create(document)
    await store.bury(letter)
    assert await store.plan(plan) == plan
    assert [found async for found in reader.documents(ACME)] == [document]
    assert await reader.letter(letter.key) == letter
    assert await store.load(plan.key) == plan


async def test_the_parts_of_plans_and_letters_go_with_them(
    store: FirestoreStore, reader: FirestoreReader, firestore: str, project: str
) -> None:
    await store.plan(a_plan(LONG, 100_000))
    await store.bury(a_letter(LONG))
    for index in range(10):
        await store.record(a_key(LONG), index)
    await store.forget(a_key(LONG))
    await reader.purge(a_key(LONG))
    assert everything(firestore, project) == {}


async def test_the_parts_of_documents_are_never_written_twice(
    store: FirestoreStore, firestore: str, project: str
) -> None:
    assert await store.create(a_document(LONG)) is Stored.CREATED
    assert await store.create(a_document(LONG)) is Stored.SAME
    # Nothing is redacted in it: both texts have the same parts.
    assert len(parts_in(everything(firestore, project))) == 2


# ---- races ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["short", LONG], ids=["short", "long"])
async def test_of_twenty_creators_one_creates(
    store: FirestoreStore, reader: FirestoreReader, text: str
) -> None:
    documents = [replace(a_document(text), attempts=number) for number in range(20)]
    stored = await asyncio.gather(*map(store.create, documents))
    assert sorted(result.value for result in stored) == ["created"] + ["same"] * 19
    winner = documents[stored.index(Stored.CREATED)]
    assert await reader.document(ACME, winner.log_id) == winner


@pytest.mark.parametrize("text", ["short", LONG], ids=["short", "long"])
async def test_of_twenty_planners_all_follow_one_and_the_others_leave_nothing(
    store: FirestoreStore, firestore: str, project: str, text: str
) -> None:
    plans = [a_plan(text, size) for size in range(1, 21)]
    followed = await asyncio.gather(*map(store.plan, plans))
    assert followed == [followed[0]] * 20
    assert await store.load(plans[0].key) == followed[0]
    assert len(parts_in(everything(firestore, project))) == (2 if text == LONG else 0)


async def test_of_twenty_letters_of_one_text_one_stays_and_the_others_leave_nothing(
    store: FirestoreStore, reader: FirestoreReader, firestore: str, project: str
) -> None:
    buried = [replace(a_letter(LONG), attempts=number) for number in range(20)]
    await asyncio.gather(*map(store.bury, buried))
    assert await reader.letter(a_key(LONG)) in buried
    assert len(parts_in(everything(firestore, project))) == 2


async def test_a_plan_whose_answer_was_lost_is_ours(
    store: FirestoreStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.api_core.exceptions import ServiceUnavailable
    from google.cloud.firestore import AsyncDocumentReference

    create = AsyncDocumentReference.create
    lost = iter([True])

    async def create_and_lose(*arguments: Any, **named: Any) -> Any:
        written = await create(*arguments, **named)
        if next(lost, False):
            raise ServiceUnavailable("the connection broke")  # type: ignore[no-untyped-call]
        return written

    monkeypatch.setattr(AsyncDocumentReference, "create", create_and_lose)
    plan = a_plan(LONG, 1000)
    assert await store.plan(plan) == plan
    assert await store.load(plan.key) == plan


async def test_what_an_earlier_plan_of_the_text_left_behind_never_counts(
    store: FirestoreStore, reader: FirestoreReader, databases: Databases
) -> None:
    plan = a_plan("0123456789", 5)
    await store.plan(plan)
    await store.record(plan.key, 0)
    await databases.of(ACME).delete([paths.plan(plan.key)])
    await store.plan(plan)
    assert await store.recorded(plan.key) == frozenset()
    assert await store.is_recorded(plan.key, 0) is False
    assert [progress.chunks_done for progress in await reader.progress(ACME, plan.log)] == [0]
    assert await store.record(plan.key, 1) is False
    assert await store.record(plan.key, 0) is True


async def test_a_plan_of_more_chunks_than_one_commit_deletes_is_forgotten_whole(
    store: FirestoreStore, databases: Databases, firestore: str, project: str
) -> None:
    plan = await store.plan(a_plan("x" * 1001, 1))
    subtree = databases.of(ACME)
    nonce = (await subtree.read(paths.plan(plan.key)) or {})["nonce"]
    for first in range(0, 1001, 91):
        chunks = [paths.chunk(plan.key, index) for index in range(first, first + 91)]
        await asyncio.gather(*(subtree.write(chunk, {"plan": nonce}) for chunk in chunks))
    assert await store.record(plan.key, 1000) is True
    await store.forget(plan.key)
    assert everything(firestore, project) == {}


# ---- dead letters --------------------------------------------------------------------------------


async def test_two_texts_whose_hashes_begin_alike_have_a_letter_each(
    store: FirestoreStore, reader: FirestoreReader
) -> None:
    one = a_letter("one")
    two = replace(a_letter("two"), sha256=one.sha256[:16] + "f" * 48)
    three = TextKey(one.tenant_id, one.log_id, one.sha256[:16] + "e" * 48)
    await store.bury(one)
    assert not await store.buried(two.key)
    await store.bury(two)
    await store.bury(replace(two, attempts=9))
    assert await reader.letter(one.key) == one
    assert await reader.letter(two.key) == two
    assert not await store.buried(three)
    assert not await reader.purge(three)

    assert await reader.purge(one.key)
    await store.bury(replace(two, attempts=9))
    assert [letter.key async for letter in reader.letters(ACME)] == [two.key]
    assert await reader.letter(two.key) == two


async def test_letters_of_one_log_are_listed_once_across_pages(
    store: FirestoreStore, reader: FirestoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logweir.backends.gcp.reader._LETTERS_PAGE", 2)
    keys = [a_key(text, log=log) for log in ("a", "a-b", "a.b", "b") for text in ("1", "2", "3")]
    for key in keys:
        letter = replace(a_letter("x", log=key.log), sha256=key.sha256)
        await store.bury(letter)
    found = [letter.key async for letter in reader.letters(ACME)]
    assert found == sorted(keys, key=lambda key: (key.log, key.sha256))


# ---- outages and deaths --------------------------------------------------------------------------


async def test_a_database_that_is_not_there_is_an_outage_and_not_an_empty_one(
    databases: Databases, reader: FirestoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.api_core.exceptions import NotFound

    def client(_database: str, _account: str | None) -> Any:
        raise NotFound("the database (default) does not exist")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(databases, "_client", client)
    store = FirestoreStore(databases, ManualClock())
    for call in (
        *(store.find(a_key("x")), store.load(a_key("x")), store.create(a_document("x"))),
        *(reader.document(ACME, a_key("x").log), reader.letter(a_key("x"))),
    ):
        with pytest.raises(StoreUnavailable, match="database"):
            await call


async def test_what_is_of_use_only_while_a_message_can_come_ends_by_itself(
    store: FirestoreStore, firestore: str, project: str
) -> None:
    plan = await store.plan(a_plan("x" * (2 << 20), 1 << 20))
    await store.record(plan.key, 0)
    await store.begin(a_key("x"), None)
    found = everything(firestore, project)
    assert len(found) == 1 + 3 + 1 + 1  # the plan, its parts, a chunk, the deaths
    for fields in found.values():
        assert fields["expires_at"].timestamp_value.isoformat() == "2026-03-04T00:00:00+00:00"


async def test_documents_and_dead_letters_stay(
    store: FirestoreStore, firestore: str, project: str
) -> None:
    await store.create(a_document("x" * (2 << 20)))
    await store.bury(a_letter("y" * (2 << 20)))
    for fields in everything(firestore, project).values():
        assert "expires_at" not in fields


async def test_twenty_that_begin_at_once_are_all_counted(store: FirestoreStore) -> None:
    begun = await asyncio.gather(*(store.begin(a_key("x"), 3) for _ in range(20)))
    assert sorted(begun) == list(range(20))


# ---- start ---------------------------------------------------------------------------------------


def test_the_library_is_not_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, logweir.backends.gcp.store, logweir.backends.gcp.reader;"
        "assert not [name for name in sys.modules if name.startswith(('google', 'grpc'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
