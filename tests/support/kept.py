"""What the local back end's files hold, read as an outsider reads them: with SQLite alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw


def query(path: Path, sql: str, bindings: Sequence[Any] = ()) -> list[Any]:
    """The rows of a query; none where the file, or what is in it, is not made yet."""
    if not path.exists():
        return []
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        db.set_busy_timeout(5000)
        if not db.pragma("user_version"):
            return []
        return db.execute(sql, tuple(bindings)).fetchall()
    finally:
        db.close()


def queued(data_dir: Path) -> list[tuple[str, str]]:
    """Tenant and log id of every message of the broker."""
    return query(data_dir / "broker.sqlite3", "SELECT tenant, log FROM messages ORDER BY id")


def sessions(data_dir: Path) -> list[int]:
    """The process ids of the workers that hold a lease."""
    return [pid for (pid,) in query(data_dir / "broker.sqlite3", "SELECT pid FROM sessions")]


def tenant_files(data_dir: Path) -> list[str]:
    """The names of the tenants' database files."""
    return sorted(path.name for path in (data_dir / "tenants").glob("*.sqlite3"))


def texts(data_dir: Path, file: str) -> dict[str, str]:
    """The original texts of the documents in one tenant's file, by log id."""
    return dict(
        query(data_dir / "tenants" / file, "SELECT log_id, original_text FROM processed_logs")
    )


def bytes_of(data_dir: Path, pattern: str = "**/*") -> bytes:
    """All that lies in the files that match, journals included, end to end."""
    return b"".join(path.read_bytes() for path in sorted(data_dir.glob(pattern)) if path.is_file())
