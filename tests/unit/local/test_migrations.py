"""A broker's file of release 1 becomes one of release 2, with all that is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw
import pytest
from tests.support.logs import ACME, GLOBEX, a_log, a_plan

from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.database import select
from logweir.clock import ManualClock
from logweir.envelope import Envelope, encode
from logweir.errors import BrokerUnavailable
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.broker import lane_of

BACK_TO_1: Final = """
    ALTER TABLE tenants DROP COLUMN characters;
    DROP TABLE backlog;
    PRAGMA user_version = 1;
"""
PLAN: Final = a_plan("x" * 3000, 1200)
MESSAGES: Final = (
    a_log("seventeen chars.."),
    a_log("characters: 9999\nindex: 0\nfirst: 0\nend: 77\n", log="forged"),
    a_log("x" * 50, tenant=GLOBEX),
    *(PLAN.chunk(0), PLAN.chunk(2), PLAN.envelope()),
)


async def file_of_release_1(directory: Path, messages: Sequence[Envelope]) -> Path:
    """A broker's file as release 1 left it."""
    broker = LocalBroker(directory, ManualClock(), DEFAULT_LIMITS)
    await broker.publish(messages)
    await broker.close()
    path = directory / "broker.sqlite3"
    with apsw.Connection(str(path)) as db:
        db.execute(BACK_TO_1)
    return path


async def test_what_waits_is_counted_and_delivered(tmp_path: Path) -> None:
    await file_of_release_1(tmp_path, MESSAGES)
    broker = LocalBroker(tmp_path, ManualClock(), DEFAULT_LIMITS)
    of_acme = 17 + len(MESSAGES[1].text or "") + 1200 + 600 + 3000
    assert await broker.ledger.of(ACME) == of_acme
    assert await broker.ledger.of(GLOBEX) == 50
    assert await broker.ledger.total() == of_acme + 50
    session = await broker.session()
    claims = await session.claim(100, 1 << 30, 0)
    assert sorted(c.delivery.raw for c in claims) == sorted(map(encode, MESSAGES))
    for claim in claims:
        await session.acknowledge(claim)
    assert await broker.ledger.total() == await broker.ledger.of(ACME) == 0
    await broker.close()


async def test_an_empty_file_is_migrated_and_used(tmp_path: Path) -> None:
    path = await file_of_release_1(tmp_path, [])
    broker = LocalBroker(tmp_path, ManualClock(), DEFAULT_LIMITS)
    await broker.publish([a_log("five!")])
    assert await broker.ledger.total() == 5
    await broker.close()
    assert apsw.Connection(str(path)).pragma("user_version") == 2


async def test_a_migrated_file_has_the_tables_of_a_new_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    schemas = []
    for directory in (old, new):
        directory.mkdir()
        if directory is old:
            await file_of_release_1(directory, MESSAGES)
        broker = LocalBroker(directory, ManualClock(), DEFAULT_LIMITS)
        await broker.publish([a_log()])
        await broker.close()
        schemas.append(columns(directory / "broker.sqlite3"))
    assert schemas[0] == schemas[1]


async def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    await file_of_release_1(tmp_path, MESSAGES)
    brokers = [LocalBroker(tmp_path, ManualClock(), DEFAULT_LIMITS) for _ in range(8)]
    totals = await asyncio.gather(*(broker.ledger.total() for broker in brokers))
    assert len(set(totals)) == 1
    await asyncio.gather(*(broker.close() for broker in brokers))


async def test_a_migration_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await file_of_release_1(tmp_path, MESSAGES)

    def fail(raw: bytes) -> int:
        raise apsw.FullError(f"no room for {len(raw)}")

    with monkeypatch.context() as patched:
        patched.setattr("logweir.backends.local.migrations.work_of", fail)
        broker = LocalBroker(tmp_path, ManualClock(), DEFAULT_LIMITS)
        with pytest.raises(BrokerUnavailable):
            await broker.publish([a_log()])
        await broker.close()
    db = apsw.Connection(str(path))
    assert db.pragma("user_version") == 1
    assert "characters" not in {row[1] for row in select(db, "PRAGMA table_info(tenants)")}
    db.close()
    broker = LocalBroker(tmp_path, ManualClock(), DEFAULT_LIMITS)
    assert await broker.ledger.of(GLOBEX) == 50
    await broker.close()


def columns(path: Path) -> dict[str, list[object]]:
    """Name, type, and what else SQLite tells of every table's columns."""
    db = apsw.Connection(str(path))
    names = [name for (name,) in select(db, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {name: select(db, f"PRAGMA table_info({name})") for name in names}
    db.close()
    return found


def test_every_kind_of_message_is_among_them() -> None:
    assert {(lane_of(e).value, e.text is None) for e in MESSAGES} == {
        ("log", False),
        ("log", True),
        ("chunk", False),
    }
