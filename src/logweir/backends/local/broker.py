"""The broker of one machine: a SQLite file that gateway and workers share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import apsw

from logweir.backends.local import leases
from logweir.backends.local.commit import GroupCommit
from logweir.backends.local.database import open_database, select
from logweir.backends.local.ledger import LocalLedger
from logweir.backends.local.migrations import count_work
from logweir.backends.local.session import Session
from logweir.clock import Clock
from logweir.envelope import Envelope, encode
from logweir.errors import BrokerUnavailable
from logweir.ids import LogId, TenantId
from logweir.limits import MIB, Limits
from logweir.pipeline.broker import (
    Backlog,
    Whereabouts,
    lane_of,
    weight_bytes,
    work_characters,
)
from logweir.reasons import Quarantine

SCHEMA_VERSION: Final = 2
MESSAGE_BYTES_MAX: Final = MIB  # as on SQS: what is larger goes by a plan, here too

Rows = list[leases.NewMessage]
Operation = Callable[[apsw.Connection], Any]


class LocalBroker:
    """Publisher, BacklogReader and the maker of worker sessions.

    All that this process writes goes through one group commit: a 202 and an acknowledgement may
    share an fsync.
    """

    def __init__(self, data_dir: Path, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._path = data_dir / "broker.sqlite3"
        self._lock_dir = data_dir / "leases"
        self._lock_dir.mkdir(mode=0o700, exist_ok=True)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="broker")
        self._commit: GroupCommit[Rows | Operation, Any] = GroupCommit(
            self._connect, _write, BrokerUnavailable, self._executor
        )
        self.ledger = LocalLedger(self._commit)

    @property
    def message_bytes_max(self) -> int:
        """One MiB, so that a flood of large texts does not bloat the file."""
        return MESSAGE_BYTES_MAX

    def size(self, envelope: Envelope) -> int:
        """How many bytes the envelope takes."""
        return len(encode(envelope))

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Return once all are on the disk."""
        wall = self._clock.now().timestamp()
        rows = [_row(envelope, wall) for envelope in envelopes]
        await self._commit.run(rows)

    async def quarantine(self, raw: bytes, reason: Quarantine) -> None:
        """Keep the bytes in a table of their own."""
        wall = self._clock.now().timestamp()

        def insert(db: apsw.Connection) -> None:
            db.execute(
                "INSERT INTO quarantine (raw, reason, quarantined_at) VALUES (?, ?, ?)",
                (raw, reason.value, wall),
            )

        await self._commit.run(insert)

    async def backlog(self) -> Sequence[Backlog]:
        """By tenant; delayed messages and suspects count as waiting."""
        rows = await self._commit.read(lambda db: select(db, _BACKLOG))
        wall = self._clock.now().timestamp()
        return [
            Backlog(
                tenant=TenantId(tenant),
                waiting=waiting,
                in_flight=in_flight,
                oldest_seconds=max(0.0, wall - oldest) if waiting else None,
            )
            for tenant, waiting, in_flight, oldest in rows
        ]

    async def locate(self, tenant: TenantId, log: LogId) -> Whereabouts:
        """Looks at every message of the queue: about a second where a million wait."""

        def count(db: apsw.Connection) -> tuple[int, int]:
            row: tuple[int, int] = db.execute(
                "SELECT count(*), coalesce(sum(state = 'leased'), 0) FROM messages"
                " WHERE log = ? AND tenant = ?",
                (log, tenant),
            ).get
            return row

        total, in_flight = await self._commit.read(count)
        return Whereabouts(waiting=total - in_flight, in_flight=in_flight)

    async def quarantined(self) -> int:
        """How many rows the quarantine table has."""
        count: int = await self._commit.read(
            lambda db: db.execute("SELECT count(*) FROM quarantine").get
        )
        return count

    async def session(self) -> Session:
        """Begin a worker's session; before that, hand back what dead workers held."""
        await self.reap()
        return await Session.begin(
            self._commit, self._clock, self._limits, self.reap, self._lock_path
        )

    async def reap(self) -> int:
        """Hand back what dead workers hold, and what paused ones held too long; how many."""
        now = self._clock.monotonic()

        def dead_sessions(db: apsw.Connection) -> list[int]:
            return [
                session
                for session, expired in leases.sessions(db, now)
                if expired or not _is_locked(self._lock_path(session))
            ]

        def has_dead_sessions(db: apsw.Connection) -> bool:
            return bool(dead_sessions(db))

        def end_dead_sessions(db: apsw.Connection) -> int:
            handed_back = 0
            for session in dead_sessions(db):
                handed_back += leases.end_session(db, session, now, died=True)
                self._lock_path(session).unlink(missing_ok=True)
            return handed_back

        if not await self._commit.read(has_dead_sessions):
            return 0
        handed_back: int = await self._commit.run(end_dead_sessions)
        return handed_back

    async def close(self) -> None:
        """Close the file, after what is under way."""
        await self._commit.close()
        self._executor.shutdown()

    def _connect(self) -> apsw.Connection:
        return open_database(self._path, "broker.sql", SCHEMA_VERSION, migrations={1: count_work})

    def _lock_path(self, session: int) -> Path:
        return self._lock_dir / f"{session}.lock"


def _row(e: Envelope, wall: float) -> leases.NewMessage:
    raw = encode(e)
    lane, weight, work = lane_of(e).value, weight_bytes(e, raw), work_characters(e)
    return str(e.tenant), str(e.log), lane, wall, weight, raw, work


def _write(db: apsw.Connection, items: Sequence[Rows | Operation]) -> list[Any]:
    rows = [row for item in items if isinstance(item, list) for row in item]
    if rows:
        leases.insert_messages(db, rows)
    return [None if isinstance(item, list) else item(db) for item in items]


def _is_locked(path: Path) -> bool:
    """Does a living process hold the lock? The kernel lets go of it when its process dies."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


_BACKLOG: Final = """
    WITH others AS (
        SELECT tenant, count(*) AS waiting, min(enqueued_at) AS oldest FROM (
            SELECT tenant, enqueued_at FROM messages WHERE state = 'suspect'
            UNION ALL SELECT tenant, enqueued_at FROM messages WHERE state = 'delayed'
        ) GROUP BY tenant
    ), lanes (kind) AS (VALUES ('log'), ('chunk'))
    SELECT t.tenant, t.waiting + coalesce(o.waiting, 0), t.in_flight,
        min(coalesce(o.oldest, 9e99), coalesce((
            SELECT min((SELECT enqueued_at FROM messages m
                        WHERE m.state = 'waiting' AND m.tenant = t.tenant AND m.kind = lanes.kind
                        ORDER BY id LIMIT 1)) FROM lanes), 9e99))
    FROM tenants t LEFT JOIN others o USING (tenant)
    WHERE t.waiting > 0 OR t.in_flight > 0 OR o.waiting > 0
    ORDER BY t.tenant
"""
