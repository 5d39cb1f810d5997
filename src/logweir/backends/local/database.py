"""One SQLite file: opened with what Logweir's promises need, and checked before it is touched."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import apsw

from logweir.errors import Misconfigured

BUSY_SECONDS: Final = 5.0
_PIECE_BYTES: Final = 1 << 20
Migrations = Mapping[int, Callable[[apsw.Connection], None]]
"""From the version of the key to the next one."""

_APPLICATION_ID: Final = 0x4C575249  # "LWRI": what `file` and others may know our files by


def open_database(
    path: Path,
    schema: str,
    version: int,
    *,
    create: bool = True,
    migrations: Migrations = MappingProxyType({}),
) -> apsw.Connection:
    """Open ``path``, made from the packaged ``schema`` file if it is new.

    A file of an older version that ``migrations`` know becomes one of ``version``. Raises
    Misconfigured where the file is not ours, of another schema version or in a file system that
    cannot keep it safe, and apsw.Error or OSError where it cannot be read or written.
    """
    if create:
        # Made here first: SQLite gives its journal files the same mode as the file itself. Never
        # opened again: closing it would drop the locks that SQLite holds on it in this process.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
        found = _version(connection, path, (*migrations, version))
        _use_wal(connection, path)
        # FULL: with NORMAL a commit that was answered 202 may be lost when the power fails.
        # fullfsync: on macOS a plain fsync leaves the data in the drive's memory.
        connection.execute(
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1"
        )
        if create:
            _write_journal_again(connection, path)
            # Names, and the WAL's is there by now. SQLite does it too, and goes on where it fails.
            sync_directory(path.parent)
        if found == 0:
            # The directory may be new itself: its own name must be on the disk before anything is
            # in it.
            sync_directory(path.parent.parent)
        if found != version:
            _bring_up_to(version, connection, path, schema, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def sync_directory(path: Path) -> None:
    """Return once the names in a directory are on the disk. Raises OSError where they are not.

    Where we may not read it, or its file system cannot do this, nothing can be done.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _write_journal_again(connection: apsw.Connection, path: Path) -> None:
    """Put on the disk what SQLite has just found in the WAL, before anything comes behind it.

    An fsync that failed may have left commits in the system's cache alone: they are read as if
    they were kept, and the next fsync succeeds without them. After a power cut SQLite would find
    the gap, and drop whatever was committed behind it.
    """
    journal = path.with_name(f"{path.name}-wal")
    connection.execute("BEGIN IMMEDIATE")  # nobody else writes to it meanwhile
    try:
        with contextlib.suppress(FileNotFoundError), journal.open("r+b", buffering=0) as file:
            offset = 0
            while piece := os.pread(file.fileno(), _PIECE_BYTES, offset):
                offset += os.pwrite(file.fileno(), piece, offset)
            if offset:
                os.fsync(file.fileno())
    finally:
        connection.execute("ROLLBACK")


def _version(connection: apsw.Connection, path: Path, known: Sequence[int]) -> int:
    """That of the file, one of the known ones, the newest last; 0 of one with nothing in it."""
    with connection:  # at one moment: another process may just be making the file
        application = connection.pragma("application_id")
        found = connection.pragma("user_version")
        is_empty = not connection.pragma("schema_version")
    if (application, found) == (0, 0) and is_empty:
        return 0
    if application != _APPLICATION_ID or found not in known:
        raise Misconfigured(
            f"{path} is not a file that this release can use: it has schema version {found} of "
            f"application {application:#x}, and this release knows version {known[-1]} of "
            f"{_APPLICATION_ID:#x}. Use the release that wrote it, or another data directory."
        )
    return int(found)


def _use_wal(connection: apsw.Connection, path: Path) -> None:
    # SQLite does not wait where two processes switch a new file to WAL at the same moment.
    deadline = time.monotonic() + BUSY_SECONDS
    mode = None
    while mode is None:
        try:
            # `get` runs it to its end, where it commits: before that, it tells of no failure.
            mode = connection.execute("PRAGMA journal_mode = WAL").get
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    # With a rollback journal instead a power cut would undo commits: it may bring one back that
    # was done with, for SQLite does not sync its removal.
    if mode != "wal":
        raise Misconfigured(
            f"{path} cannot have a write-ahead log, because its file system cannot share memory, "
            "as many network file systems cannot: put the data directory on a local disk."
        )


def _bring_up_to(
    version: int, connection: apsw.Connection, path: Path, schema: str, migrations: Migrations
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been first while this one waited for the lock.
        found = _version(connection, path, (*migrations, version))
        if found == 0:
            connection.execute(resources.files(__package__).joinpath(schema).read_text())
        else:
            for older in range(found, version):
                migrations[older](connection)
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
