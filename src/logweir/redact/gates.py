"""Which rules a text can match at all, told by literals in views of it that are quick to search.

    text    User 555-0199 from DE89370400440532013000, token=aB1
    shape   user 000-0000 from de00000000000000000000, token=ab0     a gate is written for this one,
    cased   Aaaa 000-0000 aaaa AA00000000000000000000, aaaaa=aA0     or for this: AA00
    words   serserfrmdetkenb                                         letters but a, i, o and u

or, with other letters in upper case or other digits, for the text itself: AKIA. A view may let by
what its literal does not stand for: then the rule finds nothing. Each literal is looked for in the
shortest view that tells, and where several share a part that lines often lack, only where that
stands. What costs is the interpreter's way from one search to the next. So a table's gates are
written out as a function, which takes a third of what a loop over them does:

    if 'k' in words:
        if 'tken' in words: mask |= 8
        if 'key' in words: mask |= 16
    if '+0' in cased:
        if sketch_25.search(cased): mask |= 33554432
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from logweir.redact.patterns import compiled
from logweir.redact.rule import Rule

_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()
_SHAPE = bytes.maketrans(_UPPER + b"0123456789", _LOWER + b"0" * 10)
_CASED = bytes.maketrans(_UPPER + _LOWER + b"0123456789", b"A" * 26 + b"a" * 26 + b"0" * 10)
_WITHOUT_LETTERS = str.maketrans("", "", (_UPPER + _LOWER).decode())
_NO_WORDS = bytes(set(range(256)) - set(b"bcdefghjklmnpqrstvwxyzBCDEFGHJKLMNPQRSTVWXYZ"))

# A literal belongs to the first of these that it holds. The order is by what it saved on the lines
# of tests.redaction; a single character is found eight times as fast as two are.
_FAMILIES = {
    "words": ("gl", "mb", "gh", "k", "x", "sc", "w", "y", "z", "ss", "b"),
    "text": (),
    "cased": ("@", "%", "+", "0-000", "0 000", "."),
}
_MANY = 8  # of more literals than these, the sketch is asked first
_SIGNS = frozenset("@#%+=/&$")  # few lines have them
_FUNCTION = """\
def possible(text):
    data = text.encode("ascii", "replace")
    words = data.translate(shape, no_words).decode("ascii")
    cased = data.translate(cased_letters).decode("ascii")
    mask = {always}
    {checks}
    return mask
"""

View = Callable[[str], str]


def shape_of(text: str) -> str:
    """The text's shape: ASCII, and as many characters as the text has code points."""
    return text.encode("ascii", "replace").translate(_SHAPE).decode("ascii")


def cased_of(text: str) -> str:
    """The same with A for any letter in upper case, and a for the others."""
    return text.encode("ascii", "replace").translate(_CASED).decode("ascii")


def view_for(literal: str, *, shaped: bool) -> View:
    """The view of a text that a gate's literal is written for; ``shaped`` as the rule says."""
    if shaped or literal.translate(_WITHOUT_LETTERS) == literal == shape_of(literal):
        return shape_of
    return cased_of if literal == cased_of(literal) else str


def possible_of(rules: Sequence[Rule]) -> Callable[[str], int]:
    """What gives a mask of the rules that a text can match: bit n stands for rule n."""
    always = 0
    masks: dict[str, dict[str, dict[str, int]]] = {view: {} for view in _FAMILIES}
    checks: list[str] = []
    names: dict[str, Any] = {"shape": _SHAPE, "no_words": _NO_WORDS, "cased_letters": _CASED}
    for number, rule in enumerate(rules):
        bit = 1 << number
        seen = {_seen_as(literal, shaped=rule.is_shaped) for literal in rule.gate}
        names[f"sketch_{number}"] = compiled(rule.sketch)
        sketched = f"sketch_{number}.search(cased)"
        if any(not view for view, _, _ in seen):
            always |= bit
        elif rule.sketch and len(seen) > _MANY:
            stands = " or ".join(f"{text!r} in {view}{told}" for view, text, told in sorted(seen))
            checks.append(f"if {sketched} and ({stands}): mask |= {bit}")
        else:
            for view, text, told in seen:
                further = f"{told} and {sketched}" if rule.sketch else told
                bits = masks[view].setdefault(text, {})
                bits[further] = bits.get(further, 0) | bit
    checks += [line for view in _FAMILIES for line in _checks(view, masks[view])]
    function = _FUNCTION.format(always=always, checks="\n    ".join(checks))
    exec(function, names)  # noqa: S102  # of literals by their repr, and of names of our own
    possible: Callable[[str], int] = names["possible"]
    return possible


def _seen_as(literal: str, *, shaped: bool) -> tuple[str, str, str]:
    """The view in which it is looked for, how it reads there, and what to ask besides.

    The view is "" where none tells.
    """
    view = view_for(literal, shaped=shaped)
    words = literal.encode().translate(_SHAPE, _NO_WORDS).decode()
    if len(words) > 1 and view is shape_of:
        sign = next(filter(_SIGNS.__contains__, literal), "")
        return "words", words, f" and {sign!r} in cased" if sign else ""
    if words and view is str:
        return "words", words, f" and {literal!r} in text"
    if view is str and literal:
        return "text", literal, ""
    if literal and not any(map(str.islower, literal)):
        return "cased", literal, ""
    return "", "", ""


def _checks(view: str, masks: dict[str, dict[str, int]]) -> Iterator[str]:
    """The function's lines: for each literal, what else must be, and the mask that it gives."""
    families: dict[str, list[str]] = {}
    for literal in masks:
        shared = next((part for part in _FAMILIES[view] if part in literal.lower()), literal)
        families.setdefault(shared, []).append(literal)
    for shared, members in families.items():
        lines = [
            f"if {literal!r} in {view}{further}: mask |= {mask}"
            for literal in members
            for further, mask in masks[literal].items()
        ]
        if len(lines) == 1:
            yield lines[0]
        else:
            yield f"if {shared!r} in {view}:"
            yield from (f"    {line}" for line in lines)
