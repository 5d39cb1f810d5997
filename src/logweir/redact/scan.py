"""Runs the table over a text, in time linear in its length.

    for each row: gate ─▶ places ─▶ pattern ─▶ guard ─▶ cut out ─▶ next row

A gate is a test for a few literals, at the speed of memchr; most rows end there. A place is looked
at once: after a match that is taken, or refused but long, the search goes on at its end. A short
match that is refused may hide another that begins inside it, so there it goes on one further.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from logweir.redact.rule import Range, Rule
from logweir.redact.rules import RULES

Hit = tuple[int, int, Rule]
_Seek = Callable[[str, int], re.Match[str] | None]

_SHORT = 32  # a refused match of so many characters is searched again

# Stands in for what is cut out. As the first character of the marker it ends every run that the
# marker would end, so a second redaction sees what the rows below saw in the first.
_CUT = "["


def scan(text: str) -> list[Hit]:
    """What the table finds, in order, without overlaps."""
    # A capital dotted I is the one character that grows in lower case and would shift all places.
    low = text.lower() if text.isascii() else text.replace("\u0130", "I").lower()
    rest = text
    hits: list[Hit] = []
    for rule in RULES:
        for literal in rule.gate:
            if literal in low:
                break
        else:
            continue
        if found := _found(rule, rest, low):
            rest = _cut_out(rest, found)
            hits += [(start, end, rule) for start, end in found]
    return _merged(hits) if len(hits) > 1 else hits


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


@cache
def _compiled_before(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})\Z", re.ASCII)  # it ends where the place begins


def _found(rule: Rule, text: str, low: str) -> list[Range]:
    pattern = _compiled(rule.pattern)
    if not rule.anchored:
        return _taken(rule, text, pattern.search)
    ranges: list[Range] = []
    for literal in rule.gate:

        def at_literal(text: str, place: int, literal: str = literal) -> re.Match[str] | None:
            while (place := low.find(literal, place)) >= 0:
                if match := pattern.match(text, place):
                    return match
                place += 1
            return None

        ranges += _taken(rule, text, at_literal)
    return _joined(ranges) if len(ranges) > 1 else ranges


def _taken(rule: Rule, text: str, seek: _Seek) -> list[Range]:
    ranges: list[Range] = []
    position = 0
    while match := seek(text, position):
        taken = _judged(rule, text, match, position)
        start, end = match.span()
        if taken:
            ranges.append(taken)
            position = max(taken[1], start + 1)
        else:
            position = start + 1 if end - start <= _SHORT else end
    return ranges


def _judged(rule: Rule, text: str, match: re.Match[str], done: int) -> Range | None:
    place = match.start()
    if not rule.reach:
        return rule.guard(text, place, match)
    before = _compiled_before(rule.before)
    start = max(done, place - rule.reach)
    while front := before.search(text, start, place):
        start = front.start()
        if taken := rule.guard(text, start, match):
            return taken
        start += 1
    return None


def _cut_out(text: str, ranges: list[Range]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in ranges:
        pieces += text[done:start], _CUT * (end - start)
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


def _merged(hits: list[Hit]) -> list[Hit]:
    """In order; of spans that overlap, one: the union, named by the one that begins first."""
    hits.sort(key=lambda hit: (hit[0], -hit[1]))
    merged: list[Hit] = []
    for hit in hits:
        if merged and hit[0] < merged[-1][1]:
            start, end, rule = merged[-1]
            merged[-1] = start, max(end, hit[1]), rule
        else:
            merged.append(hit)
    return merged
