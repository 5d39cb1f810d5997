"""What commands read: files in their order, or standard input; each part as soon as it is there."""

from __future__ import annotations

import codecs
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Protocol, cast

import typer

from logweir.entrypoints.exits import Usage

STDIN: Final = "-"
_PART_BYTES_MAX: Final = 1 << 16  # as much as a pipe holds

File = Annotated[
    str | None, typer.Argument(metavar="[FILE|-]", help="Read this file; - or none: stdin.")
]
Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE|-]...", help="Read these, one after another; none: stdin."),
]


class _Readable(Protocol):
    def read1(self, size: int, /) -> bytes: ...


def named(files: Sequence[str] | None) -> Sequence[str]:
    """The files to read. Raises Usage where that is a terminal unasked, or nothing at all."""
    if not files and (sys.stdin is None or sys.stdin.isatty()):
        raise Usage("name a FILE, pipe something in, or say - to type it here")
    if files and STDIN in files and sys.stdin is None:
        raise Usage("-: standard input is closed")
    return files or [STDIN]


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """A file, or standard input. Raises Usage where it cannot be read."""
    if file == STDIN:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115  # an error while it is read is none of these
    except OSError as error:
        raise Usage(f"{file}: {error.strerror}") from None
    with stream:
        yield stream


def read_input(file: str | None) -> bytes:
    """All of a file, or of standard input. Raises Usage."""
    with opened(named([file] if file else None)[0]) as stream:
        return stream.read()


def texts(file: str, on_read: Callable[[int], None]) -> Iterator[str]:
    """A file's text in parts, as they come; bytes that are no UTF-8 as lone surrogates.

    Calls `on_read` with the number of bytes of each part. Raises Usage.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    with opened(file) as stream:
        # read1 waits for no more than there is: `tail -f` shows each line when it is written.
        while part := cast("_Readable", stream).read1(_PART_BYTES_MAX):
            on_read(len(part))
            yield decoder.decode(part)
    yield decoder.decode(b"", final=True)


def bytes_of(file: str) -> int | None:
    """How large it is, where that can be known before it is read."""
    try:
        status = os.fstat(sys.stdin.fileno()) if file == STDIN else Path(file).stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
