"""What lies in a data directory: the tenants' files row by row and byte by byte, and the broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from logweir.backends.local.names import SUFFIX, tenant_of
from logweir.clock import parse_timestamp
from logweir.verify.canary import CANARY
from logweir.verify.evidence import Document, Dump, Letter

Rows = list[tuple[Any, ...]]


def dump(data_dir: Path) -> Dump:
    """Everything; best when nothing runs any more."""
    files = {str(tenant_of(path)): path for path in (data_dir / "tenants").glob(f"*{SUFFIX}")}
    canaries = {tenant: _canaries_in(path) for tenant, path in files.items()}
    broker = data_dir / "broker.sqlite3"
    return Dump(
        documents=documents(data_dir),
        letters=[letter for tenant, path in files.items() for letter in _letters(tenant, path)],
        canaries=canaries,
        plans=sum(_count(path, "plans") for path in files.values()),
        messages=_count(broker, "messages"),
        quarantined=_count(broker, "quarantine"),
    )


def documents(data_dir: Path) -> list[Document]:
    """Every tenant's, also while they are written."""
    files = (data_dir / "tenants").glob(f"*{SUFFIX}")
    return [document for path in files for document in _documents(str(tenant_of(path)), path)]


def messages(data_dir: Path) -> int:
    """How many the broker still has."""
    return _count(data_dir / "broker.sqlite3", "messages")


@contextmanager
def reading(path: Path, flags: int = apsw.SQLITE_OPEN_READONLY) -> Iterator[apsw.Connection]:
    """A connection that writes nothing, unless ``flags`` let it."""
    db = apsw.Connection(str(path), flags=flags)
    db.set_busy_timeout(5000)
    try:
        yield db
    finally:
        db.close()


def rows(path: Path, query: str, flags: int = apsw.SQLITE_OPEN_READONLY) -> Rows:
    """The rows of a query, nothing where there is no such file or table yet."""
    try:
        with reading(path, flags) as db:
            return db.execute(query).fetchall()
    except (apsw.CantOpenError, apsw.SQLError):
        return []
    except apsw.ReadOnlyError:
        # A writer died while it made the file, and left a journal that must be rolled back. Not
        # left to the next writer: the caller may be who starts it.
        if flags != apsw.SQLITE_OPEN_READONLY:
            raise
        return rows(path, query, apsw.SQLITE_OPEN_READWRITE)


def _canaries_in(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for file in path.parent.glob(f"{path.name}*"):  # its journal too
        found.update(CANARY.findall(file.read_bytes().decode("latin-1")))
    return frozenset(found)


def _documents(place: str, path: Path) -> Iterator[Document]:
    for row in rows(
        path,
        "SELECT tenant_id, log_id, source, original_text, modified_data, sha256, characters,"
        " received_at, processed_at FROM processed_logs",
    ):
        yield Document(
            place=place,
            tenant=row[0],
            log=row[1],
            source=row[2],
            text=row[3],
            modified=row[4],
            sha256=row[5],
            characters=row[6],
            received_at=parse_timestamp(row[7]),
            processed_at=parse_timestamp(row[8]),
        )


def _letters(place: str, path: Path) -> Iterator[Letter]:
    for row in rows(
        path,
        "SELECT (SELECT tenant_id FROM owner), log_id, source, text, sha256, characters, reason"
        " FROM dead_letters",
    ):
        yield Letter(
            place=place,
            tenant=row[0],
            log=row[1],
            source=row[2],
            text=row[3],
            sha256=row[4],
            characters=row[5],
            reason=row[6],
        )


def _count(path: Path, table: str) -> int:
    found = rows(path, f"SELECT count(*) FROM {table}")
    return int(found[0][0]) if found else 0
