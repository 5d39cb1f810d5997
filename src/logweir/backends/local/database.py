"""One SQLite file: opened with what Logweir's promises need, and checked before it is touched."""

from __future__ import annotations

import contextlib
import os
import time
from importlib import resources
from pathlib import Path
from typing import Any, Final

import apsw

from logweir.errors import Misconfigured

BUSY_SECONDS: Final = 5.0
_APPLICATION_ID: Final = 0x4C575249  # "LWRI": what `file` and others may know our files by


def open_database(path: Path, schema: str, version: int, *, create: bool = True) -> apsw.Connection:
    """Open ``path``, made from the packaged ``schema`` file if it is new.

    Raises Misconfigured where the file is not ours or of another schema version, and apsw.Error
    where it cannot be read or written.
    """
    if create:
        # Made here first: SQLite gives its journal files the same mode as the file itself. Never
        # opened again: closing it would drop the locks that SQLite holds on it in this process.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
        is_new = _version(connection, path, version) == 0
        _use_wal(connection)
        # FULL: with NORMAL a commit that was answered 202 may be lost when the power fails.
        # fullfsync: on macOS a plain fsync leaves the data in the drive's memory.
        connection.execute(
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1"
        )
        if is_new:
            _create_schema(connection, path, schema, version)
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: apsw.Connection, path: Path, expected: int) -> int:
    with connection:  # at one moment: another process may just be making the file
        application = connection.pragma("application_id")
        found = connection.pragma("user_version")
        is_empty = not connection.pragma("schema_version")
    if (application, found) == (0, 0) and is_empty:
        return 0
    if (application, found) != (_APPLICATION_ID, expected):
        raise Misconfigured(
            f"{path} is not a file that this release can use: it has schema version {found} of "
            f"application {application:#x}, and this release knows version {expected} of "
            f"{_APPLICATION_ID:#x}. Use the release that wrote it, or another data directory."
        )
    return expected


def _use_wal(connection: apsw.Connection) -> None:
    # SQLite does not wait where two processes switch a new file to WAL at the same moment.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _create_schema(connection: apsw.Connection, path: Path, schema: str, version: int) -> None:
    script = resources.files(__package__).joinpath(schema).read_text()
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been first while this one waited for the lock.
        if _version(connection, path, version) == 0:
            connection.execute(script)
            connection.execute(
                f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {version}"
            )
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def select(db: apsw.Connection, query: str, bindings: tuple[object, ...] = ()) -> list[Any]:
    """All rows of a query, as tuples whose types the caller knows from the schema."""
    return db.execute(query, bindings).fetchall()
