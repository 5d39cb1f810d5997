"""What touches a candidate, and the word before it.

RE2 has no look-around, so a pattern says what a thing looks like and these say where it stands.
Only ASCII counts as a word here: Chinese text sets no spaces around an address.
"""

from __future__ import annotations

from logweir.redact.light import Final
from logweir.redact.patterns import compiled

# Stands for what is gone already: a marker of an earlier redaction, or what a row above took. No
# pattern matches it, so that a second redaction sees the same text as the rows of the first did.
CUT: Final = "\x1a"

# The module `string` has these, and takes as long to import as most of the others here together.
ASCII_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
ASCII_DIGITS: Final = "0123456789"
HEX_DIGITS: Final = "0123456789abcdefABCDEF"

DIGITS: Final = frozenset(ASCII_DIGITS)
LETTERS: Final = frozenset(ASCII_LETTERS)
KEY_CHARACTERS: Final = f"{ASCII_LETTERS}{ASCII_DIGITS}_.-"
WORD: Final = DIGITS | LETTERS | {"_"}

_ESCAPED: Final = frozenset("nrtm")
_HEX: Final = frozenset(HEX_DIGITS)
_ESCAPE: Final = r"(?:\\[nrt]|\x1b\[[0-9;]{0,12}m)\Z"  # ESC [ 3 1 m: red
_JOINTS: Final = frozenset("-./:+@")  # between these and a word there is no end of a number
_CONTEXT: Final = 32  # characters looked at for the word before


def words(listed: str) -> frozenset[str]:
    """A set of words from a text of them."""
    return frozenset(listed.split())


def char_before(text: str, start: int) -> str:
    r"""The character before, or ""; an escaped ``\n`` or a terminal's colour is a line break.

    Of a URL's ``%3D``, as in ``ip%3D10.0.0.1``, it is the character that is meant.
    """
    if not start:
        return ""
    before = text[start - 1]
    if before in _ESCAPED and compiled(_ESCAPE).search(text, max(0, start - 16), start):
        return "\n"
    if before in _HEX and text.startswith("%", max(0, start - 3)) and text[start - 2] in _HEX:
        return chr(int(text[start - 2 : start], 16))
    return before


def cut_touches(text: str, start: int, end: int) -> bool:
    """Whether something beside it is gone: it was refused when that stood there, and still is."""
    return text.startswith(CUT, end) or text.endswith(CUT, 0, start)


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` is a number of its own and no part of an id, a time or a sum."""
    return begins_alone(text, start) and ends_alone(text, end)


def begins_alone(text: str, start: int, unwanted: frozenset[str] = frozenset()) -> bool:
    """The same of what is in front."""
    before = char_before(text, start)
    if before in WORD or before in {"-", ".", CUT} or before in unwanted:
        return False
    times = before == ":" and start >= 2 and text[start - 2] in DIGITS  # 12:555-0199
    return not (times and text[start] in DIGITS)


def ends_alone(text: str, end: int) -> bool:
    """The same of what is behind."""
    after = text[end : end + 3]
    if after[:1] in WORD or after[:1] == CUT:
        return False
    if after[:1] == "%":
        return len(after) == 3 and _HEX.issuperset(after[1:])  # %26 ends it, and 50% is no number
    return after[:1] not in _JOINTS or (after[1:2] not in WORD and after[1:2] != CUT)


def word_before(text: str, start: int) -> str:
    """The word in front, in lower case: over blanks, a colon or equals sign, and quotes."""
    first = start - _CONTEXT if start > _CONTEXT else 0  # max() would take as long as the rest
    context = text[first:start].rstrip(" \t:=#\"'(\\.")
    return context[len(context.rstrip(ASCII_LETTERS)) :].lower()


def word_after(text: str, end: int) -> str:
    """The word behind one blank or none, in lower case."""
    context = text[end : end + _CONTEXT].lstrip(" ")
    return context[: len(context) - len(context.lstrip(ASCII_LETTERS))].lower()
