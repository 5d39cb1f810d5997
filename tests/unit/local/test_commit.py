"""Group commit, and a disk that is full or fails: 503 and never 202, and service that resumes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.disk import Disk
from tests.support.logs import a_document, a_key, a_letter, a_log, a_plan

from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.store import LocalStore
from logweir.clock import ManualClock
from logweir.errors import BrokerUnavailable, StoreUnavailable
from logweir.ids import TenantId
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.store import Found, Stored
from logweir.reasons import Quarantine

# Fixtures are set up in the order of a test's arguments: the disk first, and then what lies on it.


async def test_many_logs_share_few_syncs(disk: Disk, broker: LocalBroker) -> None:
    await broker.publish([a_log()])
    before = disk.syncs["sqlite3-wal"]
    await asyncio.gather(*(broker.publish([a_log(log=f"log-{i}")]) for i in range(1000)))
    shared = disk.syncs["sqlite3-wal"] - before
    assert 1 <= shared <= 20
    assert await queued(broker) == 1001


async def test_each_log_that_comes_alone_is_synced(disk: Disk, broker: LocalBroker) -> None:
    await broker.publish([a_log()])
    before = disk.syncs["sqlite3-wal"]
    for number in range(10):
        await broker.publish([a_log(log=f"log-{number}")])
    assert disk.syncs["sqlite3-wal"] - before >= 10


async def test_nothing_is_confirmed_before_it_is_synced(disk: Disk, broker: LocalBroker) -> None:
    await broker.publish([a_log()])
    disk.may_sync.clear()
    publishing = asyncio.create_task(broker.publish([a_log(log="log-2")]))
    await asyncio.sleep(0.1)
    assert not publishing.done()
    disk.may_sync.set()
    await publishing


async def test_a_document_is_not_created_before_it_is_synced(disk: Disk, store: LocalStore) -> None:
    await store.find(a_key("hello"))
    disk.may_sync.clear()
    creating = asyncio.create_task(store.create(a_document("hello")))
    await asyncio.sleep(0.1)
    assert not creating.done()
    disk.may_sync.set()
    assert await creating is Stored.CREATED


async def test_a_sync_that_fails_fails_the_whole_group_and_service_resumes(
    disk: Disk, broker: LocalBroker
) -> None:
    await broker.publish([a_log()])
    disk.sync_fails = True
    publishes = [broker.publish([a_log(log=f"log-{i}")]) for i in range(20)]
    results = await asyncio.gather(*publishes, return_exceptions=True)
    assert {type(result) for result in results} == {BrokerUnavailable}
    disk.sync_fails = False
    await asyncio.gather(*(broker.publish([a_log(log=f"again-{i}")]) for i in range(20)))
    # What was not confirmed may be there or not, all of it or nothing.
    assert await queued(broker) in (21, 41)


async def test_a_full_disk_is_an_outage_of_the_broker_and_it_ends(
    disk: Disk, broker: LocalBroker
) -> None:
    await broker.publish([a_log()])
    for _ in range(3):
        disk.is_full = True
        with pytest.raises(BrokerUnavailable, match="full"):
            await broker.publish([a_log("x" * 10_000)])
        with pytest.raises(BrokerUnavailable):
            await broker.quarantine(b"?", Quarantine.UNREADABLE)
        disk.is_full = False
        await broker.publish([a_log()])
    assert await queued(broker) == 4


async def test_a_disk_that_is_full_from_the_start_is_an_outage_and_it_ends(
    disk: Disk, broker: LocalBroker
) -> None:
    disk.is_full = True
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            await broker.publish([a_log()])
    disk.is_full = False
    await broker.publish([a_log()])
    assert await queued(broker) == 1


@pytest.mark.parametrize("fault", ["is_full", "sync_fails"])
async def test_a_bad_disk_is_an_outage_of_the_store_and_it_ends(
    fault: str, disk: Disk, store: LocalStore
) -> None:
    first = a_document("first", log="1")
    for when in ("from the start", "later"):
        setattr(disk, fault, True)
        for call in (
            store.create(a_document(when, log="2")),
            store.plan(a_plan(when, 3)),
            store.bury(a_letter(when)),
        ):
            with pytest.raises(StoreUnavailable):
                await call
        setattr(disk, fault, False)
        assert await store.create(first) in (Stored.CREATED, Stored.SAME)
    assert await store.find(first.key) is Found.SAME
    await store.bury(a_letter("later"))
    assert await store.buried(a_key("later"))


async def test_a_bad_file_of_one_tenant_is_no_outage_of_another(
    tmp_path: Path, store: LocalStore
) -> None:
    (tmp_path / "tenants" / "bad.sqlite3").write_bytes(b"this is no database, and never was" * 100)
    with pytest.raises(StoreUnavailable):
        await store.find(a_key("x", tenant=TenantId("bad")))
    assert await store.create(a_document("x")) is Stored.CREATED


@pytest.mark.parametrize("fault", ["is_full", "sync_fails"])
async def test_a_session_can_begin_after_an_outage(
    fault: str, disk: Disk, broker: LocalBroker
) -> None:
    await broker.publish([a_log()])
    setattr(disk, fault, True)
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            await asyncio.wait_for(broker.session(), 10)
    setattr(disk, fault, False)
    session = await asyncio.wait_for(broker.session(), 10)
    (claim,) = await session.claim(10, 1 << 20, 0)
    await session.acknowledge(claim)
    await session.end()


async def test_a_session_that_cannot_hand_back_can_still_be_abandoned(
    disk: Disk, broker: LocalBroker
) -> None:
    await broker.publish([a_log()])
    session = await broker.session()
    assert len(await session.claim(1, 1 << 20, 0)) == 1
    disk.sync_fails = True
    with pytest.raises(BrokerUnavailable):
        await session.end()
    disk.sync_fails = False
    session.abandon()
    session.abandon()
    await broker.reap()
    assert len(await (await broker.session()).claim(1, 1 << 20, 0)) == 1


async def test_what_a_session_could_not_do_it_can_do_again(
    disk: Disk, clock: ManualClock, broker: LocalBroker
) -> None:
    await broker.publish([a_log(log="1"), a_log(log="2")])
    session = await broker.session()
    claims = await session.claim(10, 1 << 20, 0)
    await clock.advance(1)
    disk.is_full = True
    for call in (
        *(session.acknowledge(claims[0]), session.delay(claims[1], 1), session.heartbeat()),
        broker.publish([a_log(log="3")]),
    ):
        with pytest.raises(BrokerUnavailable):
            await call
    disk.is_full = False
    await session.acknowledge(claims[0])
    await session.delay(claims[1], 1)
    await session.heartbeat()
    assert await queued(broker) == 1


@pytest.mark.parametrize("fault", ["is_full", "sync_fails"])
async def test_what_a_claim_took_whose_answer_was_lost_the_next_one_returns(
    fault: str, disk: Disk, broker: LocalBroker
) -> None:
    # A commit whose sync fails may be there all the same when the file is opened again.
    await broker.publish([a_log(log=f"{number}") for number in range(5)])
    session = await broker.session()
    known = await session.claim(2, 1 << 20, 0)
    setattr(disk, fault, True)
    with pytest.raises(BrokerUnavailable):
        await session.claim(10, 1 << 20, 2)
    setattr(disk, fault, False)
    unknown = await session.claim(10, 1 << 20, 2)
    assert len({claim.id for claim in (*known, *unknown)}) == 5
    assert list(await session.claim(10, 1 << 20, 5)) == []
    for claim in (*known, *unknown):
        assert (claim.delivery.deliveries, claim.delivery.unanswered) == (1, 0)
        await session.acknowledge(claim)
    assert list(await broker.backlog()) == []


async def test_who_no_longer_waits_for_a_commit_disturbs_nobody(
    disk: Disk, broker: LocalBroker
) -> None:
    await broker.publish([a_log()])
    disk.may_sync.clear()
    publishes = [asyncio.create_task(broker.publish([a_log(log=f"log-{i}")])) for i in range(6)]
    await asyncio.sleep(0.05)
    for publish in publishes[::2]:
        publish.cancel()
    disk.may_sync.set()
    results = await asyncio.gather(*publishes, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, type(None)] * 3
    await broker.publish([a_log()])


async def test_who_gives_up_before_its_turn_is_never_written(
    disk: Disk, broker: LocalBroker
) -> None:
    await broker.publish([a_log()])
    disk.may_sync.clear()
    under_way = asyncio.create_task(broker.publish([a_log(log="log-2")]))
    await asyncio.sleep(0.05)
    given_up = asyncio.create_task(broker.publish([a_log(log="log-3")]))
    await asyncio.sleep(0.05)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    disk.may_sync.set()
    await under_way
    assert await queued(broker) == 2


FILL_THE_DISK = """
import asyncio, resource, sys
from pathlib import Path
from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.store import LocalStore
from logweir.clock import SystemClock
from logweir.errors import BrokerUnavailable, StoreUnavailable
from logweir.limits import DEFAULT_LIMITS
from tests.support.logs import a_document, a_log

async def until_unavailable(call):
    for number in range(1000):
        try:
            await call(number)
        except (BrokerUnavailable, StoreUnavailable) as error:
            return type(error).__name__

async def main():
    directory = Path(sys.argv[1])
    broker = LocalBroker(directory, SystemClock(), DEFAULT_LIMITS)
    store = LocalStore(directory)
    text = "x" * 100_000
    async def publish(n): await broker.publish([a_log(text, log=f"{n}")])
    async def create(n): await store.create(a_document(text, log=f"{n}"))
    for _ in range(3):
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
        print(await until_unavailable(publish), await until_unavailable(create))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await publish(0)
        await create(0)
    await broker.close()
    await store.close()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a file's size are the kernel's")
def test_a_file_that_may_not_grow_is_an_outage_and_it_ends(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(tmp_path)],
        cwd=root,
        env={"PYTHONPATH": f"{root / 'src'}:{root}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["BrokerUnavailable", "StoreUnavailable"] * 3


async def test_a_message_is_there_for_another_process_once_it_is_confirmed(
    tmp_path: Path, clock: ManualClock, broker: LocalBroker
) -> None:
    other = LocalBroker(tmp_path, clock, DEFAULT_LIMITS)
    for number in range(5):
        await broker.publish([a_log(log=f"log-{number}")])
        assert await queued(other) == number + 1
    await other.close()


async def queued(broker: LocalBroker) -> int:
    """How many messages wait."""
    return sum(backlog.waiting or 0 for backlog in await broker.backlog())
