r"""Redaction of a text that comes in parts, in bounded memory, each line as soon as it is there.

    feed ─▶ whole lines ─▶ is a private key open? ─▶ Piece ─▶ redactor
               │ no \n yet: waits        │ waits for its last line

The unit of redaction is the line, apart from private keys, which span lines. So a piece is some
whole lines, or all lines that a key touches, and redacting pieces is redacting the text: however
it was cut before it came here. Two things end that, for memory must end somewhere: a key of more
than 64 KiB is let go (the longest RSA keys in use take 13), and a line of more than 1 MiB is cut
where cutting changes nothing that is found around.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from logweir.redact.redactor import Redactor, Span
from logweir.redact.secrets import PEM_TAIL, PREFIXED_LAST, PREFIXED_LINE

LINE_CHARACTERS_MAX: Final = 1 << 20
KEY_CHARACTERS_MAX: Final = 1 << 16
_AROUND_CHARACTERS: Final = 1 << 17  # looked at to find a harmless cut
_CUTS_TRIED: Final = 8

_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# What may stand on a line between BEGIN and END: headers, Base64 in runs of 16 at least, and last a
# shorter one. Wider than the rule for private keys: a line that is held without need comes a little
# later, one let go too early comes out unredacted.
_MORE: Final = re.compile(
    r"(?:[\s\\rnt]*+(?:Proc-Type|DEK-Info|Version|Comment): [^\n]*+\n?"
    r"|(?:(?:\s|\\{1,4}[rnt])*+[A-Za-z0-9+/=]{16,}+)*+"
    r"(?:\s|\\{1,4}[rnt])*+(?P<short>[A-Za-z0-9+/=]{1,15}+)?+(?:\s|\\{1,4}[rnt])*+)\Z"
)
# The same where a logger has put something around each line: behind BEGIN, and a line after it.
_TAIL: Final = re.compile(rf"{PEM_TAIL}\r?\n?\Z")
_PREFIXED: Final = re.compile(rf"{PREFIXED_LINE}\r?\n?\Z")
_PREFIXED_LAST: Final = re.compile(rf"{PREFIXED_LAST}\r?\n?\Z")
_SEPARATOR: Final = re.compile(r"[\s,;&]")


class Piece(NamedTuple):
    """A part of the text that is redacted as if it stood alone, and the place where it begins."""

    text: str
    start: int  # code points before it
    line: int  # from 1
    column: int  # from 1; more only where a long line was cut


class Pieces:
    """Cuts a text into pieces. They hold all of it, in order, and none is empty."""

    def __init__(
        self,
        find: Callable[[str], list[Span]],
        line_characters_max: int = LINE_CHARACTERS_MAX,
        key_characters_max: int = KEY_CHARACTERS_MAX,
    ) -> None:
        self._find = find
        self._line_max = line_characters_max
        self._key_max = key_characters_max
        self._line: list[str] = []  # the beginning of a line whose end has not come
        self._line_length = 0
        self._key: list[str] = []  # the lines that an open key touches
        self._key_length = 0
        self._has_last = False  # the key's short run, behind which only blank lines may come
        self._has_prefix = False  # a line of the key had something around it
        self._start, self._number, self._column = 0, 1, 1
        self._lines_before = 0  # in the texts that have ended

    @property
    def lines(self) -> int:
        """How many lines have gone out, the last perhaps without its end."""
        return self._lines_before + self._number - (self._column == 1)

    def all(self, texts: Iterable[str]) -> Iterator[Piece]:
        """The pieces of one text that comes in these parts."""
        for text in texts:
            yield from self.feed(text)
        yield from self.flush()

    def feed(self, text: str) -> Iterator[Piece]:
        """What is whole with this text."""
        if end := text.rfind("\n") + 1:
            lines = "".join([*self._line, text[:end]])
            self._line.clear()
            self._line_length = 0
            yield from self._whole(lines)
        if end < len(text):
            self._line.append(text[end:])
            self._line_length += len(text) - end
        if self._line_length > self._line_max:
            yield from self._cut()

    def flush(self) -> Iterator[Piece]:
        """The rest. The text ends here; what is fed from now on is another, with its own places."""
        if rest := self._held():
            yield self._piece(rest)
        self._lines_before = self.lines
        self._start, self._number, self._column = 0, 1, 1

    def _whole(self, lines: str) -> Iterator[Piece]:
        done = 0
        while done < len(lines):
            if not self._key:
                begin = _BEGIN.search(lines, done)
                start = lines.rfind("\n", done, begin.start()) + 1 if begin else len(lines)
                if start > done:
                    yield self._piece(lines[done:start])
                    done = start
                if not begin:
                    return
            end = lines.index("\n", done) + 1
            yield from self._key_line(lines[done:end])
            done = end

    def _key_line(self, line: str) -> Iterator[Piece]:
        """A line with a BEGIN, or one behind it."""
        is_open = bool(self._key) and self._goes_on(line, 0)
        if not is_open:
            self._has_last = self._has_prefix = False
            is_open = any(self._goes_on(line, begin.end()) for begin in _BEGIN.finditer(line))
        self._key.append(line)
        self._key_length += len(line)
        if not is_open or self._key_length > self._key_max:
            yield self._piece(self._held())

    def _goes_on(self, line: str, place: int) -> bool:
        """Whether a key that has come to this place may go on behind the line."""
        more = _MORE.match(line, place)
        is_last = bool(more and more["short"])
        if not more and place:
            more = _TAIL.match(line, place)
        elif not more and (more := _PREFIXED.match(line)):
            self._has_prefix = True
        elif not more and self._has_prefix:
            is_last = bool(more := _PREFIXED_LAST.match(line))
        if not more or (self._has_last and not line.isspace()):
            return False
        self._has_last = self._has_last or is_last
        return True

    def _held(self) -> str:
        held = "".join(self._key + self._line)
        self._key.clear()
        self._line.clear()
        self._key_length = self._line_length = 0
        return held

    def _cut(self) -> Iterator[Piece]:
        """The front of a line that is too long. The key it may belong to is no key any more."""
        line = self._held()
        while len(line) > self._line_max:
            place = self._harmless_cut(line)
            yield self._piece(line[:place])
            line = line[place:]
        self._line = [line]
        self._line_length = len(line)

    def _harmless_cut(self, line: str) -> int:
        """A place behind which the rest can stand alone, or the limit where there is none."""
        size = min(_AROUND_CHARACTERS, self._line_max // 2)
        first = self._line_max - size
        around = line[first : self._line_max]
        found = self._find(around)
        for eighth in range(_CUTS_TRIED // 2, _CUTS_TRIED * 3 // 2):  # from the middle on
            place = size * (eighth % _CUTS_TRIED) // _CUTS_TRIED
            if separator := _SEPARATOR.search(around, place):
                place = separator.end()
            behind = [shifted(span, place) for span in self._find(around[place:])]
            if place and self._find(around[:place]) + behind == found:
                return first + place
        return self._line_max

    def _piece(self, text: str) -> Piece:
        piece = Piece(text, self._start, self._number, self._column)
        self._start += len(text)
        if newlines := text.count("\n"):
            self._number += newlines
            self._column = len(text) - text.rfind("\n")
        else:
            self._column += len(text)
        return piece


class Stream:
    """Redacts a text that comes in parts: ``feed`` each, then ``flush``; or ``all`` at once."""

    def __init__(self, redactor: Redactor) -> None:
        self.counts: dict[str, int] = {}  # how many each rule took so far
        self._redactor = redactor
        self._pieces = Pieces(redactor.find)

    @property
    def lines(self) -> int:
        """How many lines have gone out, the last perhaps without its end."""
        return self._pieces.lines

    def all(self, texts: Iterable[str]) -> Iterator[str]:
        """What comes out of one text that comes in these parts, without what is empty."""
        for text in texts:
            if redacted := self.feed(text):
                yield redacted
        if rest := self.flush():
            yield rest

    def feed(self, text: str) -> str:
        """What can be said so far: whole lines, but none of a private key that is still open."""
        return "".join(map(self._redacted, self._pieces.feed(text)))

    def flush(self) -> str:
        """The rest. The text ends here; what is fed from now on is another."""
        return "".join(map(self._redacted, self._pieces.flush()))

    def _redacted(self, piece: Piece) -> str:
        text, counts = self._redactor.redact(piece.text)
        for rule, count in counts.items():
            self.counts[rule] = self.counts.get(rule, 0) + count
        return text


def shifted(span: Span, by: int) -> Span:
    """The span in a text that has so many characters more in front."""
    return span._replace(start=span.start + by, end=span.end + by)
