"""What commands print: columns and fields for people, one JSON value a line for programs."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from logweir.clock import timestamp

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one value a line.")]

_SAMPLE_ROWS: Final = 100  # by which the columns' widths are chosen
_GAP: Final = "  "
# C0 but tab and newline, DEL, C1, and what is invisible, changes the direction of text or breaks
# lines: a log's text must not drive the terminal that shows it, nor look like another.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f"
    "\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""The text with what could drive a terminal written as ``\x1b`` or ``\u202e``."""
    return _UNSAFE.sub(lambda match: _escaped(ord(match[0])), text)


def one_line(text: str, characters_max: int = 80) -> str:
    """The text's beginning, on one line."""
    line = printable(text[: characters_max + 1]).replace("\n", "\\n").replace("\t", " ")
    return line if len(line) <= characters_max else line[: characters_max - 1] + "…"


def as_json(record: object) -> Any:
    """A record by its own field names; times in RFC 3339."""
    if isinstance(record, datetime):
        return timestamp(record)
    if dataclasses.is_dataclass(record):
        return {f.name: as_json(getattr(record, f.name)) for f in dataclasses.fields(record)}
    if isinstance(record, Mapping):
        return {key: as_json(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [as_json(value) for value in record]
    return record


def print_json(value: object) -> None:
    """One line. ASCII alone, so that it can neither drive a terminal nor fail on an encoding."""
    print_line(json.dumps(as_json(value)).replace("\x7f", "\\u007f"))


def print_line(line: str = "") -> None:
    """A line on stdout; characters that its encoding lacks are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(line.encode(encoding, "backslashreplace").decode(encoding))


def style(text: str, **how: Any) -> str:
    """Colour, where a person looks: nowhere else, nor where NO_COLOR is set."""
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return typer.style(text, **how) if wanted else text


def print_fields(fields: Mapping[str, str]) -> None:
    """Names and values under each other."""
    width = max(map(len, fields))
    for name, value in fields.items():
        print_line(style(name.ljust(width), dim=True) + _GAP + printable(value))


def duration(seconds: float) -> str:
    """How long, in the two largest units."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    for unit, size, small, small_size in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} {seconds % size // small_size:.0f} {small}"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def count(number: int, noun: str) -> str:
    """1 chunk, 1,200 chunks."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class Columns:
    """A table that is printed while its rows come; the first rows say how wide the columns are.

    A title with a ``>`` before it stands over numbers, to the right. The last column is cut off at
    the terminal's edge.
    """

    def __init__(self, *titles: str) -> None:
        self._right = [title.startswith(">") for title in titles]
        self._titles = [title.removeprefix(">") for title in titles]
        self._rows: list[tuple[str, ...]] = []
        self._widths: list[int] = []

    def add(self, *cells: str) -> None:
        """Print a row, or keep it until the widths are known."""
        if self._widths:
            self._print(cells)
            return
        self._rows.append(cells)
        if len(self._rows) == _SAMPLE_ROWS:
            self.end()

    def end(self, if_empty: str = "") -> None:
        """Print what is kept. Without any row say so on stderr: stdout stays empty."""
        if self._widths:
            return
        if not self._rows:
            typer.echo(if_empty, err=True)
            return
        columns = zip(*([self._titles, *self._rows]), strict=True)
        self._widths = [max(map(len, cells)) for cells in columns]
        self._print(self._titles, bold=True)
        for cells in self._rows:
            self._print(cells)
        self._rows.clear()

    def _print(self, cells: tuple[str, ...] | list[str], **how: Any) -> None:
        sized = zip(cells, self._widths, self._right, strict=True)
        padded = [cell.rjust(w) if right else cell.ljust(w) for cell, w, right in sized]
        line = _GAP.join(padded).rstrip()
        if sys.stdout.isatty():
            line = line[: shutil.get_terminal_size().columns]
        print_line(style(line, **how) if how else line)


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
