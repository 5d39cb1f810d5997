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

from logweir.redact.markers import MARKER
from logweir.redact.policy import Policy
from logweir.redact.redactor import RULES_VERSION, Redacted, Redactor, Span

__all__ = ["MARKER", "RULES_VERSION", "Policy", "Redacted", "Redactor", "Span", "find", "redact"]

_DEFAULT = Redactor()
find = _DEFAULT.find
redact = _DEFAULT.redact
