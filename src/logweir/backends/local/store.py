"""The store of one machine: a SQLite file for each tenant; no query can reach another's data."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from logweir.backends.local import rows
from logweir.backends.local.commit import GroupCommit
from logweir.backends.local.database import open_database
from logweir.backends.local.names import file_name
from logweir.errors import Misconfigured, StoreUnavailable
from logweir.ids import TenantId
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.pipeline.store import Found, Stored

SCHEMA_VERSION: Final = 1
OPEN_FILES_MAX: Final = 128  # of tenants; SQLite holds three descriptors for each
_THREADS: Final = 4  # that many tenants' fsyncs run side by side

Result = TypeVar("Result")
Operation = Callable[[apsw.Connection], Any]


class LocalStore:
    """The Store of one machine. One process may have one of each data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "tenants"
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")
        self._open: OrderedDict[TenantId, GroupCommit[Operation, Any]] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(OPEN_FILES_MAX)
        self._waiting = 0  # tasks that wait for a place

    async def find(self, key: TextKey) -> Found:
        """One look-up by the primary key."""
        sha256 = await self._run(key.tenant, lambda db: _sha256_at(db, key))
        if sha256 is None:
            return Found.ABSENT
        return Found.SAME if sha256 == key.sha256 else Found.OTHER

    async def create(self, document: Document) -> Stored:
        """An insert that does nothing where the log id is taken."""
        row = rows.document_row(document)

        def insert(db: apsw.Connection) -> Stored:
            _insert(db, "processed_logs", rows.DOCUMENT, row)
            if db.changes():
                return Stored.CREATED
            return Stored.SAME if _sha256_at(db, document.key) == document.sha256 else Stored.OTHER

        return await self._run(document.tenant_id, insert)

    async def plan(self, plan: Plan) -> Plan:
        """An insert that does nothing where there is a plan; Misconfigured if that is damaged."""
        row = rows.plan_row(plan)

        def insert(db: apsw.Connection) -> rows.Row | None:
            _insert(db, "plans", rows.PLAN, row)
            return None if db.changes() else _plan_at(db, plan.key)

        found = await self._run(plan.tenant, insert)
        return plan if found is None else rows.plan(plan.key, found)

    async def load(self, key: TextKey) -> Plan | None:
        """The plan's row. Raises Misconfigured where it is damaged."""
        row = await self._run(key.tenant, lambda db: _plan_at(db, key))
        # Read here and not in the transaction, which others share.
        return None if row is None else rows.plan(key, row)

    async def recorded(self, key: TextKey) -> frozenset[int] | None:
        """The rows of the chunks."""

        def select(db: apsw.Connection) -> frozenset[int] | None:
            if _chunks_at(db, key) is None:
                return None
            done = db.execute(
                "SELECT chunk FROM recorded_chunks WHERE log_id = ? AND sha256 = ?",
                (key.log, key.sha256),
            )
            return frozenset(chunk for (chunk,) in done)

        return await self._run(key.tenant, select)

    async def is_recorded(self, key: TextKey, index: int) -> bool | None:
        """Two look-ups by primary keys."""

        def select(db: apsw.Connection) -> bool | None:
            if _chunks_at(db, key) is None:
                return None
            row = (key.log, key.sha256, index)
            return bool(
                db.execute(
                    "SELECT EXISTS (SELECT 1 FROM recorded_chunks"
                    " WHERE log_id = ? AND sha256 = ? AND chunk = ?)",
                    row,
                ).get
            )

        return await self._run(key.tenant, select)

    async def record(self, key: TextKey, index: int) -> bool | None:
        """One row for a chunk, and a count."""

        def insert(db: apsw.Connection) -> bool | None:
            chunks = _chunks_at(db, key)
            if chunks is None:
                return None
            _insert(db, "recorded_chunks", "log_id, sha256, chunk", (key.log, key.sha256, index))
            done = db.execute(
                "SELECT count(*) FROM recorded_chunks WHERE log_id = ? AND sha256 = ?",
                (key.log, key.sha256),
            ).get
            return bool(done == chunks)

        return await self._run(key.tenant, insert)

    async def mark_sent(self, key: TextKey) -> None:
        """One column of the plan."""
        await self._run(
            key.tenant,
            lambda db: db.execute(
                "UPDATE plans SET sent = 1 WHERE log_id = ? AND sha256 = ?", (key.log, key.sha256)
            ),
        )

    async def forget(self, key: TextKey) -> None:
        """Delete the plan and its chunks in one transaction."""

        def delete(db: apsw.Connection) -> None:
            for table in ("plans", "recorded_chunks"):
                db.execute(
                    f"DELETE FROM {table} WHERE log_id = ? AND sha256 = ?",
                    (key.log, key.sha256),
                )

        await self._run(key.tenant, delete)

    async def bury(self, letter: DeadLetter) -> None:
        """An insert that does nothing where the letter is there."""
        row = rows.letter_row(letter)
        await self._run(letter.tenant_id, lambda db: _insert(db, "dead_letters", rows.LETTER, row))

    async def buried(self, key: TextKey) -> bool:
        """One look-up by the primary key."""
        return await self._run(
            key.tenant,
            lambda db: bool(
                db.execute(
                    "SELECT EXISTS (SELECT 1 FROM dead_letters WHERE log_id = ? AND sha256 = ?)",
                    (key.log, key.sha256),
                ).get
            ),
        )

    async def close(self) -> None:
        """Close every file, after what is under way."""
        await asyncio.gather(*self._closing, *(commit.close() for commit in self._open.values()))
        self._executor.shutdown()

    async def _run(
        self, tenant: TenantId, operation: Callable[[apsw.Connection], Result]
    ) -> Result:
        commit = self._open.get(tenant) or await self._open_file(tenant)
        self._open.move_to_end(tenant)
        try:
            with rows.reading(tenant, "a text"):  # that is no UTF-8 any more
                result: Result = await commit.run(operation)
        finally:
            if self._waiting and commit.idle and self._open.get(tenant) is commit:
                self._close_file(tenant)
        return result

    async def _open_file(self, tenant: TenantId) -> GroupCommit[Operation, Any]:
        """Wait for a place among the open files; the least recently used idle one makes it."""
        if self._places.locked():
            idle = next((other for other, commit in self._open.items() if commit.idle), None)
            if idle is not None:
                self._close_file(idle)
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        if tenant in self._open:  # another task was first
            self._places.release()
        else:
            self._open[tenant] = GroupCommit(
                lambda: open_tenant(self._directory, tenant),
                _write,
                StoreUnavailable,
                self._executor,
            )
        return self._open[tenant]

    def _close_file(self, tenant: TenantId) -> None:
        commit = self._open.pop(tenant)

        async def close() -> None:
            try:
                await commit.close()
            finally:
                self._places.release()

        closing = asyncio.create_task(close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def open_tenant(directory: Path, tenant: TenantId, *, create: bool = True) -> apsw.Connection:
    """A tenant's file. Raises Misconfigured where it is another's, by a mistaken copy, say."""
    path = directory / file_name(tenant)
    db = open_database(path, "tenant.sql", SCHEMA_VERSION, create=create)
    owner = db.execute("SELECT tenant_id FROM owner").get
    if owner is None:
        db.execute("INSERT INTO owner SELECT ? WHERE NOT EXISTS (SELECT 1 FROM owner)", (tenant,))
        owner = tenant
    if owner != tenant:
        db.close()
        raise Misconfigured(
            f"{path} belongs to the tenant {owner}: put the right file in its place."
        )
    return db


def _write(db: apsw.Connection, operations: Sequence[Operation]) -> list[Any]:
    return [operation(db) for operation in operations]


def _insert(db: apsw.Connection, table: str, columns: str, row: rows.Row) -> None:
    marks = ", ".join("?" * len(row))
    db.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING",
        row,
    )


def _sha256_at(db: apsw.Connection, key: TextKey) -> str | None:
    sha256: str | None = db.execute(
        "SELECT sha256 FROM processed_logs WHERE log_id = ?", (key.log,)
    ).get
    return sha256


def _chunks_at(db: apsw.Connection, key: TextKey) -> int | None:
    chunks: int | None = db.execute(
        "SELECT chunks FROM plans WHERE log_id = ? AND sha256 = ?", (key.log, key.sha256)
    ).get
    return chunks


def _plan_at(db: apsw.Connection, key: TextKey) -> rows.Row | None:
    row: rows.Row | None = db.execute(
        f"SELECT {rows.PLAN} FROM plans WHERE log_id = ? AND sha256 = ?",
        (key.log, key.sha256),
    ).fetchone()
    return row
