"""What the commands list from a data directory, also while it is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import apsw

from logweir.backends.local import rows
from logweir.backends.local.database import select
from logweir.backends.local.names import SUFFIX, file_name, tenant_of
from logweir.backends.local.store import open_tenant
from logweir.clock import parse_timestamp
from logweir.errors import InvalidId, StoreUnavailable
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, TextKey
from logweir.pipeline.store import LetterSummary, Progress, TenantSummary
from logweir.reasons import Burial

Result = TypeVar("Result")

_PAGE = 100  # rows read at once: a page of the largest texts is some hundred MiB at worst


class LocalReader:
    """The Reader of one machine. A tenant without a file has nothing, and no file is made for it."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "tenants"

    async def tenants(self) -> AsyncIterator[TenantSummary]:
        """A tenant for each file."""
        for tenant in await asyncio.to_thread(self._tenant_ids):
            counts = await self._query(tenant, _counts)
            if counts:
                documents, dead_letters, plans = counts
                yield TenantSummary(
                    tenant_id=tenant, documents=documents, dead_letters=dead_letters, plans=plans
                )

    async def document(self, tenant: TenantId, log: LogId) -> Document | None:
        """By the primary key."""
        row = await self._query(
            tenant,
            lambda db: db.execute(
                f"SELECT {rows.DOCUMENT} FROM processed_logs WHERE log_id = ?",  # noqa: S608  # our own names
                (log,),
            ).fetchone(),
        )
        return None if row is None else rows.document(row)

    async def documents(self, tenant: TenantId) -> AsyncIterator[Document]:
        """In pages, so that a large tenant fits into memory."""
        after = ""
        while page := await self._query(tenant, _page_of(rows.DOCUMENT, "processed_logs", after)):
            for row in page:
                yield rows.document(row)
            after = page[-1][0]

    async def progress(self, tenant: TenantId, log: LogId) -> Sequence[Progress]:
        """The plans' rows, and how many chunks each has recorded."""
        found = await self._query(
            tenant,
            lambda db: db.execute(
                "SELECT sha256, (SELECT count(*) FROM recorded_chunks r"
                " WHERE r.log_id = p.log_id AND r.sha256 = p.sha256), chunks FROM plans p WHERE log_id = ?",
                (log,),
            ).fetchall(),
        )
        return [
            Progress(sha256=sha, chunks_done=done, chunks=chunks)
            for sha, done, chunks in found or ()
        ]

    async def letters(self, tenant: TenantId) -> AsyncIterator[LetterSummary]:
        """Without their texts."""
        found = await self._query(
            tenant,
            lambda db: select(
                db,
                "SELECT l.log_id, l.sha256, l.reason, l.error, l.characters, l.attempts, l.received_at,"
                " l.buried_at, p.sha256 IS NOT NULL FROM dead_letters l LEFT JOIN processed_logs p"
                " ON p.log_id = l.log_id AND p.sha256 = l.sha256 ORDER BY l.log_id, l.sha256",
            ),
        )
        for log, sha256, reason, error, characters, attempts, received, buried, resolved in (
            found or ()
        ):
            yield LetterSummary(
                key=TextKey(tenant, LogId(log), sha256),
                reason=Burial(reason),
                error=error,
                characters=characters,
                attempts=attempts,
                received_at=parse_timestamp(received),
                buried_at=parse_timestamp(buried),
                resolved=bool(resolved),
            )

    async def letter(self, key: TextKey) -> DeadLetter | None:
        """By the primary key."""
        row = await self._query(
            key.tenant,
            lambda db: db.execute(
                f"SELECT {rows.LETTER} FROM dead_letters WHERE log_id = ? AND sha256 = ?",  # noqa: S608  # our own names
                (key.log, key.sha256),
            ).fetchone(),
        )
        return None if row is None else rows.letter(key.tenant, row)

    async def purge(self, key: TextKey) -> bool:
        """Delete the letter's row."""

        def delete(db: apsw.Connection) -> bool:
            db.execute(
                "DELETE FROM dead_letters WHERE log_id = ? AND sha256 = ?", (key.log, key.sha256)
            )
            return db.changes() > 0

        return bool(await self._query(key.tenant, delete))

    def _tenant_ids(self) -> list[TenantId]:
        def ids() -> Iterator[TenantId]:
            for path in self._directory.glob(f"*{SUFFIX}"):
                try:
                    yield tenant_of(path)
                except (InvalidId, ValueError):
                    continue  # not one of ours: somebody's copy, say

        return sorted(ids())

    async def _query(
        self, tenant: TenantId, query: Callable[[apsw.Connection], Result]
    ) -> Result | None:
        """None where the tenant has no file."""

        def run() -> Result | None:
            if not (self._directory / file_name(tenant)).exists():
                return None
            db = open_tenant(self._directory, tenant, create=False)
            try:
                return query(db)
            finally:
                db.close()

        try:
            return await asyncio.to_thread(run)
        except (apsw.Error, OSError) as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


def _counts(db: apsw.Connection) -> tuple[int, int, int]:
    row: tuple[int, int, int] = db.execute(
        "SELECT (SELECT count(*) FROM processed_logs), (SELECT count(*) FROM dead_letters),"
        " (SELECT count(*) FROM plans)"
    ).fetchall()[0]
    return row


def _page_of(columns: str, table: str, after: str) -> Callable[[apsw.Connection], list[rows.Row]]:
    return lambda db: select(
        db,
        f"SELECT {columns} FROM {table} WHERE log_id > ? ORDER BY log_id LIMIT {_PAGE}",  # noqa: S608  # our own names
        (after,),
    )
