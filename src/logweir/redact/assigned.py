"""Guards of ``key = value`` secrets: passwords, secrets, tokens, API keys. Only the value goes."""

from __future__ import annotations

from logweir.redact.assignment import (
    DOTTED,
    QUOTED,
    is_mentioned,
    is_option,
    name_begins,
    value_of,
    whole,
)
from logweir.redact.light import TYPE_CHECKING, Final
from logweir.redact.neighbours import LETTERS, char_before, words
from logweir.redact.patterns import compiled
from logweir.redact.rule import Range

if TYPE_CHECKING:
    import re

_SETTINGS: Final = words("false no off on true yes")
_NAME_SERVICES: Final = words("compat db files hesiod ldap nis nisplus sss systemd winbind")
_OBJECT: Final = r"[A-Za-z_$][A-Za-z0-9_.$]*(?:[({]|@[0-9a-f]{4,16}\Z)"  # Token{78af589 …}
_PATH: Final = (
    r"/[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+"  # of a file
    "|[a-z][a-z.-]*/[a-z][a-z.-]*"  # Kubernetes' namespace/name
)
_NOT_A_KEY: Final = ("(", "-", "(ch")
_PAGE: Final = "(?:/[a-z][a-z_.-]*)+/?"
_TO_A_PAGE: Final = ("change", "forget", "forgot", "lost", "recover", "reset", "update")
_DIRECTORY: Final = r"/[A-Za-z0-9_.~@/-]{0,256}(?:[^A-Za-z0-9_.~@/+=-]|\Z)"  # Base64 has a + or =
_QUOTED_DIRECTORY: Final = r"/[A-Za-z0-9_.~@/ -]{0,256}(?:[\"'\\]|\Z)"
_COLUMNS: Final = "[A-Za-z_]+(?::[A-Za-z_]+)+"  # login:passwd:UID:GID
_SENTENCE: Final = (
    r"[ \t]\(?[A-Za-z\x1a][A-Za-z_-]{0,24}[ \t][A-Za-z(\x1a][A-Za-z-]*(?:[ \t.,;:()\x1a]|\Z)"
)
_NEXT_WORD: Final = r"[ \t](?:[a-z]+(?:[ \t.,;]|\Z)|\x1a)"


def password(text: str, start: int, match: re.Match[str]) -> Range | None:
    """The value of a key that ends in a word for password."""
    if is_mentioned(text, start, match):
        return None
    key = match["key"].lower()
    if key in {"pass", "pwd"} and not _is_short_key(text, start, match):
        return None
    if key == "pwd" and _is_directory(text, match):
        return None
    if match["key"].startswith("PASS") and text.endswith("NO", 0, start):
        return None  # NOPASSWD: ALL
    value = value_of(text, match)
    if value is None:
        return None
    given = text[slice(*value)]
    if given[0] == "/" and _leads_to_a_page(text, start, given):
        return None
    if match["quote"]:
        told = given.lower() in _SETTINGS or (match["quote"] == "`" and given == "pwd")
        return None if told else value  # PWD=`pwd`, "permitemptypasswords": "no"
    if key == "passwd" and match["sep"] == ":" and text.endswith(_NOT_A_KEY, 0, start):
        return None  # pam_unix(passwd:chauthtok), base-passwd:amd64
    if key == "pass" and given.rstrip(":").isdecimal():
        return None  # how many passed
    if _begins_a_sentence(text, start, match, value) or _is_a_column(text, match, given):
        return None
    return None if key == "passwd" and given in _NAME_SERVICES else whole(text, match, value)


_PASS_OWNERS: Final = (
    "admin", "api", "app", "auth", "database", "db", "email", "ftp", "http", "imap", "keystore",
    "ldap", "login", "mail", "mongo", "mysql", "pg", "postgres", "proxy", "rabbitmq", "redis",
    "root", "service", "smtp", "ssh", "user",
)  # fmt: skip


def _is_short_key(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether "pass" or "pwd" is a key here, and no part of bypass or of PASS: 12."""
    if char_before(text, start) in LETTERS and not text[start].isupper():
        return False
    if not match["sep"].strip(" \t"):
        return is_option(text, match)
    near = text[max(0, start - 16) : start]
    if near.endswith(("_", "-", ".")) and near[:-1].lower().endswith(_PASS_OWNERS):
        return True
    if match["key"] == "PASS" and char_before(text, start) in {"", "\n"}:
        return "=" in match["sep"]  # PASS: "a test's name"
    passed = match["key"].lower() == "pass" and ": " in match["sep"]
    return not passed or bool(match["quote"])


def _is_directory(text: str, match: re.Match[str]) -> bool:
    """Whether it is the working directory that follows."""
    directory = _QUOTED_DIRECTORY if match["quote"] else _DIRECTORY
    return bool(compiled(directory).match(text, match.end()))


def _begins_a_sentence(text: str, start: int, match: re.Match[str], value: Range) -> bool:
    """Whether a name is spoken of: user_password: pass on the error, --token= described here."""
    given, separator = text[slice(*value)], match["sep"]
    if not given.isalpha() or separator[-1] != " ":
        return False
    if separator[0] == "=":
        return bool(compiled(_NEXT_WORD).match(text, value[1]))
    if separator[0] != ":":
        return False
    listed = match[0][: match.start("shut") - start].endswith("s")
    compound = listed or char_before(text, start) in LETTERS | {"_", "-"}
    written = given.islower() or given.istitle()
    return compound and written and bool(compiled(_SENTENCE).match(text, value[1]))


def _is_a_column(text: str, match: re.Match[str], given: str) -> bool:
    """Whether a list of columns has one for it: login:passwd:UID:GID."""
    before = char_before(text, name_begins(text, match.start()))
    return match["sep"] == before == ":" and bool(compiled(_COLUMNS).fullmatch(given))


def _leads_to_a_page(text: str, start: int, given: str) -> bool:
    """Whether it is where one goes with no password: forgot_password=/reset."""
    owner = text[max(0, start - 16) : start].rstrip("_-. ").lower()
    return owner.endswith(_TO_A_PAGE) and bool(compiled(_PAGE).fullmatch(given))


def named_secret(text: str, start: int, match: re.Match[str]) -> Range | None:
    """The value of a key that says secret or token."""
    if is_mentioned(text, start, match):
        return None
    return _named(text, start, match, _is_compound(text, start))


def _named(text: str, start: int, match: re.Match[str], compound: bool) -> Range | None:
    value = value_of(text, match)
    if value is None or match["quote"]:
        return value
    given, separator = text[slice(*value)], match["sep"]
    if (
        _names_a_thing(given, separator)
        or _is_public(text, start)
        or (separator == ":" and char_before(text, start) == ":")
    ):
        return None  # arn:aws:secretsmanager:eu-west-1:1234:secret:name
    if given.isdecimal() and len(given) < (8 if separator.startswith("   ") else 6):
        return None  # how many tokens, EOS token = 128009
    if _begins_a_sentence(text, start, match, value) or _is_of_pkcs11(text, start):
        return None
    taken = whole(text, match, value)
    if given.isalpha() and separator[-1] == " " and _is_prose(text, match, taken[1]):
        return None
    if "=" in separator or separator.endswith(">") or "%" in separator or compound:
        return taken
    # Unexpected token: foo. A bare value after a colon has to look made, not written.
    made = len(given) >= 6 and not given.isalpha() and not given.startswith("/")
    field = separator == ":" and text[start].isupper()  # Go's {Token:abc Debug:false}
    return taken if made or field or len(given) >= 16 or _is_quoted(text, match) else None


def _names_a_thing(given: str, separator: str) -> bool:
    """Whether it is the name of a class or a file, or an object's, rather than a secret."""
    if "/" in given and compiled(_PATH).fullmatch(given):
        return True
    if "." in given and separator not in {"=", ":="} and compiled(DOTTED).fullmatch(given):
        return not given.startswith("eyJ")
    opened = "(" in given or "{" in given or "@" in given
    return opened and bool(compiled(_OBJECT).match(given))


def _is_of_pkcs11(text: str, start: int) -> bool:
    """Whether it is a device's label, in a URI (RFC 7512)."""
    near = text[max(0, start - 128) : start]
    return "pkcs11:" in near and bool(compiled(r"pkcs11:(?:[^\s]*;)?\Z").search(near))


def _is_public(text: str, start: int) -> bool:
    return (
        text[max(0, start - 10) : start].lower().rstrip("_-").endswith(("publickey", "public_key"))
    )


def _is_compound(text: str, start: int) -> bool:
    """Whether the key is one of several words, as in auth_token or authToken: that is no prose.

    Nor is it the name of a class, as in security.token.Token.
    """
    before = char_before(text, start)
    if before == ".":
        return not text[start].isupper() or text[start + 1].isupper()
    return before in {"_", "-"} or (before.islower() and text[start].isupper())


def _is_prose(text: str, match: re.Match[str], end: int) -> bool:
    """Whether the key is a name, and a sentence follows: volume "db-secret" : references none."""
    named = match["sep"].strip() == ":" and (match["shut"] or match["sep"][0] == " ")
    return bool(named and compiled(r"[ \t][a-z-]{2,}(?:[ \t.,;]|\Z)").match(text, end))


def _is_quoted(text: str, match: re.Match[str]) -> bool:
    """Whether the key is: {'token': abc}."""
    quote = match["shut"][-1:]
    begins = name_begins(text, match.start())
    return quote in QUOTED and text[max(0, begins - 1) : begins] == quote


_KEY_OWNERS: Final = (
    "access", "account", "admin", "api", "app", "auth", "client", "encryption", "hmac", "license",
    "master", "private", "secret", "service", "session", "shared", "signing", "ssh", "storage",
    "subscription",
)  # fmt: skip


def named_key(text: str, start: int, match: re.Match[str]) -> Range | None:
    """The value of an API key and its like; the key of a map or a table is no secret."""
    if is_mentioned(text, start, match):
        return None
    near = text[max(0, start - 16) : start]
    owner = near[:-1] if near.endswith(("_", "-", ".", " ")) else near
    if not owner.lower().endswith(_KEY_OWNERS):
        return None
    return _named(text, start, match, not near.endswith(" "))
