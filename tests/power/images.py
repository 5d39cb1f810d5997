"""What a disk may hold after the power failed: rebuilt from a recording, for any moment of it.

The model, which is as mean as POSIX allows and meaner than ext4 is:

- What a file held at its last successful fsync is there. Of each later write or truncation the
  disk may have nothing, all, the first ones, any of them, or any 512-byte sectors of them. A file
  that grew may have its new length and, where no sector came, zeros or garbage.
- A name is there once its *directory* was synced; until then a creation, a removal or a rename may
  have reached the disk or not, in any combination. (ext4 writes them in order, and with the fsync
  of a new file its name too; POSIX promises neither.) A rename is atomic.
- A write changes nothing beyond its own bytes, and a sector is written whole or not at all: SQLite
  calls the first powersafe overwrite and assumes it on Unix, see its "Atomic Commit In SQLite" and
  psow.html; the second is what drives promise, and WAL does not even need it (checksums).
- What was waiting when an fsync *failed* may be lost for ever, though a later fsync succeeds: Linux
  reports a write-back error once and calls the pages clean ("fsyncgate", 2018).
- SQLite's -shm is shared memory: a power cut leaves nothing of it, or an arbitrary old file.

An image is named by the recording, the cut (how many operations were done) and a number, which
seeds its choices: the same name makes the same image.
"""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.power import journal
from tests.power.journal import Op, Truncate, Write
from tests.power.wire import RECORDED

SECTOR_BYTES: Final = 512
_SHARED_MEMORY: Final = "-shm"
_GARBAGE: Final = random.Random(0).randbytes(1 << 16)


@dataclass(frozen=True, slots=True)
class Image:
    """The files of a data directory, by their paths in it; None is a directory."""

    files: Mapping[str, bytes | None]

    def digest(self) -> bytes:
        """Of names and contents, shared memory left out: it tells images apart."""
        whole = hashlib.blake2b(digest_size=12)
        for path, content in sorted(self.files.items()):
            if not path.endswith(_SHARED_MEMORY):
                whole.update(f"{path}\0".encode())
                whole.update(b"directory" if content is None else _digest(content))
        return whole.digest()

    def write(self, data_dir: Path) -> None:
        """Lay it out, as the disk would be found; ``data_dir`` must not exist."""
        if self.files:
            data_dir.mkdir(mode=0o700)
        for path, content in sorted(self.files.items()):
            place = data_dir / path
            if content is None:
                place.mkdir(mode=0o700)
            else:
                place.write_bytes(content)


@dataclass(slots=True)
class _File:
    """``waiting``: what was done since the last sync, and whether it is certain all the same."""

    synced: bytes = b""
    waiting: list[tuple[Write | Truncate, bool]] = field(default_factory=list)

    def sync(self) -> None:
        """What is waiting is kept; behind something doubtful it can only be called certain."""
        content = bytearray(self.synced)
        while self.waiting and not self._is_doubtful(0):
            _apply(content, self.waiting.pop(0)[0])
        self.synced = bytes(content)
        self.waiting = [
            (op, certain or not self._is_doubtful(number))
            for number, (op, certain) in enumerate(self.waiting)
        ]

    def fail_to_sync(self) -> None:
        """Nobody knows any more what will become of what is waiting."""
        self.doubtful.update(id(op) for op, certain in self.waiting if not certain)

    doubtful: set[int] = field(default_factory=set)  # ids of operations, which ``waiting`` keeps

    def _is_doubtful(self, number: int) -> bool:
        return id(self.waiting[number][0]) in self.doubtful


_Entry = journal.Create | journal.MakeDir | journal.Unlink | journal.Rename
_Choice = Callable[[_File, random.Random], bytes]


class Disk:
    """Replays a recording, and makes images of the moment that it has reached."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        # By full path: the number of a file, or 0 for a directory.
        self._durable: dict[str, int] = {}
        self._entries: dict[str, list[tuple[_Entry, int]]] = {}  # waiting, by directory

    def apply(self, op: Op) -> None:
        """One operation more."""
        match op:
            case Write(file) | Truncate(file):
                self._files[file].waiting.append((op, False))
            case journal.Sync(file):
                self._files[file].sync()
            case journal.Fault(_, _, int(file)):
                self._files[file].fail_to_sync()
            case journal.Create(path, file):
                self._files[file] = _File()
                self._enter(path, op, file)
            case journal.MakeDir(path) | journal.Unlink(path):
                self._enter(path, op, 0)
            case journal.Rename(old, new):
                if _parent(old) != _parent(new):
                    raise NotImplementedError("a rename into another directory")
                self._enter(new, op, 0)
            case journal.SyncDir(path):
                for entry, number in self._entries.pop(path, ()):
                    _change(self._durable, entry, number)
            case _:  # marks, and failures without an effect
                pass

    @property
    def is_certain(self) -> bool:
        """Is nothing waiting, so that a power cut could leave one image only?"""
        return not any(self._entries.values()) and not any(
            file.waiting for file in self._files.values()
        )

    def image(self, name: str, number: int) -> Image:
        """0: nothing of what is waiting; 1: all of it; others by the seed of their name."""
        rng = random.Random(f"{name}/{number}")
        match number:
            case 0:
                data, some = _nothing, _none_of
            case 1:
                data, some = _everything, _all_of
            case _:
                data, some = rng.choice(_DATA), rng.choice(_ENTRIES)
        names = dict(self._durable)
        for directory in sorted(self._entries):
            for entry, file in some(self._entries[directory], rng):
                _change(names, entry, file)
        made: dict[str, bytes | None] = {}
        for path in sorted(names):
            if path != RECORDED and _is_reachable(path, names):
                made[path[len(RECORDED) + 1 :]] = self._content(path, names[path], data, rng)
        return Image(made)

    def _content(self, path: str, file: int, data: _Choice, rng: random.Random) -> bytes | None:
        if not file:
            return None
        if path.endswith(_SHARED_MEMORY):
            return _GARBAGE[: 32768 * rng.randrange(3)]
        found = self._files[file]
        if not found.waiting:
            return found.synced
        return (rng.choice(_DATA) if data is _mixed else data)(found, rng)

    def _enter(self, path: str, entry: _Entry, file: int) -> None:
        if _parent(path) == "/":  # the recorded directory itself: who makes it must sync above it
            self._entries.setdefault("/", []).append((entry, file))
        else:
            self._entries.setdefault(_parent(path), []).append((entry, file))


@functools.lru_cache(maxsize=64)  # most files are the same in the next image: bytes know their hash
def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=12).digest()


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _is_reachable(path: str, names: Mapping[str, int]) -> bool:
    parent = _parent(path)
    while parent != "/":
        if parent not in names:
            return False
        parent = _parent(parent)
    return True


def _change(names: dict[str, int], entry: _Entry, file: int) -> None:
    match entry:
        case journal.Unlink(path):
            names.pop(path, None)
        case journal.Rename(old, new):
            if old in names:
                names[new] = names.pop(old)
        case journal.Create(path) | journal.MakeDir(path):
            names[path] = file


# --- what becomes of names ---

_Waiting = Sequence[tuple[_Entry, int]]


def _none_of(waiting: _Waiting, rng: random.Random) -> _Waiting:
    return ()


def _all_of(waiting: _Waiting, rng: random.Random) -> _Waiting:
    return waiting


def _first_of(waiting: _Waiting, rng: random.Random) -> _Waiting:
    return waiting[: rng.randint(0, len(waiting))]


def _some_of(waiting: _Waiting, rng: random.Random) -> _Waiting:
    return [entry for entry in waiting if rng.random() < 0.5]


_ENTRIES: Final = (_none_of, _all_of, _first_of, _some_of)


# --- what becomes of data ---


def _apply(content: bytearray, op: Write | Truncate) -> None:
    match op:
        case Write(_, offset, data):
            if len(content) < offset:
                content.extend(bytes(offset - len(content)))
            content[offset : offset + len(data)] = data
        case Truncate(_, size):
            del content[size:]
            content.extend(bytes(size - len(content)))


def _rebuilt(file: _File, kept: Callable[[int], bool]) -> bytes:
    content = bytearray(file.synced)
    for number, (op, certain) in enumerate(file.waiting):
        if certain or kept(number):
            _apply(content, op)
    return bytes(content)


def _nothing(file: _File, rng: random.Random) -> bytes:
    return _rebuilt(file, lambda _: False)


def _everything(file: _File, rng: random.Random) -> bytes:
    return _rebuilt(file, lambda _: True)


def _prefix(file: _File, rng: random.Random) -> bytes:
    end = rng.randint(0, len(file.waiting))
    return _rebuilt(file, lambda number: number < end)


def _subset(file: _File, rng: random.Random) -> bytes:
    share = rng.random()
    return _rebuilt(file, lambda _: rng.random() < share)


def _torn(file: _File, rng: random.Random) -> bytes:
    """Any sectors of what was written."""
    return _in_sectors(file, rng, bytearray(file.synced))


def _last_torn(file: _File, rng: random.Random) -> bytes:
    """All, but for the write that the power cut met, of which some sectors came."""
    last = len(file.waiting) - 1
    content = bytearray(file.synced)
    for number, (op, certain) in enumerate(file.waiting):
        if certain or number < last:
            _apply(content, op)
        else:
            _apply_sectors(content, op, rng, 0.5)
    return bytes(content)


def _grown(file: _File, rng: random.Random) -> bytes:
    """The new length is there before the data: garbage where no sector came."""
    content = bytearray(file.synced)
    size = len(_everything(file, rng))
    while len(content) < size:
        content.extend(_GARBAGE[: size - len(content)])
    return _in_sectors(file, rng, content)


def _mixed(file: _File, rng: random.Random) -> bytes:
    """Of each file something else: ``Disk`` chooses."""
    return _everything(file, rng)


def _in_sectors(file: _File, rng: random.Random, content: bytearray) -> bytes:
    share = rng.random()
    for op, certain in file.waiting:
        if certain:
            _apply(content, op)
        else:
            _apply_sectors(content, op, rng, share)
    return bytes(content)


def _apply_sectors(
    content: bytearray, op: Write | Truncate, rng: random.Random, share: float
) -> None:
    if isinstance(op, Truncate):
        if rng.random() < share:
            _apply(content, op)
        return
    for piece in _sectors(op):
        if rng.random() < share:
            _apply(content, piece)


def _sectors(op: Write) -> Iterator[Write]:
    """A write in pieces that end where the disk's sectors do."""
    done = 0
    while done < len(op.data):
        size = SECTOR_BYTES - (op.offset + done) % SECTOR_BYTES
        yield Write(op.file, op.offset + done, op.data[done : done + size])
        done += size


_DATA: Final = (_nothing, _everything, _prefix, _subset, _torn, _last_torn, _grown, _mixed)
