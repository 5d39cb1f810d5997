"""Guards of addresses: IPv4, IPv6, e-mail."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from string import ascii_letters, digits, hexdigits
from typing import Final

from logweir.redact.neighbours import (
    DIGITS,
    LETTERS,
    WORD,
    char_before,
    marker_touches,
    word_before,
)
from logweir.redact.rule import Range

_VERSION_WORDS: Final = frozenset(
    ["build", "firmware", "rel", "release", "rev", "revision", "v", "ver", "version", "versions"]
)
_ALNUM: Final = ascii_letters + digits
# Nobody numbers a version like these networks.
_PRIVATE: Final = ("10.", "127.", "192.168.", "172.", "169.254.")


def ipv4(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Four octets that are no version and no part of a longer number."""
    end = match.end()
    if max(map(int, text[start:end].split("."))) > 255:
        return None
    private = text.startswith(_PRIVATE, start)
    if not _address_begins(text, start, private) or not _address_ends(text, end, private):
        return None
    if word_before(text, start) in _VERSION_WORDS or marker_touches(text, start, end):
        return None
    return start, end


def _address_begins(text: str, start: int, private: bool) -> bool:
    before = char_before(text, start)
    if before in WORD or before == ".":
        return False
    further = text[start - 2] if start >= 2 else ""
    if before == "-":
        return further not in LETTERS  # nginx-1.25.3.1, but 10.0.0.1-10.0.0.9
    # Chrome/1.2.3.4 is a product; Java writes localhost/127.0.0.1, and host/8.8.8.8:53
    return before != "/" or private or further not in WORD or _port_follows(text, start)


def _port_follows(text: str, start: int) -> bool:
    end = text.find(":", start, start + len("255.255.255.255:"))
    return end > 0 and text[end + 1 : end + 2] in DIGITS


def _address_ends(text: str, end: int, private: bool) -> bool:
    after, further = text[end : end + 1], text[end + 1 : end + 2]
    if after in WORD or (after in {".", "+"} and further in WORD):
        return False
    return after != "-" or private or further not in LETTERS  # 1.2.3.4-alpine


_RUN: Final = frozenset(hexdigits + ":.")


def ipv6(text: str, start: int, match: re.Match[str]) -> Range | None:
    """What parses as an address, is no EUI-64 and no ``Foo::Bar``."""
    end = match.end()
    before = char_before(text, start)
    if before in _RUN:
        if before != ":" or not _is_key(text, start - 1):
            return None
    elif before in WORD or marker_touches(text, start, end):
        return None
    if text[end : end + 1] in WORD:
        return None
    while text[end - 1] == "." or (text[end - 1] == ":" and text[end - 2] != ":"):
        end -= 1
    if text[start] == ":" and text[start + 1] != ":":
        start += 1
    if not _looks_assigned(text[start:end].split(":")):
        return None
    try:
        IPv6Address(text[start:end])
    except AddressValueError:
        return None
    return start, end


def _is_key(text: str, colon: int) -> bool:
    """Whether a word that cannot be a group stands in front, as in ``node:2001:db8::1``."""
    word = text[max(0, colon - 16) : colon]
    return any(letter not in hexdigits for letter in word[len(word.rstrip(_ALNUM)) :])


def _looks_assigned(groups: list[str]) -> bool:
    if len(groups) == 8 and all(len(group) == 2 for group in groups):
        return False  # EUI-64
    first = groups[0].lower()
    if first and not DIGITS.intersection(first) and not first.startswith(("fc", "fd", "fe", "ff")):
        return False  # dec::f32
    return any(DIGITS.intersection(group) for group in groups)


_LOCAL: Final = frozenset(_ALNUM + "._%+-")
_ESCAPED_JOINT: Final = re.compile(
    r"%(?:20|22|26|2[Ff]|3[A-Fa-f])"
)  # no "+", no "_": these may be in names
# systemd units and file names look like e-mail: user@1000.service, logo@2x.png
_NO_DOMAIN: Final = frozenset(
    "service socket timer slice scope mount target device path swap automount"
    " png jpg jpeg gif svg webp ico js ts mjs css map json yaml yml xml html txt log gz zip"
    " py pyc java class jar go rs rb php sh so dll exe conf".split()
)


def email(text: str, start: int, match: re.Match[str]) -> Range | None:
    """The domain is cut to its last label of letters; letters of other scripts belong to the name."""
    domain = match["domain"].rstrip(".-")
    labels = domain.split(".")
    top = labels[-1].lower()
    if len(labels) < 2 or not (top.isalpha() and 2 <= len(top) <= 24) or top in _NO_DOMAIN:
        return None
    if not all(labels) or max(map(len, labels)) > 63:
        return None
    if labels[0].isdecimal() and labels[1].isdecimal():
        return None  # a package: pkg@1.2.3-beta.rc
    name = text[start : match.start()]
    if (start and text[start - 1] in _LOCAL and len(name) < 64) or not name.strip(".-"):
        return None
    if name == "git" and not text.startswith("://", max(0, start - 3)):
        return None  # git@github.com:owner/repository
    for escape in _ESCAPED_JOINT.finditer(name):
        start = match.start() - len(name) + escape.end()
    start += len(text[start : match.start()]) - len(text[start : match.start()].lstrip(".-"))
    for _ in range(64):
        if not (start and text[start - 1].isalnum()):
            break
        start -= 1
    return start, match.start("domain") + len(domain)
