"""Canaries: words of which each is in one text alone, which is so known wherever it turns up.

    canary-ahdkzqpe aaaabz qmxkdo       (without the gaps)
           flood    index  tenant

All have one length, so that one that was cut in two by a file's page, a chunk or a truncation is
never taken for another; and only letters, so that no rule of redaction touches them.
"""

from __future__ import annotations

import hashlib
import re
import string
from typing import Final

CANARY: Final = re.compile(r"canary-[a-z]{20}")

_RUN_LETTERS: Final = 8
_INDEX_LETTERS: Final = 6  # 300 million logs of one flood
_TENANT_LETTERS: Final = 6
_ALPHABET: Final = string.ascii_lowercase


def canary(seed: int, index: int, tenant: str) -> str:
    """The word that only this log of this flood holds."""
    return "".join(
        (
            "canary-",
            _letters(_hash(str(seed)), _RUN_LETTERS),
            _letters(index, _INDEX_LETTERS),
            _letters(_hash(tenant), _TENANT_LETTERS),
        )
    )


def run_of(word: str) -> str:
    """What the canaries of one flood have in common, and those of no other."""
    return word[: len("canary-") + _RUN_LETTERS]


def _letters(number: int, count: int) -> str:
    """The number's last digits, to the base of 26."""
    letters = []
    for _ in range(count):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(reversed(letters))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
