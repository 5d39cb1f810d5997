"""Guards of phone numbers. None is taken for its length alone."""

from __future__ import annotations

from logweir.redact.light import TYPE_CHECKING, Final
from logweir.redact.neighbours import (
    CUT,
    DIGITS,
    LETTERS,
    WORD,
    begins_alone,
    char_before,
    cut_touches,
    ends_alone,
    word_after,
    word_before,
    words,
)
from logweir.redact.patterns import compiled
from logweir.redact.rule import Range

if TYPE_CHECKING:
    import re

EXTENSION: Final = r"(?:,? ?(?:[xX]|[eE]xt\.?|[eE]xtension) ?[0-9]{1,6})?"

_DIGIT_RUNS: Final = "[0-9]+"
_GAPS: Final = frozenset([" ", "-", ".", "/", "(", ")", " (", ") ", ")-", "-(", ").", ")/"])
_DATE: Final = "(?:19|20)[0-9]{2}([-./])[01]?[0-9][-./][0-3]?[0-9]"
_NEAR: Final = 96  # characters in which such a word is looked for
_UNWANTED: Final = frozenset("+/#$~^%*\\@&")
_AREA: Final = r"\([0-9]{1,5}\)[ -]?\Z"
_FIELD_BEGINS: Final = frozenset(["", *"\n\t,;|\"'(["])
_FURTHER: Final = r"[-. (/]{0,2}[0-9\x1a]"
_SUM: Final = r"[0-9]{1,3}(?:[ .]000)+|[0-9]{0,5}00-[0-9]{0,5}00"  # 1 000 000, and 1000-2000

# What a number after these, or before those, counts or names: it is no phone.
_COUNTED_BEFORE: Final = words("""
    batch between block blocks build byte bytes case chapter chunk chunks code codes episode epoch
    error errors id ids iec ieee invoice iso issue item items job line lines model no nr offset
    offsets order orders page pages part partition port ports postcode range ranges record records
    release rfc room row rows section seq sequence serial shard size sizes sku slot slots standard
    std step steps ticket v ver version zip
""")
_COUNTED_AFTER: Final = words("""
    b bytes gb gib hz items kb kib lines ma mb mhz mib min ms mv ns of percent pixels px records
    rows s sec seconds times us users v x
""")
_A_CALL: Final = "(?:call|cell|contact|desk|dial|fax|home|mobile|ph|phone|reach|tel|text|work)"
_CALLING: Final = (
    rf"(?:\A|[^a-z]){_A_CALL}[a-z]{{0,8}}[^a-z\r\n\x1a](?:[^0-9\r\n\x1a]|\+[0-9]){{0,24}}"
    rf"(?:(?:[0-9(][0-9 ()./-]{{5,24}}[0-9]{EXTENSION}|\x1a{{1,32}})(?:,| or| and|;) )?\Z"
)
_WHOM: Final = r" (?:me|us|him|her|them)(?: back)? (?:at|on|via):? \Z"
_NORTH_AMERICAN: Final = "1?[2-9][0-9]{2}[2-9][0-9]{6}"
_LINES: Final = words("cell desk fax home mobile office phone work")  # 555-0199-Fax


def _is_counted(text: str, start: int, end: int) -> bool:
    return word_before(text, start) in _COUNTED_BEFORE or word_after(text, end) in _COUNTED_AFTER


def _stands_alone(text: str, start: int, end: int) -> bool:
    if not begins_alone(text, start, _UNWANTED):
        return False
    return ends_alone(text, end) or _line_is_named(text, end)


def _line_is_named(text: str, end: int) -> bool:
    return text[end : end + 1] == "-" and word_after(text, end + 1) in _LINES


def local_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """``555-0199``: an exchange begins with 2 to 9, and 200-1000 is a range."""
    end = match.end()
    area = compiled(_AREA).search(text, max(0, start - 8), start)
    if area and _stands_alone(text, area.start(), end):
        return area.start(), end
    if text[start] in "01" or not _stands_alone(text, start, end):
        return None
    first, second = text[start : start + 3], text[start + 4 : start + 8]
    if second.startswith(("19", "20")) and not _is_told(text, start):
        return None  # 754R -> 754-2008
    if first[1:] in {"00", "50"} and second.endswith("00"):
        return None
    return None if _is_counted(text, start, end) else (start, end)


def _is_told(text: str, start: int) -> bool:
    """Whether a word is in front, or it is a field of its own."""
    return bool(word_before(text, start)) or char_before(text, start) in _FIELD_BEGINS


def phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """3-3-4: an area begins with 2 to 9; 123 is everybody's example."""
    return _of_north_america(text, start, match.end())


def _of_north_america(text: str, start: int, end: int) -> Range | None:
    area = compiled(_DIGIT_RUNS).findall(text, start, end)
    if area[0] in {"1", "001"}:
        area = area[1:]
    if area[0][0] in "01" and area[0] != "123":
        return None
    return (start, end) if _stands_alone(text, start, end) else None


def dotted_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """As above, and neither a version nor a sum."""
    return None if _is_counted(text, start, match.end()) else phone(text, start, match)


def spaced_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Three columns of numbers look the same: a bracket or a word of calling has to be in front."""
    end, bare = match.end(), match.start() + len("555 0187")
    if text[start] != "(":
        area, exchange = compiled(_DIGIT_RUNS).findall(text, start, bare)[-3:-1] or ("0", "0")
        round_ones = area.endswith("00") or exchange.endswith("00") or exchange[0] in "01"
        if round_ones and word_before(text, start) not in _LINES:
            return None
        is_field = _is_field(text, start, bare)
        if is_field and not _is_field(text, start, end):
            end = bare  # 212 555 0187,x 12 of what follows
        if not is_field and not _is_to_be_called(text, start):
            return None
        columns = not is_field and (
            text[end : end + 3].strip(" ,")[:1] in DIGITS or text.startswith(CUT, end + 1)
        )
        if columns or _is_counted(text, start, end):
            return None
    return _of_north_america(text, start, end)


def _is_to_be_called(text: str, start: int) -> bool:
    """Whether a word of calling is in front, and no number between: call me (+1) at 212 …"""
    # In lower case, for a pattern that folds case is tried at each character, one by one; and first
    # the word alone, which is soon known to be missing.
    near = text[max(0, start - _NEAR) : start].lower()
    return bool(compiled(_A_CALL).search(near) and compiled(_CALLING).search(near))


def _is_field(text: str, start: int, end: int) -> bool:
    """Whether it is between a name and what follows: Amy Pond, 212 555 0187, …"""
    before = text[max(0, start - 3) : start]
    if not before.endswith((",", ", ")) or before.rstrip(", ")[-1:] not in LETTERS:
        return False
    return text[end : end + 1] in {"", ",", "\n", "\r", '"'}


def international_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """``+`` and 8 to 15 digits; time zones, sums and coordinates also begin with a plus."""
    first = match.end("plus")
    end = _number_ends(text, first, match.end())
    if text.endswith("(", 0, start) and compiled(r"[0-9]{1,5}\)").match(text, first):
        start -= char_before(text, start - 1) not in WORD  # (+30) 6905 103567
    # Where its last group goes on as another number, as in +44 20 7946 0958 555-123-4567, that may
    # be taken later, and what is before it has to be taken now.
    ends = {end, max(first, text.rfind(" ", first, end))}
    taken = (_international(text, start, first, end) for end in sorted(ends, reverse=True))
    return next(filter(None, taken), None)


def _international(text: str, start: int, first: int, end: int) -> Range | None:
    number = text[first:end]
    if number.count(".") == 1 or ("." in number and "-" in number):
        return None
    if compiled(r"1[0-4](?:00|30|45)(?:[^0-9]|\Z)").match(number):
        return None
    return _of_digits(text, start, first, end, 8)


def named_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Whatever form it has: a word before it says that it is a phone's."""
    if char_before(text, start) in WORD - {"_"} and not text[start].isupper():
        return None  # hotel 1234567; but homePhone
    first = match.start("number")
    if text[first] == "(" and ")" not in match["number"]:
        first += 1
    end = _number_ends(text, first, match.end())
    if compiled(_DATE).match(text, first) or word_after(text, end) in _COUNTED_AFTER:
        return None
    return _of_digits(text, first, first, end, 7)


def written_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """The same where the word in front has other meanings: the number has to look like one."""
    if char_before(text, start) in WORD:
        return None  # rpc_svc_call 1.6 89/07/20
    taken = named_phone(text, start, match)
    if not taken or not (_looks_written(text[slice(*taken)]) or _is_somebodys(text, match, taken)):
        return None
    if compiled(_SUM).fullmatch(text, *taken):
        return None
    columns = compiled(r" [0-9(\x1a]").match(text, taken[1])  # system call 334 1234567 0
    return None if columns else taken


def phone_of_a_line(text: str, start: int, match: re.Match[str]) -> Range | None:
    """A number in front of the word for its line: ``030 1234567 office``."""
    end = match.start() - 1
    if _number_ends(text, start, end) != end:
        return None
    if text[end] != "-" and not _looks_written(text[start:end]):
        return None
    if compiled(_DATE).match(text, start) or text[match.end() : match.end() + 1] in WORD:
        return None
    if char_before(text, start) in _UNWANTED | {"-", ".", ":", "("} or _is_counted(
        text, start, end
    ):
        return None
    digits = sum(map(str.isdecimal, text[start:end]))
    return (start, end) if 7 <= digits <= 15 and char_before(text, start) not in WORD else None


def _is_somebodys(text: str, match: re.Match[str], number: Range) -> bool:
    """Whether digits in one run are what somebody is to be called at: call me on 4155550132."""
    whom = match[0][: number[0] - match.start()].lower()
    called = compiled(_WHOM).search(whom)
    return bool(called and compiled(_NORTH_AMERICAN).fullmatch(text, *number))


def _looks_written(number: str) -> bool:
    """Whether somebody set it in groups, or with the zero of a long-distance call."""
    if number[0] in "0(":
        return True
    return not number.isdecimal() and not compiled(r"[0-9]+\.[0-9]+").fullmatch(number)


def _number_ends(text: str, start: int, end: int) -> int:
    """Where a number ends, of a run of digits, single separators and brackets.

    Nobody says where a number with blanks ends: after ten digits the next blank or bracket ends it,
    but for a last group of two, or of three or four that no more digits follow.
    """
    digits = -2 if text.startswith("00", start) else 0  # 00 stands for the plus
    last = start
    for run in compiled(_DIGIT_RUNS).finditer(text, start, end):
        gap, length = text[last : run.start()], run.end() - run.start()
        if last > start:
            goes_on = digits < 10 or _goes_on(gap, digits, length) or _is_last(text, gap, run)
            if gap not in _GAPS or not goes_on:
                break
        if digits + length > 15 and digits >= 7:
            break
        if last == start or not gap.endswith("(") or run[0] != "0":
            digits += length  # of +41 (0)69 one dials the zero, or what is before it
        last = run.end()
    return last


def _goes_on(gap: str, digits: int, length: int) -> bool:
    return gap in {"-", "."} or (gap == " " and length == 2 and digits <= 11)  # +358 40 123 45 67


def _is_last(text: str, gap: str, run: re.Match[str]) -> bool:
    """Whether it is the last group of some that a blank is between: +43 5296 51468 615."""
    if gap != " " or not 3 <= run.end() - run.start() <= 4:
        return False
    grouped = " " in text[max(0, run.start() - 16) : run.start() - 1].strip()
    return grouped and not compiled(_FURTHER).match(text, run.end())


def _of_digits(text: str, start: int, first: int, end: int, least: int) -> Range | None:
    """The number, with its extension, where it has 7 or more digits and stands apart."""
    digits = sum(map(len, compiled(_DIGIT_RUNS).findall(text, first, end)))
    end = compiled(EXTENSION).match(text, end).end()  # type: ignore[union-attr]  # it may be empty
    most = 17 if text.startswith("00", first) else 15
    if not least <= digits <= most or cut_touches(text, start, end):
        return None
    before, after = char_before(text, start), text[end : end + 2]
    if before in WORD or before in {"/", "+", ".", "-", "~"} or after[:1] in WORD:
        return None
    if after[:1] in {".", ":", "/", "-"} and (after[1:] in WORD or after[1:] == CUT):
        return (start, end) if _line_is_named(text, end) else None
    return start, end
