"""Guards of e-mail addresses."""

from __future__ import annotations

from logweir.redact.light import TYPE_CHECKING, Final
from logweir.redact.neighbours import ASCII_DIGITS, ASCII_LETTERS, words
from logweir.redact.patterns import compiled
from logweir.redact.rule import Range

if TYPE_CHECKING:
    import re

_NAME: Final = ASCII_LETTERS + ASCII_DIGITS + "._%+-"
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
    avif pdf tar tgz rpm deb whl woff woff2 ttf mp4 tmp lock bak ko
""")
# Names of SSH's algorithms and extensions: zlib@openssh.com, rijndael-cbc@lysator.liu.se.
_SSH_DOMAINS: Final = words("libssh.org lysator.liu.se matt.ucc.asn.au openssh.com tinyssh.org")
_SSH_NAME: Final = r"(?:[a-z0-9]{1,32}-){1,8}[a-z0-9.]{1,32}|zlib|kexguess2|f?statvfs|fsync|eow|tun"
_NODES: Final = words("couchdb ejabberd emqx rabbit riak")  # Erlang's
_SCHEME: Final = r"[a-z][a-z0-9+.-]{1,32}\Z"
_MAIL_SCHEMES: Final = words("mailto sip sips xmpp")
_MESSAGE_ID: Final = (
    r"(?:message[-_ ]?id|msgid|in-reply-to|references)\\{0,3}[\"']?[ ]?[:=][ ]?\\{0,3}[\"']?"
    r"(?:<[^<>\s]{1,200}> )?<?\Z"
)
_MESSAGE_ID_MAX: Final = 256
_OBJECT: Final = r"[0-9a-f]{0,7}[0-9][0-9a-f]{0,7}\.[a-z]{4,}"  # Selector@1b2c3d.poll
_SERVICE: Final = r"(?:\A|[^A-Za-z0-9_/.-])[A-Za-z0-9_-]{2,16}/\Z"  # Kerberos: nn/host@EXAMPLE.COM
_SHELL: Final = r":[/~]"  # root@web01.example.com:~#
_PREFIXES: Final = frozenset("dDlLoO")  # o'brien, and no b'joe@example.com'


def email(text: str, at: int, match: re.Match[str]) -> Range | None:
    """The domain ends in letters; letters of other scripts belong to the name, too."""
    domain = _domain(match["domain"])
    end = match.start("domain") + len(domain)
    if not domain or compiled(_SHELL).match(text, end):
        return None
    if text.startswith("git@", max(0, at - 3)):
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
    if start == at or _is_no_mailbox(text, start, at, domain):
        return None
    return start, end


def _is_no_mailbox(text: str, start: int, at: int, domain: str) -> bool:
    """Whether a user at a host, an algorithm, a node, a principal or a message is named like it."""
    name, before = text[start:at], text[start - 1 : start]
    if domain in _SSH_DOMAINS:
        return bool(compiled(_SSH_NAME).fullmatch(name))
    if (
        before == "/"
        and domain.isupper()
        and compiled(_SERVICE).search(text, max(0, start - 20), start)
    ):
        return True
    if before == "/" and _is_user_of_host(text, start, at):
        return True
    if before and before in "<:= \"'" and _is_message_id(text, start):
        return True
    return name in _NODES or bool(compiled(_OBJECT).fullmatch(domain))


def _is_user_of_host(text: str, start: int, at: int) -> bool:
    """Whether it is a URL's user@host; the user itself may be an address: al%40example.com@host."""
    if not text.endswith("://", 0, start) or text[at] != "@":
        return False
    scheme = compiled(_SCHEME).search(text, max(0, start - 36), start - 3)
    return bool(scheme) and scheme[0] not in _MAIL_SCHEMES  # type: ignore[index]


def _is_message_id(text: str, start: int) -> bool:
    further = text.endswith("> <", 0, start)  # of several
    least = max(0, start - (_MESSAGE_ID_MAX if further else 32))
    # In lower case: a pattern that folds case is tried at each character, this one at few.
    return bool(compiled(_MESSAGE_ID).search(text[least:start].lower()))


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
        elif before == "'" and text[start - 2 : start - 1] in _PREFIXES:
            whole = start == least + 2 or not text[start - 3 : start - 2].isalnum()
            return start - 2 if whole else start
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
        cased = top.islower() or top.isupper() or top.istitle()  # no Loader@18b4aac2.loadClass
        if top.isalpha() and 2 <= len(top) <= 24 and cased:
            package = labels[0].isdecimal() and labels[1].isdecimal()  # pkg@1.2.3-beta.rc
            return "" if package else ".".join([*labels[:-1], top])
        labels.pop()
    return ""
