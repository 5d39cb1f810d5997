"""Guards of secrets: key = value, tokens, Authorization, JWT."""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from typing import Final

from logweir.redact.neighbours import LETTERS, MARKER, WORD, char_before, marker_touches, words
from logweir.redact.rule import Range

# Between a key and its value, in the languages and formats that logs quote:
#   key=  key:  key :=  "key":  \"key\":  'key' =>  ['key'] =  <key>  key%3D  --key v  KEY 'v'
ASSIGNED: Final = (
    r"(?P<shut>\\{0,7}[\"'`]?\]?)(?P<sep>[ \t]{0,4}(?:[:.?]=|=>|[:=>]|%3[Dd])[ \t]{0,4}|[ \t]{1,4})"
    r"(?P<quote>(?:[bBruU@]?\\{0,7}[\"'`])?)"
)

_BARE: Final = re.compile(r"[^\s\"'`,;&<>)\]}\[\\|]*")
_QUOTED: Final = {quote: re.compile(rf"[^{quote}\r\n]*") for quote in "\"'`"}
_BACKSLASHES: Final = 8

# After a key these are no value but the rest of a sentence, or the lack of one.
_NO_VALUE: Final = words("""
    a accepted an and are as at authentication be been but by can cannot changed check correct do
    does doesn don empty error expected expired expires fail failed failure false for from given
    has hidden if in incorrect invalid is isn it length masked may mismatch missing must n/a new
    nil no none not now null of ok old on or provided redacted required reset set should string
    that the this to too true type undefined unset update updated user validation via was when
    will with wrong yes
""")
_PLACEHOLDER: Final = ("${", "{{", "$(", "%s", "%(")
_CODE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*[(\[]")


def password(text: str, start: int, match: re.Match[str]) -> Range | None:
    """The value of a key that ends in a word for password."""
    key = match["key"].lower()
    if key in {"pass", "pwd"}:
        if char_before(text, start) in LETTERS and not text[start].isupper():
            return None  # bypass, compass
        if not match["sep"].strip(" \t") or (
            key == "pass" and ": " in match["sep"] and not match["quote"]
        ):
            return None  # a test that passed
        if match["quote"] == "`":
            return None  # PWD=`pwd`
    value = _value(text, match)
    if value and not match["quote"]:
        given = text[slice(*value)]
        if (key == "pass" and given.rstrip(":").isdecimal()) or (key == "pwd" and given[0] == "/"):
            return None  # how many passed; the working directory
    return value


def named_secret(text: str, _start: int, match: re.Match[str]) -> Range | None:
    """The value of a key that says secret or token."""
    value = _value(text, match)
    if not value or match["quote"] or "=" in match["sep"]:
        return value
    # Unexpected token: foo. A bare value after a colon has to look made, not written.
    given = text[slice(*value)]
    made = len(given) >= 6 and not given.isalpha() and not given.startswith("/")
    return value if made or len(given) >= 16 else None


_KEY_OWNERS: Final = (
    "access", "account", "admin", "api", "app", "auth", "client", "encryption", "hmac", "license",
    "master", "private", "secret", "service", "session", "shared", "signing", "ssh", "storage",
    "subscription",
)  # fmt: skip


def named_key(text: str, start: int, match: re.Match[str]) -> Range | None:
    """The value of an API key and its like; the key of a map or a table is no secret."""
    owner = text[max(0, start - 16) : start].rstrip("_- ").lower()
    return named_secret(text, start, match) if owner.endswith(_KEY_OWNERS) else None


def _value(text: str, match: re.Match[str]) -> Range | None:
    start, quote, separator = match.end(), match["quote"], match["sep"]
    if not separator.strip(" \t") and not _is_option(text, match):
        return None
    if quote:
        end = _closed(text, start, quote[-1], quote.count("\\"))
    else:
        end = _BARE.match(text, start).end()  # type: ignore[union-attr]  # it matches nothing, too
        if text[end - 1 : end] == "(" and text[end : end + 1] in _QUOTED:
            start, end = end + 1, _closed(text, end + 1, text[end], 0)  # Some("…")
            quote = "("
    given = text[start:end]
    if separator == ">" and not quote and not text.startswith("</", end):
        return None
    return None if _is_no_value(given, quote, separator) else (start, end)


def _is_option(text: str, match: re.Match[str]) -> bool:
    """Without a sign between, only ``--password value`` and SQL's ``PASSWORD 'value'``."""
    if match["quote"] == "'" and not match["shut"]:
        return match[0].lower().startswith("password")
    word = text[max(0, match.start() - 24) : match.start()]
    return not match["quote"] and word[word.rfind(" ") + 1 :].startswith("--")


def _is_no_value(given: str, quote: str, separator: str) -> bool:
    if not given or given.startswith((MARKER, *_PLACEHOLDER)) or not given.strip("*•"):
        return True
    if quote:
        return False
    if given[0] in "=:{(" or given.rstrip(".:!?").lower() in _NO_VALUE:
        return True
    return separator == " = " and bool(_CODE.match(given))


def _closed(text: str, start: int, quote: str, depth: int) -> int:
    r"""Where the value ends: before its quote, which has as many backslashes as the opening one."""
    end = start
    while True:
        end = _QUOTED[quote].match(text, end).end()  # type: ignore[union-attr]  # may be empty
        if text[end : end + 1] != quote:
            return end  # cut off: the rest of the line goes
        near = text[max(start, end - _BACKSLASHES) : end]
        slashes = len(near) - len(near.rstrip("\\"))
        if slashes == depth or (depth == 0 and slashes % 2 == 0) or slashes < depth:
            return end - slashes if depth else end
        end += 1


def token(text: str, start: int, match: re.Match[str]) -> Range | None:
    """A token that says itself what it is, at the beginning of a word."""
    end = match.end()
    if char_before(text, start) in WORD or marker_touches(text, start, end):
        return None
    return start, end


def jwt(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Three parts, or the five of an encrypted one; the last is empty where nothing is signed."""
    whole = match[0].rstrip("-")
    parts = whole.split(".")
    if len(parts) in {4, 6} and not parts[-1]:
        parts = parts[:-1]  # the end of a sentence
    if len(parts) not in {3, 5} or len(parts[0]) < 12:
        return None
    if char_before(text, start) in WORD or marker_touches(text, start, match.end()):
        return None
    return start, start + len(".".join(parts))


def bearer(text: str, start: int, match: re.Match[str]) -> Range | None:
    """``Bearer authentication`` is prose: a token has a digit in it, or is long."""
    value = match["value"]
    if char_before(text, start) in WORD or (value.isalpha() and len(value) < 20):
        return None
    return match.span("value")


def basic(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Base64 of ``user:password``; nothing else is meant by Basic."""
    value = match["value"]
    try:
        known = b":" in a2b_base64(value + "=" * (-len(value) % 4))
    except NotBase64:
        return None
    return match.span("value") if known and char_before(text, start) not in WORD else None


_SCHEMES: Final = words("apikey basic bearer digest key negotiate ntlm token")


def authorization(text: str, _start: int, match: re.Match[str]) -> Range | None:
    """What follows the scheme, or all where there is none."""
    value = match["value"]
    if not match["scheme"]:
        behind = text[match.end() : match.end() + 4 + len(MARKER)].lstrip(" \t")
        if (value.isalpha() and len(value) < 12) or behind.startswith(MARKER):
            return None
    if value.endswith("=") and text[match.end() : match.end() + 1] in {'"', "'", "\\"}:
        return None  # Digest username="al"
    known = value.lower() in _SCHEMES or value.rstrip(".:").lower() in _NO_VALUE
    return None if known else match.span("value")


_PEM_BREAK: Final = r"(?:\s|\\{1,4}[rnt]){0,40}"
_PEM_LINE: Final = re.compile(_PEM_BREAK + r"[A-Za-z0-9+/=]{16,}")
_PEM_END: Final = re.compile(
    _PEM_BREAK + r"[A-Za-z0-9+/=]{0,16}" + _PEM_BREAK + r"-----END [A-Z0-9 ]{0,40}-----"
)


def pem(text: str, start: int, match: re.Match[str]) -> Range | None:
    """From BEGIN to END, or as far as there are lines of Base64: a log may be cut off."""
    end = match.end()
    while line := _PEM_LINE.match(text, end):
        end = line.end()
    if last := _PEM_END.match(text, end):
        end = last.end()
    return (start, end) if end > match.end() else None


def only_value(_text: str, _start: int, match: re.Match[str]) -> Range:
    """The group of that name, and nothing around it."""
    return match.span("value")
