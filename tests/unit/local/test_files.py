"""The files of one machine: whose they are, which version, how many are open, who may read them."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import apsw
import pytest
from tests.support.kept import query
from tests.support.logs import ACME, GLOBEX, LOG, a_document, a_key, a_letter, a_log, a_plan

from logweir.backends.local import store as store_module
from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.names import file_name
from logweir.backends.local.reader import LocalReader
from logweir.backends.local.store import LocalStore
from logweir.clock import ManualClock
from logweir.errors import Misconfigured, StoreUnavailable
from logweir.ids import LogId, TenantId
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.store import Found, Stored

ALL_CHARACTERS = (
    "NUL \0 ESC \x1b[0m CRLF \r\n emoji 🙂 \U0010ffff \ufffe\uffff\ufeff e\u0301 '\"; --"
)


async def test_a_tenants_records_lie_in_its_own_file_alone(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for tenant, secret in ((ACME, "acme's secret"), (GLOBEX, "globex's secret")):
        await store.create(a_document(secret, tenant=tenant))
        await store.plan(a_plan(f"{secret} plan", 3, tenant=tenant))
        await store.bury(a_letter(f"{secret} letter", tenant=tenant))
    await store.close()
    for tenant, other in ((ACME, b"globex"), (GLOBEX, b"acme")):
        assert other not in (tmp_path / "tenants" / file_name(tenant)).read_bytes()


async def test_the_document_lies_there_with_its_fields(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.create(a_document("call 555-0199"))
    ((document,),) = query(
        tmp_path / "tenants" / "acme.sqlite3",
        "SELECT json_object('source', source, 'original_text', original_text, 'modified_data',"
        " modified_data, 'processed_at', processed_at) FROM processed_logs",
    )
    assert document == (
        '{"source":"text_upload","original_text":"call 555-0199",'
        '"modified_data":"call [REDACTED]","processed_at":"2026-01-31T09:26:53.589793Z"}'
    )
    await store.close()


async def test_acme_in_capitals_is_another_file(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for name in ("acme", "ACME", "Acme"):
        await store.create(a_document(f"of {name}", tenant=TenantId(name)))
    reader = LocalReader(tmp_path)
    for name in ("acme", "ACME", "Acme"):
        document = await reader.document(TenantId(name), LOG)
        assert document is not None
        assert document.original_text == f"of {name}"
    names = [path.name for path in (tmp_path / "tenants").glob("*.sqlite3")]
    assert len({name.casefold() for name in names}) == 3
    await store.close()


async def test_every_text_is_kept_as_it_is(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.create(a_document(ALL_CHARACTERS))
    await store.bury(a_letter(ALL_CHARACTERS, error=ALL_CHARACTERS))
    await store.plan(a_plan(ALL_CHARACTERS, 5))
    reader = LocalReader(tmp_path)
    document = await reader.document(ACME, LOG)
    letter = await reader.letter(a_key(ALL_CHARACTERS))
    plan = await store.load(a_key(ALL_CHARACTERS))
    assert document == a_document(ALL_CHARACTERS)
    assert letter == a_letter(ALL_CHARACTERS, error=ALL_CHARACTERS)
    assert plan == a_plan(ALL_CHARACTERS, 5)
    await store.close()


async def test_nobody_else_may_read_the_files(tmp_path: Path, clock: ManualClock) -> None:
    before = os.umask(0)  # even where nothing is masked
    try:
        broker = LocalBroker(tmp_path, clock, DEFAULT_LIMITS)
        store = LocalStore(tmp_path)
        await broker.publish([a_log()])
        await store.create(a_document("x"))
        session = await broker.session()
        found = _modes(tmp_path)
    finally:
        os.umask(before)
    assert {mode for path, mode in found.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in found.items() if path.is_file()} == {0o600}
    assert {path.name.partition(".")[2] for path in found if path.is_file()} == {
        *("sqlite3", "sqlite3-wal", "sqlite3-shm", "lock"),
    }
    await session.end()
    await broker.close()
    await store.close()


@pytest.mark.parametrize("version", [0, 2, 99])
async def test_a_store_of_another_version_is_not_touched(tmp_path: Path, version: int) -> None:
    store = LocalStore(tmp_path)
    await store.create(a_document("x"))
    await store.close()
    path = tmp_path / "tenants" / "acme.sqlite3"
    _alter(path, f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    store = LocalStore(tmp_path)
    with pytest.raises(Misconfigured, match=rf"acme\.sqlite3 .*version {version} .*version 1 "):
        await store.find(a_key("x"))
    await store.close()
    assert path.read_bytes() == before
    _alter(path, "PRAGMA user_version = 1")
    store = LocalStore(tmp_path)
    assert await store.find(a_key("x")) is Found.SAME
    await store.close()


async def test_a_broker_of_another_version_is_not_touched(
    tmp_path: Path, clock: ManualClock
) -> None:
    broker = LocalBroker(tmp_path, clock, DEFAULT_LIMITS)
    await broker.publish([a_log()])
    await broker.close()
    _alter(tmp_path / "broker.sqlite3", "PRAGMA user_version = 7")
    broker = LocalBroker(tmp_path, clock, DEFAULT_LIMITS)
    for call in (broker.publish([a_log()]), broker.session(), broker.backlog()):
        with pytest.raises(Misconfigured, match=r"broker\.sqlite3 .*version 7 .*version 2 "):
            await call
    await broker.close()


async def test_somebody_elses_database_is_not_touched(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    path = tmp_path / "tenants" / "acme.sqlite3"
    _alter(path, "CREATE TABLE theirs (a); PRAGMA user_version = 1")
    with pytest.raises(Misconfigured, match="not a file that this release can use"):
        await store.create(a_document("x"))
    await store.close()


async def test_a_file_that_is_another_tenants_is_not_touched(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.create(a_document("x", tenant=GLOBEX))
    await store.close()
    tenants = tmp_path / "tenants"
    (tenants / "globex.sqlite3").rename(tenants / "acme.sqlite3")  # a mistaken restore
    store = LocalStore(tmp_path)
    with pytest.raises(Misconfigured, match=r"acme\.sqlite3 belongs to the tenant globex"):
        await store.create(a_document("y"))
    with pytest.raises(Misconfigured, match=r"acme\.sqlite3 belongs to the tenant globex"):
        await LocalReader(tmp_path).document(ACME, LOG)
    await store.close()


async def test_a_file_of_no_bytes_is_a_new_one(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "tenants" / "acme.sqlite3").touch()  # its maker died
    assert await store.create(a_document("x")) is Stored.CREATED
    await store.close()


async def test_looking_makes_no_file(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    reader = LocalReader(tmp_path)
    assert await reader.document(ACME, LOG) is None
    assert [log async for log in reader.documents(ACME)] == []
    assert [letter async for letter in reader.letters(ACME)] == []
    assert await reader.purge(a_key("x")) is False
    assert list((tmp_path / "tenants").iterdir()) == []
    await store.close()


async def test_files_that_are_no_tenants_are_passed_over(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.create(a_document("x"))
    tenants = tmp_path / "tenants"
    for name in ("acme copy.sqlite3", "acme@0.sqlite3", "ACME.sqlite3", "x@zz.sqlite3", "notes"):
        (tenants / name).write_bytes((tenants / "acme.sqlite3").read_bytes())
    found = [summary.tenant_id async for summary in LocalReader(tmp_path).tenants()]
    assert found == ["acme"]
    await store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="open handles are counted in /proc")
@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.slow)])
async def test_thousands_of_tenants_do_not_exhaust_handles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(store_module, "OPEN_FILES_MAX", 8)
    tenants = [TenantId(f"tenant-{number}") for number in range(count)]
    store = LocalStore(tmp_path)
    before, most = _open_handles(), 0
    most_expected = 3 * 8 + store_module._THREADS  # each syncs a directory or journal as it opens
    for tenant in tenants:
        await store.create(a_document("x", tenant=tenant))
        most = max(most, _open_handles() - before)
    assert most <= most_expected
    finds = [asyncio.create_task(store.find(a_key("x", tenant=tenant))) for tenant in tenants]
    while not all(find.done() for find in finds):
        most = max(most, _open_handles() - before)
        await asyncio.sleep(0.001)
    assert {find.result() for find in finds} == {Found.SAME}
    assert most <= most_expected
    assert len(store._open) <= 8
    for tenant in tenants[:: count // 10]:
        assert await store.create(a_document("x", tenant=tenant)) is Stored.SAME
    await store.close()
    assert _open_handles() <= before


async def test_tenants_that_are_closed_and_opened_again_and_again_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "OPEN_FILES_MAX", 2)
    store = LocalStore(tmp_path)
    tenants = [TenantId(name) for name in "abcde"]

    async def write(number: int) -> None:
        tenant = tenants[number % 5]
        assert await store.create(a_document("x", tenant=tenant, log=f"{number}")) is Stored.CREATED

    await asyncio.gather(*(write(number) for number in range(200)))
    await store.close()
    reader = LocalReader(tmp_path)
    for tenant in tenants:
        assert len([document async for document in reader.documents(tenant)]) == 40


@pytest.mark.parametrize("round_", range(10))
async def test_many_may_make_the_same_files_at_once(
    tmp_path: Path, clock: ManualClock, round_: int
) -> None:
    brokers = [LocalBroker(tmp_path, clock, DEFAULT_LIMITS) for _ in range(8)]
    stores = [LocalStore(tmp_path) for _ in range(8)]
    await asyncio.gather(
        *(broker.publish([a_log(log=f"{n}")]) for n, broker in enumerate(brokers)),
        *(store.create(a_document("x", log=f"{n}")) for n, store in enumerate(stores)),
    )
    (backlog,) = await brokers[0].backlog()
    assert backlog.waiting == 8
    assert len([document async for document in LocalReader(tmp_path).documents(ACME)]) == 8
    await asyncio.gather(*(broker.close() for broker in brokers))
    await asyncio.gather(*(store.close() for store in stores))


@pytest.mark.skipif(sys.platform != "linux", reason="locks are listed in /proc")
async def test_opening_a_file_once_more_keeps_the_locks_on_it(tmp_path: Path) -> None:
    # POSIX: who closes any handle of a file lets go of all locks that its process has on it.
    store, second = LocalStore(tmp_path), LocalStore(tmp_path)
    await store.create(a_document("x"))
    locks = _locks_of(tmp_path / "tenants" / "acme.sqlite3")
    assert locks
    await second.find(a_key("x"))
    assert _locks_of(tmp_path / "tenants" / "acme.sqlite3") >= locks
    await store.close()
    await second.close()


async def test_pages_of_documents_are_in_order_and_whole(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    logs = [LogId(f"{number}") for number in range(250)]
    await asyncio.gather(*(store.create(a_document("x", log=log)) for log in logs))
    found = [document.log_id async for document in LocalReader(tmp_path).documents(ACME)]
    assert found == sorted(logs)
    await store.close()


async def test_a_file_that_is_no_database_is_an_outage_of_its_tenant(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "tenants" / "acme.sqlite3").write_bytes(b"\0" * 10_000)
    with pytest.raises((StoreUnavailable, Misconfigured)):
        await store.create(a_document("x"))
    await store.close()


def _modes(directory: Path) -> dict[Path, int]:
    """Who may do what with each file and directory."""
    return {path: path.stat().st_mode & 0o777 for path in directory.rglob("*")}


def _alter(path: Path, sql: str) -> None:
    """As another program, or another release, may have done."""
    db = apsw.Connection(str(path))
    db.execute(sql)
    db.close()


def _open_handles() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # /proc is no real directory


def _locks_of(path: Path) -> set[str]:
    """The POSIX locks on a file, as the kernel lists them."""
    inode = f":{path.stat().st_ino} "
    lines = Path("/proc/locks").read_text().splitlines()
    return {line.partition(":")[2] for line in lines if inode in line and "POSIX" in line}
