"""Guards of e-mail addresses."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final

from logweir.redact.neighbours import words
from logweir.redact.patterns import compiled
from logweir.redact.rule import Range

if TYPE_CHECKING:
    import re

_NAME: Final = ascii_letters + digits + "._%+-"
_NAME_MAX: Final = 64  # RFC 5321, section 4.5.3.1.1
_ESCAPED_JOINT: Final = (
    r"%(?:25)?(?:20|2[2-9]|2[CcFf]|3[A-Fa-f]|[57][BbDd]|7[Cc])"  # no "+", no "_": names have them
)
_ESCAPED_LETTER: Final = r"u([0-9A-Fa-f]{4})"
_COLOUR: Final = r"\x1b\[[0-9;]{0,12}m"
_DIALLED: Final = r"\+[0-9]{8,15}(?:@|%40)"
# systemd units and file names look like e-mail: user@1000.service, logo@2x.png
_NO_DOMAIN: Final = words("""
    service socket timer slice scope mount target device path swap automount
    png jpg jpeg gif svg webp ico js ts mjs css map json yaml yml xml html txt log gz zip
    py pyc java class jar go rb php sh so dll exe conf
""")


def email(text: str, at: int, match: re.Match[str]) -> Range | None:
    """The domain ends in letters; letters of other scripts belong to the name, too."""
    domain = _domain(match["domain"])
    if not domain:
        return None
    if text.startswith("git@", max(0, at - 3)) and not text.startswith("://", max(0, at - 6)):
        return None  # git@github.com:owner/repository
    name = text[max(0, at - _NAME_MAX) : at]
    start = at - len(name) + len(name.rstrip(_NAME))
    joints = compiled(_ESCAPED_JOINT).findall(text, start, at) if "%" in name else ()
    if joints:
        start = text.rindex(joints[-1], start, at) + len(joints[-1])
    elif start and not text[start - 1].isspace():
        start = _name_begins(text, start)
    if compiled(_DIALLED).match(text, start):
        return None  # sip:+442079460958@example.com is left to the phones
    while start < at and text[start] in ".+-":
        start += 1
    return None if start == at else (start, match.start("domain") + len(domain))


def _name_begins(text: str, start: int) -> int:
    """Where the name begins: letters of other scripts belong to it, and escaped ones."""
    least = max(0, start - _NAME_MAX)
    while start > least:
        before = text[start - 1]
        if before == "\\" and (letter := compiled(_ESCAPED_LETTER).match(text, start)):
            if int(letter[1], 16) < 0x80:
                return letter.end()  # \u003cjoe@example.com
        elif before == "[" and (colour := compiled(_COLOUR).match(text, start - 2)):
            return colour.end()
        elif not before.isalnum() and before not in "._+-":
            break
        start -= 1
    return start


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
