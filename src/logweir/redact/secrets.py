"""Guards of secrets that say themselves what they are: tokens, JWT, Authorization, PEM keys."""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64

from logweir.redact.light import TYPE_CHECKING, Final
from logweir.redact.neighbours import CUT, WORD, char_before, cut_touches, words
from logweir.redact.patterns import compiled
from logweir.redact.placeholders import is_placeholder
from logweir.redact.rule import Range

if TYPE_CHECKING:
    import re


def token(text: str, start: int, match: re.Match[str]) -> Range | None:
    """A token that says itself what it is, at the beginning of a word."""
    end = match.end()
    if char_before(text, start) in WORD or cut_touches(text, start, end):
        return None
    return start, end


def jwt(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Three parts, or the five of an encrypted one; the last is empty where nothing is signed."""
    whole = match[0].rstrip("-") if match[0].endswith("--") else match[0]
    parts = whole.split(".")
    if len(parts) in {4, 6} and not parts[-1]:
        parts = parts[:-1]  # the end of a sentence
    if len(parts) not in {3, 5} or len(parts[0]) < 12:
        return None
    if char_before(text, start) in WORD or cut_touches(text, start, match.end()):
        return None
    return start, start + len(".".join(parts))


def bearer(text: str, start: int, match: re.Match[str]) -> Range | None:
    """``Bearer authentication`` is prose: a token has a digit in it, or is long."""
    value = match["value"]
    if char_before(text, start) in WORD or (value.isalpha() and len(value) < 20):
        return None
    if value.endswith("=") and text[match.end() : match.end() + 1] in WORD | {CUT}:
        return None  # token_type=bearer expires_in=3600
    return match.span("value")


def basic(text: str, start: int, match: re.Match[str]) -> Range | None:
    """Base64 of ``user:password``; nothing else is meant by Basic."""
    known = _is_basic(match["value"])
    return match.span("value") if known and char_before(text, start) not in WORD else None


def _is_basic(value: str) -> bool:
    """Whether it says ``user:password``: a colon alone may come of any word by chance."""
    try:
        said = a2b_base64(value + "=" * (-len(value) % 4)).decode()
    except (NotBase64, UnicodeDecodeError):
        return False
    return ":" in said and said.isprintable()


_SCHEMES: Final = words("apikey basic bearer digest key negotiate ntlm token")
_NO_VALUE: Final = words("expected failed invalid missing none null optional required undefined")
_WITH_PARAMETERS: Final = words("aws4-hmac-sha256 digest hawk hmac mac oauth signature")
_PARAMETER: Final = (
    r"[A-Za-z][A-Za-z0-9_-]{0,40}=(?:\\{0,7}\"[^\"\\\r\n]*\\{0,7}\"|[^\s\x1b\"'\\,;<>]+)"
)
_PARAMETERS: Final = rf"{_PARAMETER}(?:[ \t]?,[ \t]?{_PARAMETER})*"


def authorization(text: str, _start: int, match: re.Match[str]) -> Range | None:
    """What follows the scheme, or all where there is none."""
    value, scheme = match["value"], match["scheme"]
    told = value.rstrip(".:").isalpha() or value[0] in "([{#"
    if told and scheme and scheme.strip().lower() not in _SCHEMES:
        return None  # authorization: granted for all (+12 ms)
    if scheme and scheme.strip().lower() == "basic" and told and not _is_basic(value):
        return None  # Authorization: Basic parsing
    if not scheme:
        behind = text[match.end() : match.end() + 5].lstrip(" \t")
        if (value.isalpha() and len(value) < 12) or behind.startswith(CUT):
            return None
    if scheme and scheme.strip().lower() in _WITH_PARAMETERS:
        parameters = compiled(_PARAMETERS).match(text, match.start("value"))
        return parameters and parameters.span()  # Digest username="al", response="6629fae4"
    if (
        is_placeholder(value)
        or value.lower() in _SCHEMES
        or value.rstrip(".:").lower() in _NO_VALUE
    ):
        return None
    return match.span("value")


_PEM_BREAK: Final = r"(?:\s|\\{1,4}[rnt]){0,40}"
_PEM_LINE: Final = _PEM_BREAK + r"[A-Za-z0-9+/=]{16,}"
_PEM_END: Final = (
    _PEM_BREAK + r"[A-Za-z0-9+/=]{0,16}" + _PEM_BREAK + r"-----END [A-Z0-9 ]{0,40}-----"
)


# What a logger puts around each line: web_1  | MIIE…, {"log":"MIIE…\\n","stream":"stdout"}
PEM_TAIL: Final = r"(?:\\{1,4}n)?(?:[\"'][^\r\n]*)?[ \t]*"
_PEM_PREFIX: Final = r"[^\r\n]{0,200}?[ \t|>:\"']"
PREFIXED_LINE: Final = rf"{_PEM_PREFIX}[A-Za-z0-9+/=]{{60,76}}{PEM_TAIL}"
PREFIXED_LAST: Final = rf"{_PEM_PREFIX}[A-Za-z0-9+/=]{{1,76}}{PEM_TAIL}"
_PEM_PREFIXED: Final = (
    rf"{PEM_TAIL}(?:\r?\n(?![^\r\n]*-----BEGIN){PREFIXED_LINE}){{1,120}}(?:\r?\n{PREFIXED_LAST})?"
    rf"\r?\n{_PEM_PREFIX}-----END [A-Z0-9 ]{{0,40}}-----"
)


def pem(text: str, start: int, match: re.Match[str]) -> Range | None:
    """From BEGIN to END, or as far as there are lines of Base64: a log may be cut off.

    Where each line has a prefix of its own, it has to come to its END.
    """
    if prefixed := compiled(_PEM_PREFIXED).match(text, match.end()):
        return start, prefixed.end()
    end = match.end()
    while line := compiled(_PEM_LINE).match(text, end):
        end = line.end()
    if last := compiled(_PEM_END).match(text, end):
        end = last.end()
    return (start, end) if end > match.end() else None


def sql_password(_text: str, _start: int, match: re.Match[str]) -> Range | None:
    """The string, unless it is to be filled in; a function in small letters is no SQL."""
    value = match["value"]
    filled_in = is_placeholder(value) or value in {"?", ":password"}
    return None if filled_in or match[0].startswith("password(") else match.span("value")


_CURL_USER: Final = (
    r"[^\r\n\x1a]{0,300}?[ \t](?:-[A-Za-z]{0,8}u|--(?:proxy-)?user)[ \t=]{0,2}\\{0,7}[\"']?"
    r"[^\s\x1a\"'\\:]{0,64}:(?P<value>[^\s\x1a\x1b\"'\\<>|;&]{1,256})"
)


def curl_password(text: str, _start: int, match: re.Match[str]) -> Range | None:
    """``curl -u al:hunter2``."""
    return _filled_in(compiled(_CURL_USER).match(text, match.end() - 1))


_DSN_USER: Final = (  # the last one: WARNING:dsn=al:hunter2
    r"(?:[\s\S]*[\s\"'`=(,;])?[A-Za-z0-9_.-]{1,32}:(?P<value>[^\s\x1a\"'`(]{1,96})\Z"
)


def dsn_password(text: str, start: int, _match: re.Match[str]) -> Range | None:
    """``al:hunter2@tcp(db:3306)/x``."""
    return _filled_in(compiled(_DSN_USER).match(text, max(0, start - 130), start))


def url_signature(text: str, start: int, match: re.Match[str]) -> Range | None:
    """A parameter, and no part of another one's name."""
    return match.span("value") if text[start - 1 : start] in {"?", "&", ";"} else None


def _filled_in(match: re.Match[str] | None) -> Range | None:
    return match.span("value") if match and not is_placeholder(match["value"]) else None


def only_value(_text: str, _start: int, match: re.Match[str]) -> Range:
    """The group of that name, and nothing around it."""
    return match.span("value")
