"""Guards of addresses: IPv4, IPv6, e-mail."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from string import ascii_letters, digits, hexdigits
from typing import Final

from logweir.redact.neighbours import (
    DIGITS,
    LETTERS,
    MARKER,
    WORD,
    char_before,
    marker_touches,
    word_before,
    words,
)
from logweir.redact.rule import Range

_ALNUM: Final = ascii_letters + digits
_VERSION_WORDS: Final = words("""
    amendment build chapter clause firmware rel release rev revision section sections v ver version
    versions
""")
# Nobody numbers a version like these networks.
_PRIVATE: Final = ("10.", "127.", "192.168.", "172.", "169.254.")
_COMPARED: Final = ("<=", ">=", "<<", "(=", "~>", "==")  # libfoo (>= 1.2.3.4)
_EPOCH: Final = re.compile(r"(?:\A|[^0-9.])[0-9]{1,2}:\Z")  # Debian's: 2:1.4.99.1
_RANGE: Final = re.compile("-[0-9]{1,3}[.]")


def ipv4(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Four octets that are no version and no part of a longer number."""
    end = match.end()
    if max(map(int, text[start:end].split("."))) > 255 or not _is_apart(text, start, end):
        return None
    if word_before(text, start) in _VERSION_WORDS or marker_touches(text, start, end):
        return None
    if text.startswith(_PRIVATE, start) or not _is_version(text, start, end):
        return start, end
    return None


def _is_apart(text: str, start: int, end: int) -> bool:
    before = char_before(text, start)
    if before in WORD or before == ".":
        return False
    if before in {"-", ":"} and start >= 2:
        further = text[start - 2]
        if before == "-" and further in LETTERS:
            return False  # nginx-1.25.3.1, but 10.0.0.1-10.0.0.9
        if before == ":" and (further == "/" or text.endswith(".jar", 0, start - 1)):
            return False  # a stack trace: ~[classes/:1.2.3.4]
    after, behind = text[end : end + 1], text[end + 1 : end + 2]
    joined = after in {".", "+"} and (behind in WORD or text.startswith(MARKER, end + 1))
    return after not in WORD and not joined


def _is_version(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 4) : start]
    if before[-1:] == "/" and before[-2:-1] in LETTERS:
        return not _port_follows(text, end)  # Chrome/1.2.3.4, but Java's dns.google/8.8.8.8:53
    if _EPOCH.search(before):
        return True
    if text[end : end + 1] == "-" and text[end + 1 : end + 2] in WORD:
        return not _RANGE.match(text, end)  # 1.2.3.4-alpine, 1.2.3.4-2
    return before.rstrip(" ").endswith(_COMPARED)


def _port_follows(text: str, end: int) -> bool:
    return text[end : end + 1] == ":" and text[end + 1 : end + 2] in DIGITS


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
    if first and len(groups) < 8 and first != "64":
        networks = (
            "2",
            "3",
            "fc",
            "fd",
            "fe",
            "ff",
        )  # what was ever given out: no dec::f32, F1::F2
        if len(first) < 3 or not first.startswith(networks):
            return False
    return any(DIGITS.intersection(group) for group in groups)


_ESCAPED_JOINT: Final = re.compile(
    r"%(?:20|22|26|2[Ff]|3[A-Fa-f])"
)  # no "+", no "_": these may be in names
# systemd units and file names look like e-mail: user@1000.service, logo@2x.png
_NO_DOMAIN: Final = words("""
    service socket timer slice scope mount target device path swap automount
    png jpg jpeg gif svg webp ico js ts mjs css map json yaml yml xml html txt log gz zip
    py pyc java class jar go rs rb php sh so dll exe conf
""")


def email(text: str, start: int, match: re.Match[str]) -> Range | None:
    """The domain ends in letters; letters of other scripts belong to the name, too."""
    domain = _domain(match["domain"])
    if not domain:
        return None
    at = match.start()
    if text.startswith("git@", max(0, at - 3)) and not text.startswith("://", max(0, at - 6)):
        return None  # git@github.com:owner/repository
    for escape in _ESCAPED_JOINT.finditer(text, start, at):
        start = escape.end()
    while start < at and text[start] in ".-":
        start += 1
    if start == at:
        return None
    first = start
    while start and first - start < 64 and text[start - 1].isalnum():
        start -= 1
    return start, match.start("domain") + len(domain)


def _domain(run: str) -> str:
    """The domain that a run of its characters begins with, or ""."""
    labels = run.rstrip(".-").split(".")
    if labels[-1].lower() in _NO_DOMAIN or not all(labels) or max(map(len, labels)) > 63:
        return ""
    while len(labels) > 1:
        top = labels[-1].partition("-")[0]  # example.com-0
        if top.isalpha() and 2 <= len(top) <= 24:
            package = labels[0].isdecimal() and labels[1].isdecimal()  # pkg@1.2.3-beta.rc
            return "" if package else ".".join([*labels[:-1], top])
        labels.pop()
    return ""
