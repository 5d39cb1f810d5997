"""Firestore goes away, and comes back: a real emulator, killed or frozen."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from scripts.emulators import Emulator, NotInstalled
from tests.support.emulators import need_extra
from tests.support.firestore import databases_at
from tests.support.logs import a_document, a_key
from tests.support.processes import free_port
from tests.support.shared import missing
from tests.support.stores import CALLS

from logweir.backends.gcp import subtree
from logweir.backends.gcp.databases import Databases
from logweir.backends.gcp.reader import FirestoreReader
from logweir.backends.gcp.store import FirestoreStore
from logweir.clock import SystemClock
from logweir.errors import StoreUnavailable
from logweir.pipeline.store import Found

pytestmark = [pytest.mark.kill, pytest.mark.slow]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator that is the test's own."""
    need_extra()
    try:
        emulator = Emulator("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    except NotInstalled as error:
        missing(str(error))
        raise
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
async def databases(emulator: Emulator, project: str) -> AsyncIterator[Databases]:
    """Databases on it."""
    async with databases_at(emulator.address, project) as databases:
        yield databases


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience than in earnest, for a test has less time."""
    for name, seconds in (("_SECONDS", 0.3), ("_TRY_SECONDS", 0.2), ("_QUERY_SECONDS", 0.2)):
        monkeypatch.setattr(subtree, name, seconds)


@pytest.mark.parametrize("outage", ["frozen", "killed"])
async def test_no_call_outlasts_its_time_while_the_store_is_away_and_each_works_afterwards(
    emulator: Emulator, databases: Databases, impatient: None, outage: str
) -> None:
    store, reader = FirestoreStore(databases, SystemClock()), FirestoreReader(databases)
    assert await _until_it_answers(store) is Found.ABSENT
    if outage == "frozen":
        emulator.send(signal.SIGSTOP)
    else:
        emulator.stop()
    for name, call in CALLS.items():
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await call(store, reader)
        assert time.monotonic() - began < 2, name
    if outage == "frozen":
        emulator.send(signal.SIGCONT)
    else:
        emulator.start()
    assert await _until_it_answers(store) is not None
    await asyncio.sleep(0.2)  # a frozen one works off what we have given up on
    for call in CALLS.values():
        await call(store, reader)


@pytest.mark.slow
async def test_after_a_long_outage_the_store_answers_within_seconds(
    emulator: Emulator, databases: Databases
) -> None:
    store = FirestoreStore(databases, SystemClock())
    await store.create(a_document("x"))
    emulator.stop()
    # By gRPC's own backoff the next attempt would now come some twenty seconds later.
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.find(a_key("x"))
    emulator.start()
    began = time.monotonic()
    assert await store.find(a_key("x")) is Found.ABSENT
    assert time.monotonic() - began < 3


async def test_a_call_that_meets_a_short_outage_waits_for_its_end(
    emulator: Emulator, databases: Databases
) -> None:
    store = FirestoreStore(databases, SystemClock())
    assert await store.find(a_key("x")) is Found.ABSENT
    emulator.stop()
    finding = asyncio.create_task(store.find(a_key("x")))
    await asyncio.sleep(1)
    await asyncio.to_thread(emulator.start)
    assert await finding is Found.ABSENT


async def _until_it_answers(store: FirestoreStore) -> Found:
    """The first answer; a cold emulator takes longer for it than the impatient wait."""
    due = time.monotonic() + 5
    while True:
        try:
            return await store.find(a_key("other"))
        except StoreUnavailable:
            assert time.monotonic() < due
