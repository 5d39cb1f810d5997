"""What a recorder wrote down: every operation on a data directory, in the order of the disk.

A recording is a file of records, each a line of JSON whose first member names the kind; the bytes
of a write follow its line. Files are known by a number of their own, not by their names: a name
can be taken away and given to another file, and what a file holds does not ask for its name.

    ["Create", "/data/broker.sqlite3", 7]
    ["Write", 7, 0, 4096]                      and 4,096 bytes
    ["Sync", 7]
    ["Mark", "{…}"]                            seen outside, before all that follows
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import BinaryIO, Final


@dataclass(frozen=True, slots=True)
class Create:
    """A new, empty file under a name."""

    path: str
    file: int


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset, which may lie beyond the end."""

    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """The file is so many bytes long now."""

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """An fsync or fdatasync of a file that succeeded."""

    file: int


@dataclass(frozen=True, slots=True)
class MakeDir:
    """A new directory under a name."""

    path: str


@dataclass(frozen=True, slots=True)
class Unlink:
    """A name is taken away, of a file or of an empty directory."""

    path: str


@dataclass(frozen=True, slots=True)
class Rename:
    """A file has another name now; what had it before has none."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class SyncDir:
    """An fsync of a directory that succeeded: its names are kept."""

    path: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that was seen outside, before anything that follows: JSON."""

    json: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The disk failed an operation, which had no effect. ``file``: of a sync that failed."""

    operation: str
    error: str
    file: int | None = None


Op = Create | Write | Truncate | Sync | MakeDir | Unlink | Rename | SyncDir | Mark | Fault

_KINDS: Final[dict[str, type[Op]]] = {
    kind.__name__: kind
    for kind in (Create, Write, Truncate, Sync, MakeDir, Unlink, Rename, SyncDir, Mark, Fault)
}


def append(file: BinaryIO, op: Op) -> None:
    """Write one record."""
    if isinstance(op, Write):
        line = json.dumps(["Write", op.file, op.offset, len(op.data)])
        file.write(line.encode() + b"\n" + op.data)
    else:
        file.write(json.dumps([type(op).__name__, *astuple(op)]).encode() + b"\n")


def read(path: Path) -> list[Op]:
    """All records. Raises ValueError where the file ends in the middle of one."""
    with path.open("rb") as file:
        return list(_records(file))


def _records(file: BinaryIO) -> Iterator[Op]:
    while line := file.readline():
        kind, *members = json.loads(line)
        if kind == "Write":
            number, offset, size = members
            data = file.read(size)
            if len(data) < size:
                raise ValueError("the recording is cut off")
            yield Write(number, offset, data)
        else:
            yield _KINDS[kind](*members)
