"""What the commands list from a data directory, also while it is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

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

if TYPE_CHECKING:
    from logweir.redact.policies import Redactors

Result = TypeVar("Result")

_PROGRESS: Final = """
    SELECT p.sha256, (SELECT count(*) FROM recorded_chunks r
                      WHERE r.log_id = p.log_id AND r.sha256 = p.sha256), p.chunks
    FROM plans p WHERE p.log_id = ?
"""
_LETTERS: Final = """
    SELECT l.log_id, l.sha256, l.reason, l.error, l.characters, l.attempts, l.received_at,
        l.buried_at, p.sha256 IS NOT NULL
    FROM dead_letters l
    LEFT JOIN processed_logs p ON p.log_id = l.log_id AND p.sha256 = l.sha256
    ORDER BY l.log_id, l.sha256
"""
_PAGE: Final = 100  # rows read at once: a page of the largest texts is some hundred MiB at worst


class LocalReader:
    """The Reader of one machine. A tenant without a file has nothing, and none is made for it."""

    def __init__(
        self, data_dir: Path, redactors: Callable[[], Redactors] = rows.default_redactors
    ) -> None:
        """``redactors``: those that the documents are held against, made when one is read."""
        self._directory = data_dir / "tenants"
        self._redactors = redactors

    async def tenants(self) -> AsyncIterator[TenantSummary]:
        """A tenant for each file that has anything in it."""
        for tenant in await asyncio.to_thread(self._tenant_ids):
            documents, dead_letters, plans = await self._query(tenant, _counts) or (0, 0, 0)
            if documents or dead_letters or plans:
                yield TenantSummary(
                    tenant_id=tenant, documents=documents, dead_letters=dead_letters, plans=plans
                )

    async def document(self, tenant: TenantId, log: LogId) -> Document | None:
        """By the primary key. Raises Misconfigured where either text is damaged."""

        def read(db: apsw.Connection) -> Document | None:
            # By the rowid, or SQLite would take log_id from the index, which may be damaged.
            row = db.execute(
                f"SELECT {rows.DOCUMENT} FROM processed_logs"
                " WHERE rowid = (SELECT rowid FROM processed_logs WHERE log_id = ?)",
                (log,),
            ).fetchone()
            if row is None:
                return None
            document = rows.document(tenant, row)
            rows.check_found(document, log, self._redactors().of(tenant))
            return document

        return await self._query(tenant, read)

    async def documents(self, tenant: TenantId) -> AsyncIterator[Document]:
        """In pages, so that a large tenant fits into memory.

        Raises Misconfigured where an original text is damaged; redacting all of them again would
        take too long.
        """
        after = ""
        while page := await self._query(tenant, _page_after(after)):
            for row in page:
                yield rows.document(tenant, row)
            after = page[-1][0]

    async def progress(self, tenant: TenantId, log: LogId) -> Sequence[Progress]:
        """The plans' rows, and how many chunks each has recorded."""
        found = await self._query(tenant, lambda db: select(db, _PROGRESS, (log,)))
        return [
            Progress(sha256=sha, chunks_done=done, chunks=chunks)
            for sha, done, chunks in found or ()
        ]

    async def letters(self, tenant: TenantId) -> AsyncIterator[LetterSummary]:
        """Without their texts."""
        for row in await self._query(tenant, lambda db: select(db, _LETTERS)) or ():
            yield LetterSummary(
                key=TextKey(tenant, LogId(row[0]), row[1]),
                reason=Burial(row[2]),
                error=row[3],
                characters=row[4],
                attempts=row[5],
                received_at=parse_timestamp(row[6]),
                buried_at=parse_timestamp(row[7]),
                resolved=bool(row[8]),
            )

    async def letter(self, key: TextKey) -> DeadLetter | None:
        """By the primary key."""
        row = await self._query(
            key.tenant,
            lambda db: db.execute(
                f"SELECT {rows.LETTER} FROM dead_letters WHERE log_id = ? AND sha256 = ?",
                (key.log, key.sha256),
            ).fetchone(),
        )
        return None if row is None else rows.letter(key, row)

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
                with rows.reading(tenant, "a text"):  # that is no UTF-8 any more
                    return query(db)
            finally:
                db.close()

        try:
            return await asyncio.to_thread(run)
        except (apsw.Error, OSError) as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


def _counts(db: apsw.Connection) -> tuple[int, int, int]:
    tables = ("processed_logs", "dead_letters", "plans")
    documents, letters, plans = (select(db, f"SELECT count(*) FROM {t}")[0][0] for t in tables)
    return documents, letters, plans


def _page_after(log_id: str) -> Callable[[apsw.Connection], list[rows.Row]]:
    query = f"SELECT {rows.DOCUMENT} FROM processed_logs WHERE log_id > ? ORDER BY log_id LIMIT ?"
    return lambda db: select(db, query, (log_id, _PAGE))
