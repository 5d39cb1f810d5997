"""Which rules a text can match at all: told by literals, in views of the text that are quick to search.

    text    User 555-0199 from DE89370400440532013000, token=aB1
    shape   user 000-0000 from de00000000000000000000, token=ab0     a gate is written for this one,
    cased   Aaaa 000-0000 aaaa AA00000000000000000000, aaaaa=aA0     or for this: AA00
    words   serserfrmdetkenb                                         letters but a, i, o and u

or, with other letters in upper case or other digits, for the text itself: AKIA. A view may let by
what its literal does not stand for: then the rule finds nothing. Searching is the cost, so each
literal is looked for in the shortest view that tells, and where several share a part that lines
often lack, only where that stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from logweir.redact.rule import Rule

_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()
_SHAPE = bytes.maketrans(_UPPER + b"0123456789", _LOWER + b"0" * 10)
_CASED = bytes.maketrans(_UPPER + _LOWER + b"0123456789", b"A" * 26 + b"a" * 26 + b"0" * 10)
_NO_WORDS = bytes(set(range(256)) - set(b"bcdefghjklmnpqrstvwxyzBCDEFGHJKLMNPQRSTVWXYZ"))

# A literal belongs to the first of these that it holds. The order is by what it saved on the lines of
# tests.redaction.
_FAMILIES_OF_WORDS = ("gl", "mb", "gh", "k", "x", "sc", "w", "y", "z", "ss", "b")
_FAMILIES_OF_EXACT = ("z", "k", "y", "")  # these are looked for among the words
_FAMILIES_OF_SIGNS = ("%", "0-000", "0 000", ".000.", "/", "AA", ".")

View = Callable[[str], str]
Family = tuple[str, tuple[tuple[str, int], ...]]


def shape_of(text: str) -> str:
    """The text's shape: ASCII, and as many characters as the text has code points."""
    return text.encode("ascii", "replace").translate(_SHAPE).decode("ascii")


def cased_of(text: str) -> str:
    """The same with A for any letter in upper case, and a for the others."""
    return text.encode("ascii", "replace").translate(_CASED).decode("ascii")


def view_for(literal: str) -> View:
    """The view of a text that a gate's literal is written for."""
    return next(view for view in (shape_of, cased_of, str) if view(literal) == literal)


class Gates:
    """The gates of a table of rules."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._always = 0
        self._counted: list[tuple[str, int, int]] = []
        words: list[tuple[str, int]] = []
        exact: list[tuple[str, int]] = []
        signs: list[tuple[str, int]] = []
        for number, rule in enumerate(rules):
            bit = 1 << number
            for literal in rule.gate:
                word = _words_of(literal.encode())
                if not literal:
                    self._always |= bit
                elif rule.times > 1:
                    self._counted.append((literal, rule.times, bit))
                elif view_for(literal) is str:
                    exact.append((literal, bit))
                elif len(word) > 1 and view_for(literal) is shape_of:
                    words.append((word, bit))
                elif not any(map(str.islower, literal)):
                    signs.append((literal, bit))
                else:
                    self._always |= bit
        self._words = _families(words, _FAMILIES_OF_WORDS)
        self._exact = _families(exact, _FAMILIES_OF_EXACT)
        self._signs = _families(signs, _FAMILIES_OF_SIGNS)

    def possible(self, text: str) -> int:
        """A mask of the rules that this text can match."""
        data = text.encode("ascii", "replace")
        words = _words_of(data)
        signs = data.translate(_CASED).decode("ascii")
        mask = self._always
        for members in [members for shared, members in self._words if shared in words]:
            for literal, bit in members:
                if literal in words:
                    mask |= bit
        for members in [members for shared, members in self._signs if shared in signs]:
            for literal, bit in members:
                if literal in signs:
                    mask |= bit
        for members in [members for shared, members in self._exact if shared in words]:
            for literal, bit in members:
                if literal in text:
                    mask |= bit
        for literal, times, bit in self._counted:
            if signs.count(literal) >= times:
                mask |= bit
        return mask


def _words_of(data: bytes) -> str:
    return data.translate(_SHAPE, _NO_WORDS).decode("ascii")


def _families(literals: Iterable[tuple[str, int]], parts: tuple[str, ...]) -> tuple[Family, ...]:
    bits: dict[str, int] = {}
    for literal, bit in literals:
        bits[literal] = bits.get(literal, 0) | bit
    families: dict[str, list[tuple[str, int]]] = {}
    for literal, bit in bits.items():
        shared = next((part for part in parts if part in literal.lower()), literal)
        families.setdefault(shared, []).append((literal, bit))
    return tuple((shared, tuple(members)) for shared, members in families.items())
