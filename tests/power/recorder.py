"""A file system that writes down what is done to it, and fails where it is told to.

    python -m tests.power.recorder BACKING MOUNT RECORDING

Everything under MOUNT lies in the directory BACKING; what happens below MOUNT/data goes into the
file RECORDING (``tests.power.journal``), operation by operation. One thread serves them, so their
order is the disk's. Locks stay with the kernel, and so does shared memory: SQLite's -shm file is
mapped, and its pages come here only when the kernel writes them back.

Outside and inside meet in extended attributes of MOUNT itself, which no cache holds back:

    setxattr user.mark    a Mark goes into the recording, before whatever is done afterwards
    setxattr user.fault   a Plan of what is to fail from now on; empty: nothing
    getxattr user.counts  how many operations there were, and how many failed
"""

from __future__ import annotations

import errno
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from mfusepy import FUSE, FuseOSError, Operations  # type: ignore[import-untyped]
from tests.power import journal
from tests.power.wire import COUNTS, FAULT, MARK, RECORDED, Counts, Plan

_STAT: Final = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_ino", "st_blocks")
_TIMES: Final = ("st_atime_ns", "st_mtime_ns", "st_ctime_ns")


class Recorder(Operations):  # type: ignore[misc]  # mfusepy has no types
    """Passes through, records, and fails by plan."""

    use_ns = True

    def __init__(self, backing: Path, recording: Path) -> None:
        self._root = str(backing)
        self._file = recording.open("wb", buffering=1 << 20)
        self._numbers: dict[str, int] = {}  # of files, by their present names
        self._open: dict[int, int] = {}  # number of the file, by descriptor
        self._shared: set[int] = set()  # numbers of SQLite's -shm files
        self._next = 1
        self._plan = Plan()
        self._counts = Counts()

    # --- what is recorded ---

    def create(self, path: str, mode: int) -> int:
        """A new file."""
        self._need_room(path, "create")
        descriptor = os.open(self._root + path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)
        if _is_recorded(path):
            number, self._next = self._next, self._next + 1
            self._numbers[path] = self._open[descriptor] = number
            if path.endswith("-shm"):
                self._shared.add(number)
            self._note(journal.Create(path, number))
        return descriptor

    def open(self, path: str, flags: int) -> int:
        """A file that is there."""
        # The kernel has made an offset of O_APPEND already.
        descriptor = os.open(self._root + path, flags & ~os.O_APPEND)
        if path in self._numbers:
            self._open[descriptor] = self._numbers[path]
            if flags & os.O_TRUNC:
                self._note(journal.Truncate(self._numbers[path], 0))
        return descriptor

    def write(self, path: str | None, data: bytes, offset: int, fh: int) -> int:
        """All of it, or nothing."""
        number = self._open.get(fh)
        if number is not None and not self._is_allocated(fh, offset + len(data)):
            self._need_room(RECORDED, "write")
        written = os.pwrite(fh, data, offset)
        if number is not None:
            self._note(journal.Write(number, offset, data[:written]))
        return written

    def _is_allocated(self, fh: int, end: int) -> bool:
        """Does the kernel only write mapped memory back, for which a real disk has its blocks?"""
        return self._open[fh] in self._shared and end <= os.fstat(fh).st_size

    def truncate(self, path: str | None, length: int, fh: int | None = None) -> None:
        """Shorter, or longer by zeros."""
        if fh is not None:
            os.ftruncate(fh, length)
            number = self._open.get(fh)
        else:
            assert path is not None
            os.truncate(self._root + path, length)
            number = self._numbers.get(path)
        if number is not None:
            self._note(journal.Truncate(number, length))

    def fsync(self, path: str | None, datasync: int, fh: int) -> None:
        """Of a file: the real one lies in memory and is not asked."""
        number = self._open.get(fh)
        if number is not None:
            self._fail_sync("fsync", number)
            self._note(journal.Sync(number))

    def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
        """Of a directory."""
        if path == "/" or _is_recorded(path):
            self._fail_sync("fsyncdir", None)
            self._note(journal.SyncDir(path))

    def mkdir(self, path: str, mode: int) -> None:
        """A directory."""
        self._need_room(path, "mkdir")
        os.mkdir(self._root + path, mode)  # noqa: PTH102  # errors must keep their errno
        if _is_recorded(path):
            self._note(journal.MakeDir(path))

    def unlink(self, path: str) -> None:
        """A name goes; who has the file open keeps it."""
        os.unlink(self._root + path)  # noqa: PTH108
        if self._numbers.pop(path, None) is not None:
            self._note(journal.Unlink(path))

    def rmdir(self, path: str) -> None:
        """A directory goes."""
        os.rmdir(self._root + path)  # noqa: PTH106
        if _is_recorded(path):
            self._note(journal.Unlink(path))

    def rename(self, old: str, new: str) -> None:
        """A name changes."""
        os.rename(self._root + old, self._root + new)  # noqa: PTH104
        if old in self._numbers:
            self._numbers[new] = self._numbers.pop(old)
            self._note(journal.Rename(old, new))

    # --- what is only passed on ---

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, Any]:
        """By the descriptor where there is one: the name may be gone."""
        stat = os.fstat(fh) if fh is not None else os.lstat(self._root + str(path))
        times = {name.removesuffix("_ns"): getattr(stat, name) for name in _TIMES}
        return {name: getattr(stat, name) for name in _STAT} | times

    def read(self, path: str | None, size: int, offset: int, fh: int) -> bytes:
        """What lies there."""
        return os.pread(fh, size, offset)

    def readdir(self, path: str, fh: int) -> list[str]:
        """Names."""
        return [".", "..", *os.listdir(self._root + path)]  # noqa: PTH208

    def release(self, path: str | None, fh: int) -> None:
        """The last descriptor of an open file is closed."""
        self._open.pop(fh, None)
        os.close(fh)

    def chmod(self, path: str, mode: int) -> None:
        """Not recorded: nobody's data."""
        os.chmod(self._root + path, mode)  # noqa: PTH101

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        """Not recorded."""
        os.utime(self._root + path, ns=times) if times else os.utime(self._root + path)

    def statfs(self, path: str) -> dict[str, int]:
        """Of the disk below."""
        found = os.statvfs(self._root + path)
        names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree")
        return {name: getattr(found, name) for name in (*names, "f_namemax")}

    # --- marks and faults ---

    def setxattr(self, path: str, name: str, value: bytes, options: int, position: int = 0) -> None:
        """A word from outside."""
        if path != "/":
            raise FuseOSError(errno.ENOTSUP)
        if name == MARK:
            self._note(journal.Mark(value.decode()))
        elif name == FAULT:
            self._plan = Plan(**json.loads(value)) if value else Plan()
            self._counts = Counts(ops=self._counts.ops, fired=self._counts.fired)
        else:
            raise FuseOSError(errno.ENOTSUP)

    def getxattr(self, path: str, name: str, position: int = 0) -> bytes:
        """What is known inside; what was recorded until now is in the recording then."""
        if path != "/" or name != COUNTS:
            raise FuseOSError(errno.ENODATA)
        self._file.flush()
        return json.dumps(asdict(self._counts)).encode()

    def destroy(self, path: str) -> None:
        """The file system goes."""
        self._file.close()

    def _note(self, op: journal.Op) -> None:
        self._counts.ops += 1
        journal.append(self._file, op)

    def _need_room(self, path: str, operation: str) -> None:
        if not _is_recorded(path):
            return
        self._counts.writes_of_plan += 1
        if self._plan.full_at is not None and self._counts.writes_of_plan >= self._plan.full_at:
            self._fail(operation, errno.ENOSPC)

    def _fail_sync(self, operation: str, file: int | None) -> None:
        self._counts.syncs_of_plan += 1
        first = self._plan.sync_fails_at
        if first is not None and 0 <= self._counts.syncs_of_plan - first < self._plan.syncs_failing:
            self._fail(operation, errno.EIO, file)

    def _fail(self, operation: str, number: int, file: int | None = None) -> None:
        error = errno.errorcode[number]
        fired = self._counts.fired
        fired[f"{operation} {error}"] = fired.get(f"{operation} {error}", 0) + 1
        self._note(journal.Fault(operation, error, file))
        raise FuseOSError(number)


def _is_recorded(path: str) -> bool:
    return path == RECORDED or path.startswith(RECORDED + "/")


def main() -> None:
    """Serve until it is unmounted."""
    backing, mount, recording = map(Path, sys.argv[1:])
    FUSE(
        Recorder(backing, recording),
        str(mount),
        foreground=True,
        nothreads=True,
        hard_remove=True,
        # All that is done goes by this mount, so what the kernel has in its cache is right.
        kernel_cache=True,
        default_permissions=True,
        fsname="logweir-power",
    )


if __name__ == "__main__":
    main()
