"""Redaction: text -> spans -> redacted text. Pure functions; standard library only.

    rules.py        the table: what is found, by which pattern, and what it must leave
    rule.py         a row of the table
    scan.py         runs the table over a text, in time linear in its length
    neighbours.py   what touches a candidate, and the word before it
    addresses.py    guards: IPv4, IPv6, e-mail
    numbers.py      guards: phones, cards, SSN
    secrets.py      guards: key = value, tokens, Authorization

Offsets are code points. The spans are in order and never overlap: a row of the table sees the text
with what the rows above it found already cut out, so the order of the rows is precedence. Where a
row's span takes in an earlier one's (a quoted secret with a URL in it), both become one, under the
name of the one that begins first. Redacting twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from logweir.redact.neighbours import MARKER
from logweir.redact.scan import scan

__all__ = ["MARKER", "RULES_VERSION", "Redacted", "Span", "find", "redact"]

RULES_VERSION = "1"  # goes into every document: change it whenever a rule takes more or less


@dataclass(frozen=True, slots=True)
class Span:
    """One thing found: ``text[start:end]``, the rule's name, and what that rule finds, in words."""

    start: int
    end: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without its secrets, and how many each rule took, of the rules that took any."""

    text: str
    counts: dict[str, int]


def find(text: str) -> list[Span]:
    """What would be redacted, in order, without overlaps."""
    return [Span(start, end, rule.name, rule.finds) for start, end, rule in scan(text)]


def redact(text: str) -> Redacted:
    """The text with each span replaced by the marker."""
    pieces: list[str] = []
    counts: dict[str, int] = {}
    done = 0
    for start, end, rule in scan(text):
        pieces.append(text[done:start])
        counts[rule.name] = counts.get(rule.name, 0) + 1
        done = end
    pieces.append(text[done:])
    return Redacted(MARKER.join(pieces), counts)
