"""A disk under SQLite that can be full, or fail to sync, and counts its syncs."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw


class Disk:
    """What the disk does; set while a file is open."""

    def __init__(self) -> None:
        self.is_full = False
        self.sync_fails = False
        self.syncs_to_fail = 0  # the next ones
        self.syncs: Counter[str] = Counter()  # by the file's ending: sqlite3, sqlite3-wal
        self.may_sync = threading.Event()
        self.may_sync.set()


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._kind = (name if isinstance(name, str) else name.filename()).rpartition(".")[2]

    def xSync(self, flags: int) -> None:  # noqa: N802  # SQLite\'s name
        self._disk.may_sync.wait(30)
        if self._disk.sync_fails or self._disk.syncs_to_fail:
            self._disk.syncs_to_fail = max(0, self._disk.syncs_to_fail - 1)
            raise apsw.IOError("the disk does not sync")
        self._disk.syncs[self._kind] += 1
        super().xSync(flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite\'s name
        if self._disk.is_full:
            raise apsw.FullError("the disk is full")
        super().xWrite(data, offset)


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        super().__init__("faulty", "unix", makedefault=True)
        self._disk = disk

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802  # SQLite\'s name
        return _File(self._disk, name, flags)


@contextmanager
def faulty_disk() -> Iterator[Disk]:
    """Whatever is opened meanwhile lies on the disk; close it before the end."""
    disk = Disk()
    vfs = _Vfs(disk)
    report = sys.unraisablehook

    def report_others(unraisable: sys.UnraisableHookArgs) -> None:
        # SQLite tidies up as it closes a file; what the disk refuses then is no news.
        if not isinstance(unraisable.exc_value, apsw.IOError | apsw.FullError):
            report(unraisable)

    sys.unraisablehook = report_others
    try:
        yield disk
    finally:
        sys.unraisablehook = report
        disk.may_sync.set()
        vfs.unregister()
