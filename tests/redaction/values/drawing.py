"""How values are drawn: from words, from alphabets, from shapes."""

from __future__ import annotations

from random import Random
from typing import Final

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALNUM: Final = LETTERS + LETTERS.lower() + "0123456789"
URLSAFE: Final = ALNUM + "-_"  # base64 as it goes into a URL
BASE32: Final = LETTERS + "234567"
_PLACES: Final = {"#": "123456789", "¤": "0123456789abcdef"}


def words(text: str) -> tuple[str, ...]:
    """What spaces part."""
    return tuple(text.split())


def rows(text: str) -> tuple[str, ...]:
    """One option a line, for those with spaces in them."""
    return tuple(row.strip() for row in text.strip().splitlines())


def drawn(random: Random, alphabet: str, count: int) -> str:
    """So many characters of an alphabet."""
    return "".join(random.choices(alphabet, k=count))


def digits(random: Random, count: int) -> str:
    """So many decimal digits, the first not zero."""
    return str(random.randrange(10 ** (count - 1), 10**count))


def hexadecimal(random: Random, count: int) -> str:
    """So many hexadecimal digits, one a letter at the least: ids of digits alone are rare."""
    while (made := f"{random.getrandbits(4 * count):0{count}x}").isdigit():
        pass
    return made


def shaped(random: Random, shape: str) -> str:
    """The shape with a digit from 1 to 9 for each #, and a hexadecimal one for each ¤."""
    return "".join(random.choice(_PLACES.get(character, character)) for character in shape)
