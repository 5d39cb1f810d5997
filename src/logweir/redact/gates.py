"""Which rules a text can match at all, told by its words and by literals in a view of it.

    text    User 555-0199 from DE89370400440532013000, token=aB1
    words   User from DE token aB                                   runs of letters
    cased   Aaaa 000-0000 aaaa AA00000000000000000000, aaaaa=aA0    a gate is written for this: AA00
    shape   user 000-0000 from de00000000000000000000, token=ab0    or for this: token, 000-

or, with other letters in upper case or other digits, for the text itself: AKIA. A gate may let by
what its literal does not stand for: then the rule finds nothing.

A log has few words, and most stand in no literal. So a literal's letters are looked for in each
word once in a process, and a line costs a look at a dictionary for each of its words. Literals
without letters are looked for in each line; where several share a part that lines often lack, only
where that stands. What costs is the interpreter's way from one search to the next: so these are
written out as a function, which takes a third of what a loop over them does:

    if mask > 255:
        if mask & 256 and 'ghp-' in text: mask |= 8
    if '+0' in cased:
        if sketch_25.search(cased): mask |= 33554432
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from operator import or_

from logweir.redact.light import Any
from logweir.redact.patterns import compiled
from logweir.redact.rule import Rule

_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()
_LETTERS = frozenset(_UPPER + _LOWER + b"_")
_SHAPE = bytes.maketrans(_UPPER + b"0123456789", _LOWER + b"0" * 10)
_CASED = bytes.maketrans(_UPPER + _LOWER + b"0123456789", b"A" * 26 + b"a" * 26 + b"0" * 10)
_ONLY_WORDS = bytes(byte if byte in _LETTERS else 32 for byte in range(256))
_WITHOUT_LETTERS = str.maketrans("", "", (_UPPER + _LOWER).decode())

# Parts that literals without letters share: one is looked for where the first that it holds stands.
_FAMILIES = ("@", "%", "+", "0-000", "0 000", ".")
_SIGNS = frozenset("@#%+=/&$(")  # few lines have them

_TELLING = 4  # letters: so many stand for their literal, mostly
_KNOWN_MAX = 8192  # words: what is beyond is forgotten, and judged anew
_KNOWN_LETTERS_MAX = 64  # of a word
_LONG = 1 << 17  # characters: all words of a longer text at once would take too much memory

_FUNCTION = """\
def possible(text):
    data = text.encode("ascii", "replace")
    cased = data.translate(cased_letters).decode("ascii")
    mask = {always}
    letters = data.translate(only_words)
    if len(letters) > {long}:
        mask |= judged_in_parts(letters, {long})
    else:
        words = letters.split()
        try:
            for word in words:
                if known[word]:
                    mask |= known[word]
        except KeyError:
            mask |= judged(words)
    if mask > {all}:
        asked = mask >> {rules}
        mask &= {all}
        lower = text.lower()
        {questions}
    {checks}
    return mask
"""

View = Callable[[str], str]
_Letters = dict[tuple[str, bool], int]  # and whether their case does not count: the bits they give


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


class _Words:
    """Words, and the bits of the literals whose letters stand in each. Threads may share it."""

    def __init__(self) -> None:
        self.known: dict[bytes, int] = {}
        self._letters: _Letters = {}
        self._any: re.Pattern[str] | None = None

    def add(self, letters: str, bit: int, *, folds: bool) -> None:
        """Have this bit for words that hold these letters, in any case if it ``folds``."""
        self._letters[letters, folds] = self._letters.get((letters, folds), 0) | bit

    def judged(self, words: Iterable[bytes]) -> int:
        """The bits of these words, some of which are not known yet and will be."""
        known = self.known
        mask = 0
        unknown: dict[bytes, int] = {}
        for word in words:
            bits = known.get(word)
            if bits is None:
                unknown[word] = 0
            else:
                mask |= bits
        whole = b" ".join(unknown).decode("ascii")
        if self._may_stand(whole):
            there = _standing(whole, self._letters)
            for word in unknown if there else ():
                unknown[word] = _united(_standing(word.decode("ascii"), there).values())
            mask |= _united(unknown.values())
        if len(known) + len(unknown) > _KNOWN_MAX:
            known.clear()
        for word, bits in unknown.items():
            if len(word) <= _KNOWN_LETTERS_MAX:
                known[word] = bits
        return mask

    def judged_in_parts(self, letters: bytes, size: int) -> int:
        """The bits of a long text's words, in parts of a number of characters at least."""
        mask = start = 0
        while start < len(letters):
            end = letters.find(b" ", start + size)
            end = len(letters) if end < 0 else end
            mask |= self.judged(letters[start:end].split())
            start = end
        return mask

    def _may_stand(self, text: str) -> bool:
        """Most unknown words stand in no literal: one search says so for all of them."""
        if self._any is None:
            if not self.known:
                return True  # compiling it is no part of a process's start
            self._any = re.compile(_any_of({letters.lower() for letters, _ in self._letters}))
        return self._any.search(text.lower()) is not None


def _standing(text: str, letters: _Letters) -> _Letters:
    """Of these letters, those that stand in a text."""
    folded = text.lower()
    return {key: bits for key, bits in letters.items() if key[0] in (folded if key[1] else text)}


def _any_of(letters: Iterable[str]) -> str:
    """A pattern of any of these, which asks for each first letter once."""
    ends: dict[str, list[str]] = {}
    for each in letters:
        ends.setdefault(each[0], []).append(each[1:])
    return "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in ends.items()) or r"[^\s\S]"


def _united(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def possible_of(rules: Sequence[Rule]) -> Callable[[str], int]:
    """What gives a mask of the rules that a text can match: bit n stands for rule n."""
    return _Writer(rules).function()


class _Writer:
    """Writes the function of a table's gates out."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = len(rules)
        self._always = 0
        self._words = _Words()
        self._questions: dict[str, int] = {}  # to lines with certain words, by the bit of these
        self._checks: dict[tuple[str, str], dict[str, int]] = {}
        self._names: dict[str, Any] = {
            "only_words": _ONLY_WORDS,
            "cased_letters": _CASED,
            "known": self._words.known,
            "judged": self._words.judged,
            "judged_in_parts": self._words.judged_in_parts,
        }
        for number, rule in enumerate(rules):
            self._names[f"sketch_{number}"] = compiled(rule.sketch)
            sketched = f" and sketch_{number}.search(cased)" if rule.sketch else ""
            for literal in rule.gate:
                self._add(literal, rule, 1 << number, sketched)

    def _add(self, literal: str, rule: Rule, bit: int, sketched: str) -> None:
        view = view_for(literal, shaped=rule.is_shaped)
        letters = "" if view is cased_of else _letters_of(literal)
        if letters:
            besides = "" if letters == literal else _besides(letters, literal, view)
            if further := besides + sketched:
                # Of a row's questions one is enough; in a long line all of them would be asked.
                line = f" and not mask & {bit}{further}: mask |= {bit}"
                bit = self._questions.setdefault(line, 1 << len(self._questions)) << self._rules
            self._words.add(letters, bit, folds=view is shape_of)
        elif literal:
            where = "text" if view is str else "cased"
            times = f" and {where}.count({literal!r}) >= {rule.times}" if rule.times > 1 else ""
            bits = self._checks.setdefault((literal, where), {})
            bits[times + sketched] = bits.get(times + sketched, 0) | bit
        else:
            self._always |= bit

    def function(self) -> Callable[[str], int]:
        """Of a text: the mask."""
        function = _FUNCTION.format(
            always=self._always,
            long=_LONG,
            rules=self._rules,
            all=(1 << self._rules) - 1,
            questions="\n        ".join(
                f"if asked & {bit}{line}" for line, bit in self._questions.items()
            )
            or "pass",
            checks="\n    ".join(self._lines()),
        )
        exec(function, self._names)  # noqa: S102  # of literals by their repr, and of our own names
        possible: Callable[[str], int] = self._names["possible"]
        return possible

    def _lines(self) -> Iterator[str]:
        families: dict[str, list[str]] = {}
        for (literal, where), further in self._checks.items():
            shared = next((part for part in _FAMILIES if part in literal), literal)
            shared = shared if where == "cased" else literal
            families.setdefault(f"{shared!r} in {where}", []).extend(
                f"if {literal!r} in {where}{asked}: mask |= {bits}"
                for asked, bits in further.items()
            )
        for shared, lines in families.items():
            if len(lines) == 1:
                yield lines[0]
            else:
                yield f"if {shared}:"
                yield from (f"    {line}" for line in lines)


def _letters_of(literal: str) -> str:
    """The longest run of them, or ""."""
    return max(re.findall("[A-Za-z_]+", literal), key=len, default="")


def _besides(letters: str, literal: str, view: View) -> str:
    """What to look for in a line with a literal's letters: what they do not tell, or not well."""
    sign = next(filter(_SIGNS.__contains__, literal), "")
    if len(letters) >= _TELLING and not sign and " " not in literal:
        return ""
    if view is str:
        return f" and {literal!r} in text"
    signed = f" and {sign!r} in cased" if sign else ""
    return signed if "0" in literal else f"{signed} and {literal!r} in lower"
