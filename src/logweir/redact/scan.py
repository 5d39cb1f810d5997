"""Runs rows of the table over a text.

    for each row that the gates let by: places ─▶ pattern ─▶ guard ─▶ cut out ─▶ next row

A place is looked at once, so time grows as the text does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

from logweir.redact.gates import View, shape_of, view_for
from logweir.redact.neighbours import CUT
from logweir.redact.patterns import compiled
from logweir.redact.rule import Range, Rule
from logweir.redact.windows import WINDOW_CHARACTERS
from logweir.redact.windows import search as search_in_windows

if TYPE_CHECKING:
    import re

Hit = tuple[int, int, Rule]
Finder = Callable[[str, str], list[Range]]
Judge = Callable[[str, "re.Match[str]", int], Range | None]

_SEEN_MAX = 4096
_SHORT = 32  # a refused match of so many characters is searched again


class Row:
    """A rule of the table, which is made ready to find when a text first needs it."""

    __slots__ = ("find", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.find: Finder = self._find_first

    def _find_first(self, text: str, shape: str) -> list[Range]:
        judged = _judge(self.rule)
        self.find = (_anchored if self.rule.anchored else _searched)(self.rule, judged)
        return self.find(text, shape)


class Table:
    """The rows by a mask: bit n stands for rule n."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rows = tuple(map(Row, rules))
        self._seen: dict[int, tuple[Row, ...]] = {0: ()}

    def of(self, mask: int) -> tuple[Row, ...]:
        """The rows of this mask, in the table's order."""
        rows = self._seen.get(mask)
        if rows is None:
            rows = tuple(row for n, row in enumerate(self._rows) if mask >> n & 1)
            if len(self._seen) < _SEEN_MAX:  # real logs need some hundreds; a hostile one, no more
                self._seen[mask] = rows
        return rows


def scan(text: str, shape: str, rows: Sequence[Row]) -> list[Hit]:
    """What these rows find, in the text's order, without overlaps."""
    hits: list[Hit] = []
    for row in rows:
        if found := row.find(text, shape):
            rule = row.rule
            hits += [(start, end, rule) for start, end in found]
            if row is not rows[-1]:
                text = cut_out(text, found)
    return merged(hits) if len(hits) > 1 else hits


def _anchored(rule: Rule, judged: Judge) -> Finder:
    match_at = compiled(rule.pattern).match
    literals = [
        (literal, view_for(literal, shaped=rule.is_shaped)) for literal in rule.gate
    ]

    def found(text: str, shape: str) -> list[Range]:
        ranges: list[Range] = []
        done = floor = 0
        for place in _places(literals, text, shape):
            if place >= done and (match := match_at(text, place)):
                taken = judged(text, match, floor)
                if taken:
                    ranges.append(taken)
                    floor = taken[1]
                done = _next(match, taken)
        return ranges if len(ranges) < 2 else _joined(ranges)

    return found


def _places(literals: Sequence[tuple[str, View]], text: str, shape: str) -> list[int]:
    """Where any of them stands, in order; but none inside a number, for there no number begins."""
    places: list[int] = []
    for literal, view_of in literals:
        view = shape if view_of is shape_of else view_of(text)
        place = view.find(literal)
        if place < 0:
            continue
        number = literal[0] == "0"
        step = len(literal) if literal.isdecimal() else 1
        while place >= 0:
            if not number or view[place - 1 : place] != "0":
                places.append(place)
            place = view.find(literal, place + step)
    if len(places) > 1:
        places.sort()
    return places


def _searched(rule: Rule, judged: Judge) -> Finder:
    pattern = compiled(rule.pattern)

    def found(text: str, _shape: str) -> list[Range]:
        search = pattern.search
        if len(text) > WINDOW_CHARACTERS:
            search = partial(search_in_windows, pattern)
        ranges: list[Range] = []
        done = floor = 0
        while match := search(text, done):
            taken = judged(text, match, floor)
            if taken:
                ranges.append(taken)
                floor = taken[1]
            done = _next(match, taken)
        return ranges if len(ranges) < 2 else _joined(ranges)

    return found


def _next(match: re.Match[str], taken: Range | None) -> int:
    """Where to go on: a short match that is refused may hide another that begins inside it."""
    start, end = match.span()
    if taken:
        return max(taken[1], start + 1)
    return start + 1 if end - start <= _SHORT else end


def _judge(rule: Rule) -> Judge:
    """(text, the match, the end of what was taken last) -> what goes, or None."""
    guard, reach = rule.guard, rule.reach
    if not reach:
        return lambda text, match, _floor: guard(text, match.start(), match)
    before = compiled(rf"(?:{rule.before})\Z")  # it ends where the place begins

    def judged(text: str, match: re.Match[str], floor: int) -> Range | None:
        place = match.start()
        start = max(floor, place - reach)
        while front := before.search(text, start, place):
            start = front.start()
            if taken := guard(text, start, match):
                return taken
            start += 1
        return None

    return judged


def cut_out(text: str, ranges: Iterable[Range]) -> str:
    """The text with these ranges blotted out, character for character."""
    pieces: list[str] = []
    done = 0
    for start, end in ranges:
        pieces += text[done:start], CUT * (end - start)
        done = end
    pieces.append(text[done:])
    return "".join(pieces)


def _joined(ranges: list[Range]) -> list[Range]:
    ranges.sort()
    joined: list[Range] = []
    for start, end in ranges:
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def merged(hits: list[Hit]) -> list[Hit]:
    """In order; of spans that overlap, one: the union, named by the one that begins first."""
    hits.sort(key=itemgetter(0))  # stable: of two that begin together, the row above comes first
    whole: list[Hit] = []
    for hit in hits:
        if whole and hit[0] < whole[-1][1]:
            start, end, rule = whole[-1]
            whole[-1] = start, max(end, hit[1]), rule
        else:
            whole.append(hit)
    return whole
