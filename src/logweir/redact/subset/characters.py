r"""One character of a pattern: itself, an escape, a class.

Read for a rule of an operator's own, nothing takes a newline, since what is redacted lies in one
line, nor what stands for something that was found before: ``[^ ]`` becomes ``[^\n\x1a ]``.
"""

from __future__ import annotations

from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits, hexdigits, punctuation
from typing import Final

from logweir.redact.neighbours import CUT
from logweir.redact.subset.cursor import Cursor
from logweir.redact.subset.tree import ANY, OTHERS, Chars, Edge, Mask, mask_of

_BARRED: Final = mask_of("\n" + CUT)
_BARRED_TEXT: Final = r"\n\x1a"
_CLASSES: Final = {
    "d": mask_of(digits),
    "w": mask_of(ascii_letters + digits + "_"),
    "s": mask_of(" \t\n\r\f\v"),
}
_NEGATED: Final = {name.upper(): ANY & ~mask for name, mask in _CLASSES.items()}
_BLANKS: Final = r" \t\r\f\v"  # \s without the end of a line
_IN_A_LINE: Final = {
    "s": f"[{_BLANKS}]",
    "D": rf"[^{_BARRED_TEXT}0-9]",
    "W": rf"[^{_BARRED_TEXT}A-Za-z0-9_]",
    "S": rf"[^{_BARRED_TEXT}\s]",
}
_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_SPECIAL: Final = frozenset("\\.[](){}*+?|^$")
_TWO_LINES: Final = r"a newline, or \x1a, is not taken: what is redacted lies in one line"
_BACKSLASH: Final = "a backslash stands at the end"
_OPEN: Final = r"a [ is not closed; for the character itself write \["


class Characters:
    """Reads them from a cursor. Its methods raise ValueError where one is not taken."""

    def __init__(self, cursor: Cursor, *, folds_case: bool, in_a_line: bool) -> None:
        self._cursor = cursor
        self._folds_case = folds_case
        self._in_a_line = in_a_line
        self._barred = _BARRED if in_a_line else 0

    def read(self) -> Chars | Edge:
        """The next one."""
        char = self._cursor.next("the pattern ends too early")
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escaped()
        if char == ".":
            text = f"[^{_BARRED_TEXT}]" if self._in_a_line else "."
            return Chars(ANY & ~self._barred & ~mask_of("\n"), text)
        if char in "^$":
            why = f"{char} is not taken: a rule is not told where a line begins"
            raise self._cursor.refusal(why, 1)
        if char in _SPECIAL:
            why = f"{char} has nothing to belong to; for the character itself write \\{char}"
            raise self._cursor.refusal(why, 1)
        return self._literal(char, char)

    def _literal(self, char: str, text: str) -> Chars:
        if mask_of(char) & self._barred:
            raise self._cursor.refusal(_TWO_LINES, len(text))
        mask = mask_of(char)
        return Chars(mask | _other_case(mask) if self._folds_case else mask, text)

    def _escaped(self) -> Chars | Edge:
        char = self._cursor.next(_BACKSLASH)
        text = "\\" + char
        if char in "bB":
            return Edge(text)
        known = _CLASSES | _NEGATED
        if char in known:
            text = _IN_A_LINE.get(char, text) if self._in_a_line else text
            return Chars(known[char] & ~self._barred, text)
        return self._literal(*self._escape(char))

    def _escape(self, char: str) -> tuple[str, str]:
        """The character that is meant, and how it is written."""
        if char in _CONTROLS:
            return _CONTROLS[char], "\\" + char
        if char == "x":
            code = self._cursor.ahead(2)
            if len(code) < 2 or not set(code) <= set(hexdigits) or int(code, 16) > 127:
                raise self._cursor.refusal(r"after \x there are two hexadecimal digits, 00 to 7f")
            self._cursor.skips(code)
            return chr(int(code, 16)), "\\x" + code
        if char in punctuation or char == " ":
            return char, "\\" + char
        raise self._cursor.refusal(
            rf"\{char} is not taken; there are \d \w \s \D \W \S \b \B \t \r \f \v \xHH, and a"
            " backslash before punctuation. There are no back-references",
            2,
        )

    def _class(self) -> Chars:
        negated = self._cursor.skips("^")
        mask: Mask = 0
        texts: list[str] = []
        while not self._cursor.skips("]"):
            item, text = self._class_item()
            mask |= item
            texts.append(text)
        if not texts:
            raise self._cursor.refusal(r"a class is empty; for the character itself write \]", 1)
        if self._folds_case:
            mask |= _other_case(mask)
        if negated:
            # It may exclude some of what is not ASCII, and still takes the others.
            mask = (ANY & ~mask) | OTHERS
        if mask & self._barred:
            if not negated:
                raise self._cursor.refusal(_TWO_LINES, 1)
            mask &= ~self._barred
            texts.insert(0, _BARRED_TEXT)
        return Chars(mask, f"[{'^' if negated else ''}{''.join(texts)}]")

    def _class_item(self) -> tuple[Mask, str]:
        char = self._cursor.next(_OPEN)
        if char == "\\" and self._cursor.ahead() in _CLASSES:
            return self._named_class(self._cursor.next(_BACKSLASH))
        if char == "[":
            raise self._cursor.refusal(r"a [ inside of [ ] is written \[", 1)
        if char in "-&~|" and self._cursor.ahead() == char:
            raise self._cursor.refusal(f"{char}{char} in [ ] is not taken; write \\{char}", 1)
        first, text = self._member(char)
        if not self._cursor.ahead().startswith("-") or self._cursor.ahead(2) == "-]":
            return mask_of(first), text
        self._cursor.skips("-")
        last, last_text = self._member(self._cursor.next(_OPEN))
        if last < first or not (first + last).isascii():
            why = f"the range {text}-{last_text} is empty, or is not of ASCII"
            raise self._cursor.refusal(why, 1)
        between = "".join(map(chr, range(ord(first), ord(last) + 1)))
        return mask_of(between), f"{text}-{last_text}"

    def _member(self, char: str) -> tuple[str, str]:
        return self._escape(self._cursor.next(_BACKSLASH)) if char == "\\" else (char, char)

    def _named_class(self, char: str) -> tuple[Mask, str]:
        text = _BLANKS if char == "s" and self._in_a_line else "\\" + char
        return _CLASSES[char] & ~self._barred, text


def _other_case(mask: Mask) -> Mask:
    """The letters of the set in both cases."""
    both = 0
    for small, large in zip(ascii_lowercase, ascii_uppercase, strict=True):
        pair = mask_of(small + large)
        if mask & pair:
            both |= pair
    return both
