"""The check digits of cards and account numbers, to make right ones and wrong ones."""

from __future__ import annotations


def luhn_digit(payload: str) -> int:
    """The digit that makes ``payload`` right by Luhn when it is put after it."""
    total = 0
    for place, character in enumerate(reversed(payload)):
        digit = int(character) * (2 if place % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return -total % 10


def iban_digits(country: str, account: str) -> int:
    """The two check digits of an account in a country, from 2 to 98 (ISO 13616, mod 97)."""
    letters = f"{account}{country}00"
    return 98 - int("".join(str(int(character, 36)) for character in letters)) % 97
