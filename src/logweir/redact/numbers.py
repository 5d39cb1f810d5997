"""Guards of numbers: phones, payment cards, SSN. None is taken for its length alone."""

from __future__ import annotations

import re
from typing import Final

from logweir.redact.neighbours import (
    DIGITS,
    MARKER,
    WORD,
    char_before,
    marker_touches,
    stands_alone,
    word_after,
    word_before,
    words,
)
from logweir.redact.rule import Range

_DIGIT_RUNS: Final = re.compile("[0-9]+")
_GAPS: Final = frozenset([" ", "-", ".", "/", "(", ")", " (", ") ", ")-", "-(", ").", ")/"])
_DATE: Final = re.compile("(?:19|20)[0-9]{2}([-./])[01]?[0-9][-./][0-3]?[0-9]")
_PHONE_UNWANTED: Final = frozenset("+/#$~^%*\\@&")

# What a number after these, or before those, counts or names: it is no phone.
_COUNTED_BEFORE: Final = words("""
    batch between block blocks build byte bytes case chapter chunk chunks code codes episode epoch
    error errors iec ieee invoice iso issue item items job line lines model offset offsets order
    orders page pages part partition port ports range ranges record records release row rows
    section seq sequence serial shard size sizes sku slot slots standard step steps ticket v ver
    version
""")
_COUNTED_AFTER: Final = words("""
    b bytes gb gib hz items kb kib lines mb mhz mib min ms ns of percent pixels px records rows s
    sec seconds us x
""")


def _is_counted(text: str, start: int, end: int) -> bool:
    return word_before(text, start) in _COUNTED_BEFORE or word_after(text, end) in _COUNTED_AFTER


def local_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """``555-0199``: an exchange begins with 2 to 9, and 200-1000 is a range."""
    end = match.end()
    if text[start] in "01" or not stands_alone(text, start, end, _PHONE_UNWANTED):
        return None
    first, second = text[start : start + 3], text[start + 4 : start + 8]
    if first[1:] in {"00", "50"} and second.endswith("00"):
        return None
    return None if _is_counted(text, start, end) else (start, end)


def phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """3-3-4: an area begins with 2 to 9; 123 is everybody's example."""
    end = match.end()
    area = _DIGIT_RUNS.findall(text, start, end)
    if area[0] == "1":
        area = area[1:]
    if area[0][0] in "01" and area[0] != "123":
        return None
    return (start, end) if stands_alone(text, start, end, _PHONE_UNWANTED) else None


def dotted_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """As above, and neither a version nor a sum."""
    return None if _is_counted(text, start, match.end()) else phone(text, start, match)


def spaced_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Three columns of numbers look the same: a bracket or a word has to stand in front."""
    end = match.end()
    if text[start] != "(":
        area, exchange = _DIGIT_RUNS.findall(text, start, end)[-3:-1] or ("0", "0")
        if area.endswith("00") or exchange.endswith("00") or exchange[0] in "01":
            return None
        if not word_before(text, start) or char_before(text, start) not in {" ", ":", "="}:
            return None
        columns = text[end : end + 2].strip(" ")[:1] in DIGITS or text.startswith(MARKER, end + 1)
        if columns or _is_counted(text, start, end):
            return None
    return phone(text, start, match)


def international_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """``+`` and 8 to 15 digits; time zones, sums and coordinates also begin with a plus."""
    end = _number_ends(text, match.start("number"), match.end("number"))
    number = text[start:end]
    if number.count(".") == 1 or ("." in number and "-" in number):
        return None
    if re.match(r"\+1[0-4](?:00|30|45)(?:[^0-9]|\Z)", number):
        return None
    return _phone_of_digits(text, start, end, 8)


def named_phone(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Whatever form it has: a word says that it is a phone."""
    if char_before(text, start) in WORD - {"_"} and not text[start].isupper():
        return None  # hotel 1234567; but homePhone
    start = match.start("number")
    if _DATE.match(text, start):
        return None
    return _phone_of_digits(text, start, _number_ends(text, start, match.end()), 7)


def _number_ends(text: str, start: int, end: int) -> int:
    """Where a number ends, of a run of digits, single separators and brackets.

    Nobody says where a number with blanks ends: after ten digits the next blank or bracket ends it.
    """
    digits = 0
    last = start
    for run in _DIGIT_RUNS.finditer(text, start, end):
        gap = text[last : run.start()]
        if digits and (gap not in _GAPS or (digits >= 10 and gap not in {"-", "."})):
            break
        if digits + run.end() - run.start() > 15 and digits >= 7:
            break
        digits += run.end() - run.start()
        last = run.end()
    return last


def _phone_of_digits(text: str, start: int, end: int, least: int) -> Range | None:
    digits = sum(map(len, _DIGIT_RUNS.findall(text, start, end)))
    if not least <= digits <= 15 or marker_touches(text, start, end):
        return None
    before, after = char_before(text, start), text[end : end + 2]
    if before in WORD or before in {"/", "+", ".", "-"} or after[:1] in WORD:
        return None
    if after[:1] in {".", ":", "/", "-"} and (
        after[1:] in WORD or text.startswith(MARKER, end + 1)
    ):
        return None
    return start, end


def ssn(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Areas 000, 666 and 9xx, group 00 and serial 0000 were never given out."""
    number = text[start : match.end()]
    if number.startswith(("000", "666", "9")) or number[4:6] == "00" or number[7:] == "0000":
        return None
    return (start, match.end()) if stands_alone(text, start, match.end()) else None


def card(text: str, start: int, match: re.Match[str]) -> Range | None:
    """A brand's prefix at the brand's length, and Luhn's checksum."""
    end = match.end()
    if not stands_alone(text, start, end):
        return None
    number = match[0].replace(" ", "").replace("-", "")
    return (start, end) if _has_brand(number) and luhn(number) else None


def _has_brand(number: str) -> bool:
    length, two, four = len(number), int(number[:2]), int(number[:4])
    if length == 16:
        return (
            number[0] == "4"  # Visa
            or 51 <= two <= 55  # Mastercard
            or 2221 <= four <= 2720
            or 3528 <= four <= 3589  # JCB
            or four == 6011
            or 644 <= four // 10 <= 649
            or two in {62, 65}  # Discover, UnionPay
            or 2200 <= four <= 2204  # Mir
            or four in {5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763}  # Maestro
        )
    if length == 15:
        return two in {34, 37}  # American Express
    return length == 14 and (two in {36, 38} or 300 <= four // 10 <= 305)  # Diners Club


def luhn(number: str) -> bool:
    """Whether the last digit is the checksum of the others."""
    odd = sum(map(int, number[-1::-2]))
    return (odd + sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])) % 10 == 0
