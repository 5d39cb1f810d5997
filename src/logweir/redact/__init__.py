"""Redaction: text -> spans -> redacted text. Pure functions; standard library only.

    rules.py        the table: what is found, by which pattern, and what it must leave
    rule.py         a row of the table
    assigned.py     guards: key = value
    assignment.py   where the value of that is; placeholders.py: what stands for none
    secrets.py      guards: tokens, JWT, Authorization, private keys
    emails.py, addresses.py, phones.py, accounts.py     guards: what the names say
    neighbours.py   what touches a candidate, and the word before it
    patterns.py     compiles each pattern when a text first needs it
    light.py        names of `typing` for modules that start a process

    redactor.py     text -> spans -> redacted text, under one policy
    gates.py        which rules a text can match at all: by words and literals
    prefilter.py    the same by hyperscan, and superset.py what it looks for: the extra ``fast``
    scan.py         runs these rules over the text, in time linear in its length
    windows.py      a search in short steps, so that others have their turn
    stream.py       a text that comes in parts
    markers.py      what stands where something was taken out

    policy.py       what an operator may set; policies.py: by tenant
    policy_file.py  the file of it; policy_table.py: a table of that, read strictly
    own_rule.py     a rule of an operator's own; subset/: what its pattern must keep to

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
