"""What ``redact`` found, match by match or line by line, while it comes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from logweir.entrypoints.cli.output import one_line, print_json, print_line, printable, style

if TYPE_CHECKING:
    from logweir.redact import Span
    from logweir.redact.stream import Piece

_MATCH_CHARACTERS_MAX: Final = 60
_COLUMNS: Final = 100  # where no terminal says how wide it is
_CONTEXT: Final = 1000  # code points kept before and after a match: a line may have a million
_INDENT: Final = "    "


class Match(NamedTuple):
    """A span with its place, and the line it stands in."""

    file: str
    line: int  # from 1
    column: int  # from 1, in code points
    span: Span  # in the whole file
    before: str  # in its line, as far as anyone will look
    text: str
    after: str

    def as_dict(self) -> dict[str, Any]:
        """All but what was found."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "start": self.span.start,
            "end": self.span.end,
            "rule": self.span.rule,
            "reason": self.span.reason,
        }


def matches(file: str, piece: Piece, spans: Sequence[Span]) -> Iterator[Match]:
    """The spans of a piece as matches in its file."""
    from logweir.redact.stream import shifted

    text, line, first, done = piece.text, piece.line, 0, 0
    for span in spans:
        if newlines := text.count("\n", done, span.start):
            line += newlines
            first = text.rfind("\n", done, span.start) + 1
        done = span.start
        behind = text[span.end : span.end + _CONTEXT]
        yield Match(
            file,
            line,
            span.start - first + (1 if first else piece.column),
            shifted(span, piece.start),
            text[max(first, span.start - _CONTEXT) : span.start],
            text[span.start : span.end],
            behind.partition("\n")[0],
        )


def print_matches(found: Iterable[Match], *, json: bool, shown: bool) -> None:
    """Print where each is, as compilers do, and which rule it is; what it is only if ``shown``."""
    for match in found:
        if json:
            secret = {"match": readable(match.text)} if shown else {}
            print_json(match.as_dict() | secret)
            continue
        place = style(printable(f"{match.file}:{match.line}:{match.column}"), bold=True)
        print_line(f"{place}: {match.span.rule}: {match.span.reason}")
        if shown:
            columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _COLUMNS
            print_line(_INDENT + excerpt(match, columns - len(_INDENT)))


def excerpt(match: Match, room: int) -> str:
    """The match in its line, coloured or between «»: so many characters, at most a few more."""
    shown = one_line(readable(match.text), _MATCH_CHARACTERS_MAX)
    coloured = style(shown, fg="red", bold=True)
    if coloured == shown:
        coloured = f"«{shown}»"
    around = max(0, room - len(shown) - 2)
    before = one_line(readable(match.before[-around:]), sys.maxsize) if around else ""
    room_after = max(1, around // 2, around - len(before))
    after = one_line(readable(match.after[: room_after + 1]).rstrip("\r"), room_after)
    kept = max(1, around - len(after))
    if len(before) > kept:
        before = "…" + before[len(before) - kept + 1 :]
    return before + coloured + after


def redacted_lines(piece: Piece, spans: Sequence[Span], redacted: str) -> Iterator[dict[str, Any]]:
    """Each line of a redacted piece without its end, and the counts; a key's lines are one."""
    text, number, done, first = piece.text, piece.line, 0, 0
    # Markers have no line ends, so each line here is one there, but those of a key.
    for line in redacted.removesuffix("\n").split("\n"):
        end = _line_end(text, done)
        counts: dict[str, int] = {}
        while first < len(spans) and spans[first].start < end:
            rule = spans[first].rule
            counts[rule] = counts.get(rule, 0) + 1
            end = _line_end(text, spans[first].end - 1)
            first += 1
        yield {"line": number, "text": readable(line.removesuffix("\r")), "redactions": counts}
        number += text.count("\n", done, end)
        done = end


def readable(text: str) -> str:
    """The text with U+FFFD for each byte that was no UTF-8: JSON cannot carry these."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _line_end(text: str, place: int) -> int:
    return text.find("\n", place) + 1 or len(text)
