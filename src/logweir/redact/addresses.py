"""Guards of network addresses: IPv4, IPv6."""

from __future__ import annotations

from logweir.redact.light import TYPE_CHECKING, Final
from logweir.redact.neighbours import (
    CUT,
    DIGITS,
    HEX_DIGITS,
    LETTERS,
    WORD,
    char_before,
    cut_touches,
    word_before,
    words,
)
from logweir.redact.patterns import compiled
from logweir.redact.rule import Range

if TYPE_CHECKING:
    import re

_ALNUM: Final = DIGITS | LETTERS
_VERSION_WORDS: Final = words("""
    amendment build chapter clause extension firmware oid rel release rev revision section sections
    rv trap v ver version versions
""")
_COMPOUNDS: Final = ("version", "versionname")  # osVersion
_PRODUCTS: Final = words("""
    chrome crios edg edga edge edgios electron firefox fxios headlesschrome opera opr safari
    samsungbrowser version vivaldi yabrowser
""")
# Nobody numbers a version like these networks.
_PRIVATE: Final = ("10.", "127.", "192.168.", "172.", "169.254.")
_ANY: Final = ".".join("0000")
_OPEN: Final = frozenset(["", *" \"'=([<,;|{\t"])  # most stand between these
_SHUT: Final = frozenset(["", *" \"',)]>;|}\t"])
_COMPARED: Final = ("<=", ">=", "<<", "(=", "~>", "==")  # libfoo (>= 1.2.3.4)
_COMPARING: Final = frozenset(["", *" (~=<>"])
_EPOCH: Final = r"(?:\A|[^0-9A-Za-z.])[0-9]{1,2}:\Z"  # Debian's: 2:1.4.99.1
_RANGE: Final = r"-[0-9]{1,3}\.[0-9]"
_HIERARCHY: Final = (
    r"(?:DIRECT|[A-Z]{2,}_[A-Z]{3,12}|(?i:udp|tcp|ip|ipv4|host|client|src|dst|addr))/\Z"
)
_PORT: Final = r":[0-9]{1,5}\Z"
_DUMPED: Final = r"\.[0-9]{1,5}(?: >|:)"


def ipv4(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Four octets that are no version and no part of a longer number."""
    end = match.end()
    before = text[start - 1 : start]
    plain = before in _OPEN and text[end : end + 1] in _SHUT
    if not plain and not _is_apart(text, start, end):
        return None
    if before == "/":
        if word_before(text, start - 1) in _PRODUCTS:
            return None
    elif (word := word_before(text, start)) and (
        word in _VERSION_WORDS or (len(word) > 7 and word.endswith(_COMPOUNDS))
    ):
        return None
    if text[start] == "0" and text[start + 1] == "." and text[start:end] != _ANY:
        return None  # Tor 0.4.6.8
    version = _is_compared(text, start) if plain else _is_version(text, start, end)
    return None if version and not text.startswith(_PRIVATE, start) else (start, end)


def _is_apart(text: str, start: int, end: int) -> bool:
    before = char_before(text, start)
    if before in WORD or before in {".", "~"} or cut_touches(text, start, end):
        return False
    if before in {"-", ":"} and start >= 2:
        further = text[start - 2]
        if before == "-" and further in LETTERS:
            return False  # nginx-1.25.3.1, but 10.0.0.1-10.0.0.9
        if before == ":" and (further == "/" or text.endswith(".jar", 0, start - 1)):
            return False  # a stack trace: ~[classes/:1.2.3.4]
    after, behind = text[end : end + 1], text[end + 1 : end + 2]
    joined = after in {".", "+"} and (behind in WORD or behind == CUT)
    if joined and compiled(_DUMPED).match(text, end) and text.endswith(("IP ", "> "), 0, start):
        return True  # tcpdump: IP 10.0.0.1.51438 > 8.8.8.8.53: …
    return after not in WORD and not joined


def _is_version(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 4) : start]
    last = before[-1:]
    if last == "/" and before[-2:-1] in LETTERS:
        # Chrome/1.2.3.4, but Java's dns.google/8.8.8.8:53 and Squid's HIER_DIRECT/8.8.8.8
        fetched = compiled(_HIERARCHY).search(text, max(0, start - 24), start)
        return not _port_follows(text, end) and not fetched
    if last == ":" and compiled(_EPOCH).search(before):
        return True
    if text[end : end + 1] == "-" and text[end + 1 : end + 2] in WORD:
        return not compiled(_RANGE).match(text, end)  # 1.2.3.4-alpine, 1.2.3.4-2
    return _is_compared(text, start)


def _is_compared(text: str, start: int) -> bool:
    if text[start - 1 : start] not in _COMPARING or text[start - 2 : start - 1] not in _COMPARING:
        return False
    return text[max(0, start - 4) : start].rstrip(" ").endswith(_COMPARED)


def _port_follows(text: str, end: int) -> bool:
    return text[end : end + 1] == ":" and text[end + 1 : end + 2] in DIGITS


_NETWORKS: Final = ("2", "3", "fc", "fd", "fe", "ff")  # all ever given out: no dec::f32, F1::F2
_GROUP: Final = frozenset(HEX_DIGITS)
_CHARACTERS: Final = f"{HEX_DIGITS}:."
_BEFORE: Final = 40  # of these that are looked at in front
_RUN: Final = WORD | {":", "."}


def ipv6(text: str, at: int, match: re.Match[str]) -> Range | None:
    """What parses as an address, is no EUI-64 and no ``Foo::Bar``; it may begin before `at`."""
    end = match.end()
    if text[end : end + 1] in WORD:
        return None  # std::string
    for start in _fronts(text, at):
        if taken := _ipv6(text, start, end):
            return taken
    return None


def _fronts(text: str, at: int) -> list[int]:
    """Where an address around `at` may begin: its characters do, or after a colon of these."""
    near = text[max(0, at - _BEFORE) : at]
    run = near[len(near.rstrip(_CHARACTERS)) :]
    first = at - len(run)
    fronts = [first]
    if text[first - 1 : first] == "%" and len(run) >= 2:
        fronts.append(first + 2)  # ip%3D2001:db8::1
    place = run.find(":")
    while place >= 0:
        fronts.append(first + place + 1)
        place = run.find(":", place + 1)
    if run:
        fronts.append(at)
    return fronts


def _ipv6(text: str, start: int, end: int) -> Range | None:
    if text[start] == ":" and text[start + 1] != ":":
        start += 1
    near = text[start - 1 : start]
    if near in _GROUP and text[start - 3 : start - 2] != "%":
        return None  # of a group, only its beginning is worth a look
    if near == ":" and not _is_key(text, start - 1):
        return None
    before = char_before(text, start)
    if near != ":" and (before in _RUN or cut_touches(text, start, end)):
        return None
    while text[end - 1] == "." or (text[end - 1] == ":" and text[end - 2] != ":"):
        end -= 1
    if before == "-" and compiled(r"-[A-Z][a-z]{2}-\Z").search(text, max(0, start - 5), start):
        return None  # Erlang's 9-Nov-2016::14:29:11
    if text[end : end + 1] == "." and text[end + 1 : end + 2] in WORD | {CUT}:
        return None
    if not is_ipv6(text[start:end]):
        port = compiled(_PORT).search(text, start, end)
        if not port or not is_ipv6(text[start : port.start()]):
            return None
        end = port.start()  # Apache's [client 2001:db8::1:52345]
    return (start, end) if _looks_assigned(text[start:end].split(":")) else None


def is_ipv6(address: str) -> bool:
    """Whether it is an address (RFC 4291, section 2.2), of digits, colons and dots.

    The module ipaddress says so, too, but takes as long to import as all of these.
    """
    head, gap, tail = address.partition("::")
    groups = [group for part in (head, tail) if part for group in part.split(":")]
    if groups and not address.endswith("::") and "." in groups[-1]:
        if not is_ipv4(groups.pop()):
            return False
        groups += "0", "0"
    if "" in groups or max(map(len, groups), default=0) > 4 or "." in "".join(groups):
        return False
    return len(groups) < 8 if gap else len(groups) == 8


def is_ipv4(address: str) -> bool:
    """Whether it is four numbers up to 255, none with a zero in front."""
    octets = address.split(".")
    return len(octets) == 4 and all(
        octet.isdecimal() and int(octet) < 256 and str(int(octet)) == octet for octet in octets
    )


def _is_key(text: str, colon: int) -> bool:
    """Whether a word that cannot be a group stands in front, as in ``node:2001:db8::1``."""
    return text[max(0, colon - 16) : colon].rstrip(HEX_DIGITS)[-1:] in _ALNUM


def _looks_assigned(groups: list[str]) -> bool:
    if len(groups) == 8 and all(len(group) == 2 for group in groups):
        return False  # EUI-64
    first = groups[0].lower()
    given_out = len(first) >= 3 and first.startswith(_NETWORKS)
    if first and len(groups) < 8 and first != "64" and not given_out:
        return False
    return not DIGITS.isdisjoint("".join(groups))
