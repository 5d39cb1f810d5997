"""Runs rows of the table over a text.

    for each row that the gates let by: places ─▶ pattern ─▶ guard ─▶ cut out ─▶ next row

A place is looked at once, so time grows as the text does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter

from logweir.redact.gates import shape_of, view_for
from logweir.redact.light import TYPE_CHECKING
from logweir.redact.neighbours import CUT
from logweir.redact.patterns import compiled
from logweir.redact.rule import Range, Rule
from logweir.redact.windows import WINDOW_CHARACTERS
from logweir.redact.windows import search as search_in_windows

if TYPE_CHECKING:
    import re

Hit = tuple[int, int, Rule]
Ranges = Sequence[Range]
Finder = Callable[[str, str, "Ranges | None"], list[Range]]
Places = Callable[[str, str, int, int | None], list[int]]
Judge = Callable[[str, int, "re.Match[str]", int], Range | None]

_SEEN_MAX = 4096
_SHORT = 32  # a refused match of so many characters is searched again


class Row:
    """A rule of the table, which is made ready to find when a text first needs it."""

    __slots__ = ("find", "number", "rule")

    def __init__(self, number: int, rule: Rule) -> None:
        self.number = number
        self.rule = rule
        self.find: Finder = self._find_first

    def _find_first(self, text: str, shape: str, within: Ranges | None) -> list[Range]:
        self.find = (_anchored if self.rule.anchored else _searched)(self.rule)
        return self.find(text, shape, within)


class Rows:
    """Rows of the table, in its order."""

    __slots__ = ("_needs_shape", "_rows")

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._needs_shape = any(_needs_shape(row.rule) for row in rows)

    def hits_in(self, text: str, within: Mapping[int, Ranges] | None = None) -> list[Hit]:
        """What they find, in the text's order, without overlaps.

        ``within`` has for the number of each row the ranges in which its matches can begin.
        """
        shape = shape_of(text) if self._needs_shape else ""
        hits: list[Hit] = []
        cut = text
        found: list[Range] = []
        for row in self._rows:
            if found:  # by the row above
                cut = cut_out(cut, found)
            found = row.find(cut, shape, within[row.number] if within else None)
            if found:
                rule = row.rule
                for start, end in found:
                    hits.append((start, end, rule))
        return merged(hits) if len(hits) > 1 else hits


class Table:
    """The rows by a mask: bit n stands for rule n."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rows = tuple(Row(number, rule) for number, rule in enumerate(rules))
        self._seen: dict[int, Rows] = {}

    def of(self, mask: int) -> Rows:
        """The rows of this mask."""
        rows = self._seen.get(mask)
        if rows is None:
            rows = Rows([row for row in self._rows if mask >> row.number & 1])
            if len(self._seen) < _SEEN_MAX:  # real logs need some hundreds; a hostile one, no more
                self._seen[mask] = rows
        return rows


def _needs_shape(rule: Rule) -> bool:
    return rule.anchored and any(
        literal[0] == "0" or view_for(literal, shaped=rule.is_shaped) is shape_of
        for literal in rule.gate
    )


def _anchored(rule: Rule) -> Finder:
    match_at = compiled(rule.pattern).match
    guard, judged = rule.guard, _judge(rule)
    places_in = _places(rule)

    def found(text: str, shape: str, within: Ranges | None) -> list[Range]:
        ranges: list[Range] = []
        done = floor = 0
        if within is None:
            places = places_in(text, shape, 0, None)
        else:
            places = [place for each in within for place in places_in(text, shape, *each)]
        for place in places:
            if place >= done and (match := match_at(text, place)):
                taken = judged(text, place, match, floor) if judged else guard(text, place, match)
                if taken:
                    ranges.append(taken)
                    floor = taken[1]
                done = _next(match, taken)
        return ranges if len(ranges) < 2 else _joined(ranges)

    return found


def _places(rule: Rule) -> Places:
    """Where a literal of the gate stands, in order; none inside a number: none begins there.

    (text, its shape, first, end) -> those that begin from the first place on, and before the end
    if there is one.
    """
    literals = [
        (literal, view_for(literal, shaped=rule.is_shaped), _step(literal), len(literal) - 1)
        for literal in rule.gate
    ]
    several = len(literals) > 1

    def places(text: str, shape: str, first: int, end: int | None) -> list[int]:
        found: list[int] = []
        for literal, view_of, step, beyond in literals:
            view = shape if view_of is shape_of else text if view_of is str else view_of(text)
            last = end and end + beyond
            place = view.find(literal, first, last)
            while place >= 0:
                found.append(place)
                place = view.find(literal, place + step, last)
        if several:
            found.sort()
        return found

    def places_of_numbers(text: str, shape: str, first: int, end: int | None) -> list[int]:
        found: list[int] = []
        for place in places(text, shape, first, end):
            before = shape[place - 1] if place and shape[place] == "0" else ""
            if before != "0" or shape[place - 3 : place - 2] == "%":
                found.append(place)
            if before == "%":  # %40 is no part of a number
                found.append(place + 2)
        return found

    return places_of_numbers if any(literal[0] == "0" for literal in rule.gate) else places


def _step(literal: str) -> int:
    return len(literal) if literal.isdecimal() else 1


def _searched(rule: Rule) -> Finder:
    pattern = compiled(rule.pattern)
    guard, judged = rule.guard, _judge(rule)

    def found(text: str, _shape: str, _within: Ranges | None) -> list[Range]:
        search = pattern.search
        if len(text) > WINDOW_CHARACTERS:
            search = partial(search_in_windows, pattern)
        ranges: list[Range] = []
        done = floor = 0
        while match := search(text, done):
            place = match.start()
            taken = judged(text, place, match, floor) if judged else guard(text, place, match)
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
        return taken[1] if taken[1] > start else start + 1
    return start + 1 if end - start <= _SHORT else end


def _judge(rule: Rule) -> Judge | None:
    """(text, the place, the match, the end of what was taken last) -> what goes, or None.

    None for a rule that says nothing of what is in front: its guard is asked.
    """
    guard, reach = rule.guard, rule.reach
    if not reach:
        return None
    before = compiled(rf"(?:{rule.before})\Z").search  # it ends where the place begins

    def judged(text: str, place: int, match: re.Match[str], floor: int) -> Range | None:
        start = place - reach
        if start < floor:
            start = floor
        while front := before(text, start, place):
            start = front.start()
            if taken := guard(text, start, match):
                return taken
            start += 1
        return None

    return judged


def cut_out(text: str, ranges: Sequence[Range]) -> str:
    """The text with these ranges blotted out, character for character."""
    if len(ranges) == 1:
        ((start, end),) = ranges
        return f"{text[:start]}{CUT * (end - start)}{text[end:]}"
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
