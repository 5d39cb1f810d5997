"""How far ``redact`` is, and what it has found: while it runs, and in the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Final, Self

import typer

from logweir.entrypoints.cli.inputs import STDIN, bytes_of
from logweir.entrypoints.cli.output import count

_REDRAW_SECONDS: Final = 0.2
_ERASE: Final = "\r\x1b[K"


class Tally:
    """What was read and found so far, in all files. On a terminal it is shown, and summed up.

    With ``summary`` it is summed up where there is no terminal, too.
    """

    def __init__(self, files: Sequence[str], summary: bool) -> None:
        self.lines = 0
        self.counts: dict[str, int] = {}
        self._bytes = 0
        self._shown = _is_wanted(files)
        sizes = [bytes_of(file) for file in files] if self._shown else []
        self._bytes_total = sum(size or 0 for size in sizes) if all(sizes) else 0
        self._summary = summary or sys.stderr.isatty()
        self._started = self._drawn = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._shown and self._drawn > self._started:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
        if self._summary and kind in {None, KeyboardInterrupt}:  # how one ends a `tail -f`
            typer.echo(self.summary(), err=True)

    def add(self, rule: str) -> None:
        """One thing found."""
        self.counts[rule] = self.counts.get(rule, 0) + 1

    def read(self, size: int) -> None:
        """So many bytes more were read."""
        self._bytes += size
        now = time.monotonic()
        if self._shown and now - self._drawn >= _REDRAW_SECONDS:
            self._drawn = now
            sys.stderr.write(_ERASE + self._progress(now - self._started))
            sys.stderr.flush()

    def summary(self) -> str:
        """3 redactions in 120 lines: email 2, ipv4 1."""
        total = sum(self.counts.values())
        within = f"in {count(self.lines, 'line')}"
        if not total:
            return f"Nothing to redact {within}."
        most_first = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        by_rule = ", ".join(f"{rule} {number:,}" for rule, number in most_first)
        return f"{count(total, 'redaction')} {within}: {by_rule}"

    def _progress(self, seconds: float) -> str:
        megabytes = self._bytes / 1e6
        words = [f"{megabytes:,.1f} MB", f"{megabytes / seconds:,.1f} MB/s"]
        if self._bytes_total:
            words.append(f"{min(1.0, self._bytes / self._bytes_total):.0%}")
        words.append(count(sum(self.counts.values()), "redaction"))
        return ", ".join(words)


def _is_wanted(files: Sequence[str]) -> bool:
    """Where a person looks, and neither types the text nor sees it come out there."""
    typed = STDIN in files and sys.stdin.isatty()
    return sys.stderr.isatty() and not sys.stdout.isatty() and not typed
