"""Guards of account numbers: payment cards, US social security, IBAN. None goes for its length."""

from __future__ import annotations

from logweir.redact.light import TYPE_CHECKING, Final
from logweir.redact.neighbours import (
    KEY_CHARACTERS,
    LETTERS,
    begins_alone,
    char_before,
    ends_alone,
    stands_alone,
    words,
)
from logweir.redact.patterns import compiled
from logweir.redact.rule import Range

if TYPE_CHECKING:
    import re

_CARD_WORDS: Final = words(
    "amex cc ccn ccnum creditcard diners discover jcb maestro mastercard pan visa"
)
_PAID_WORDS: Final = words("charge charged debit debited paid pay payment")  # for a Visa's lengths
_CONTEXT: Final = 32  # characters in which such a word is looked for
_AN_ID: Final = r"(?:[_.-]|[a-z])[Ii][Dd]s?[\"'\\\]: =]{0,6}\Z"  # card_id, of any digits
_NO_CARD: Final = (
    r"(?:\A|[_.-])r[0-9]{1,2}\b|id[0-9s]?\b|[a-z]id[\"'\]: =]|serial|custom|seq|trace|span"
    r"|offset|inode|hash|nonce|addr|time|flow|cookie|uuid|version|bytes|size|(?:\A|[^c])count"
)


def card(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Luhn's checksum, at a brand's prefix and length; beside a word for cards, at any length."""
    groups = match[0].replace("-", " ").split(" ")
    whole = groups[:4] if [len(group) for group in groups[:4]] == [4] * 4 else groups
    for chosen in (whole, groups):
        number, end = "".join(chosen), start + len(" ".join(chosen))
        if not luhn(number) or not _stands_apart(text, start, end, len(chosen)):
            continue
        page = char_before(text, start) == "/"  # testcase/5390364397928448
        named = len(chosen) == 1 and (page or _is_named_otherwise(text, start))
        if (_has_brand(number) and not named) or _word_says_card(text, start, number):
            return start, end
    return None


def _is_named_otherwise(text: str, start: int) -> bool:
    """Whether a key says what it is: of 16 digits at random every fiftieth passes as a card."""
    near = text[max(0, start - _CONTEXT) : start]
    assigned = near.rstrip("\"' ")
    if assigned[-1:] not in {":", "="} or len(near) > len(assigned) + 2:
        return False
    name = assigned[:-1].rstrip("\"'] ")
    key = near[len(name.rstrip(KEY_CHARACTERS)) :]
    return name[-1:] in KEY_CHARACTERS and bool(compiled(_NO_CARD).search(key.lower()))


def _stands_apart(text: str, start: int, end: int, groups: int) -> bool:
    """Whether nothing goes on beside it: a row of fan speeds is in groups of four, too."""
    if not stands_alone(text, start, end):
        return False
    gap = text[start + 4]
    longer = f"(?:\x1a|[0-9]{{4}}|(?:\x1a|[A-Z]{{2}}[0-9]{{2}}){gap}[A-Z]{{4}}){gap}\\Z"
    if groups < 4:
        in_fours = end - start == len("5018 0000 0009")
        return not in_fours or not compiled(longer).search(text, max(0, start - 10), start)
    if text[start - 2 : start - 1].isupper() and compiled(longer).search(text, start - 10, start):
        return False
    after = compiled(f"{gap}[0-9]{{4}}(?:{gap}(?:[0-9]{{4}}{gap}|[^0-9])|[^0-9/ -]|\\Z)").match(
        text, end
    )
    before = compiled(f"(?:\\A|[ (,:=])(?P<group>[A-Z0-9]{{3}}[0-9]){gap}\\Z")
    group = before.search(text, max(0, start - 6), start)
    return not after and (not group or group["group"].startswith(("19", "20")))


def _word_says_card(text: str, start: int, number: str) -> bool:
    if number[0] in "01789" and not number.startswith(("0604", "1800")):
        return False  # Maestro and JCB
    context = text[max(0, start - _CONTEXT) : start].lower()
    said = compiled(r"(?:\A|[^a-z0-9:-])([a-z]{2,})").findall(context)  # no cc of aa:bb:cc
    known = _PAID_WORDS if number[0] == "4" and len(number) in {13, 19} else frozenset()
    known |= _CARD_WORDS
    if not any(word in known or word.startswith("card") for word in said):
        return False
    return not compiled(_AN_ID).search(text, max(0, start - _CONTEXT), start)


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
        return two in {34, 37} or four in {1800, 2131}  # American Express, JCB
    return length == 14 and (two in {36, 38} or 300 <= four // 10 <= 305)  # Diners Club


_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")  # and their digits summed up


def luhn(number: str) -> bool:
    """Whether the last digit is the checksum of the others."""
    digits = number.encode()
    summed = sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED))
    return (summed - ord("0") * len(digits)) % 10 == 0


def ssn(text: str, start: int, match: re.Match[str]) -> Range | None:
    """``219-09-9999``."""
    end = match.end()
    return (start, end) if _is_given_out(match[0]) and stands_alone(text, start, end) else None


def named_ssn(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Nine digits, of which a word before them says what they are; in groups, of any area."""
    number, end = match["value"], match.end()
    before = char_before(text, start)
    if before in LETTERS and not (before.islower() and text[start].isupper()):
        return None
    known = len(number) > 9 or _is_given_out(f"{number[:3]}-{number[3:5]}-{number[5:]}")
    return match.span("value") if known and ends_alone(text, end) else None


def _is_given_out(number: str) -> bool:
    """Areas 000, 666 and 9xx, group 00 and serial 0000 never were."""
    if number.startswith(("000", "666", "9")):
        return False
    return number[4:6] != "00" and number[7:] != "0000"


# SWIFT's IBAN registry: how many characters each country's have.
_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in (
        (15, "NO"),
        (16, "BE"),
        (18, "DK FI FK FO GL NL SD"),
        (19, "MK SI"),
        (20, "AT BA EE KZ LT LU MN XK"),
        (21, "CH HR LI LV"),
        (22, "BG BH CR DE GB GE IE ME RS VA"),
        (23, "AE GI IL IQ OM SO TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
        (25, "LY PT ST"),
        (26, "IR IS TR"),
        (27, "BI DJ FR GR IT MC MR SM"),
        (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
        (29, "BR EG PS QA UA"),
        (30, "JO KW MU YE"),
        (31, "MT SC"),
        (32, "LC"),
        (33, "RU"),
    )
    for country in countries.split()
}


_IBAN_MIN: Final = 14
_AMOUNT: Final = r"/[0-9]{1,12}(?:\.[0-9]{1,12})?(?:[^0-9A-Za-z.\x1a]|\Z)"


def iban(text: str, start: int, match: re.Match[str]) -> Range | None:
    """A country's code at that country's length, and the remainder by 97 is 1 (ISO 13616)."""
    length = _IBAN_LENGTHS.get(text[start : start + 2])
    if length is None:
        return None
    for end, account in _accounts(match[0], start):
        if len(account) == length:
            return _checked(text, start, end, account)
    return None


def named_iban(text: str, start: int, match: re.Match[str]) -> Range | None:
    """The checksum is enough where the word says it: not all that is out there is of the length."""
    first = match.start("value")
    if char_before(text, start) in LETTERS:
        return None
    for end, account in reversed(_accounts(match["value"].upper(), first)):
        if len(account) >= _IBAN_MIN and (taken := _checked(text, first, end, account)):
            return taken
    return None


def _accounts(run: str, start: int) -> list[tuple[int, str]]:
    """Each number that groups at the front of a run make, and its end: the next word may follow."""
    groups = run.replace("-", " ").split(" ")
    sizes = range(1, len(groups) + 1)
    return [(start + len(" ".join(groups[:size])), "".join(groups[:size])) for size in sizes]


def _checked(text: str, start: int, end: int, account: str) -> Range | None:
    if not begins_alone(text, start):
        return None
    if not ends_alone(text, end) and not compiled(_AMOUNT).match(text, end):
        return None
    digits = "".join(str(int(character, 36)) for character in account[4:] + account[:4])
    return (start, end) if int(digits) % 97 == 1 else None
