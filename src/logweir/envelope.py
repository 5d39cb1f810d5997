"""The envelope: one flat UTF-8 text, the same for JSON and for raw text, readable in any queue.

    logweir/1                              the version of the format
    kind: log                              log, or chunk of a long one
    tenant: acme
    log: 5f0c…
    source: json_upload
    received: 2026-01-31T09:26:53.589793Z
    attempt: 1                             one higher each time that its own work raised
    sha256: 9f86…                          of the whole text, as UTF-8
    characters: 42                         of the whole text
    index: 3                               ┐
    first: 3600                            ├ of a chunk: its text is whole_text[first:end]
    end: 4800                              ┘
    text: planned                          the text is not here, but in its plan in the store
    encoding: base64                       where a broker cannot carry the characters
    traceparent: 00-…                      if the client sent one
    checksum: 0c6f…                        BLAKE2b-128 of everything but this line
                                           an empty line; then the text as it came
    User 555-0199 logged in

Values cannot hold a newline, so a value can forge nothing. Only the very bytes that ``encode``
writes are read: ``decode`` encodes again what it has read and compares.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from logweir.clock import parse_timestamp, timestamp
from logweir.errors import UnknownVersion, Unreadable
from logweir.ids import LogId, TenantId

VERSION: Final = "logweir/1"
HEADER_BYTES_MAX: Final = 1024  # two ids, two hashes and the fixed fields stay well below it
_any_version = re.compile(rb"logweir/[0-9]{1,9}").fullmatch
_sha256 = re.compile(r"[0-9a-f]{64}").fullmatch
_traceparent = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
).fullmatch


class Source(StrEnum):
    """How the log came in; stored with the document."""

    JSON = "json_upload"
    TEXT = "text_upload"


@dataclass(frozen=True, slots=True)
class ChunkRange:
    """Which part of a long text a chunk is, in code points: ``text[first:end]``."""

    index: int
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A log, or a chunk of one, on its way.

    ``text`` is the whole text, a chunk's part of it, or None where the text lies in its plan.
    ``sha256`` and ``characters`` are of the whole text.
    """

    tenant: TenantId
    log: LogId
    source: Source
    received_at: datetime
    sha256: str
    characters: int
    text: str | None
    attempt: int = 1
    chunk: ChunkRange | None = None
    traceparent: str | None = None

    def next_attempt(self) -> Envelope:
        """The same, to be tried once more after its work raised."""
        return replace(self, attempt=self.attempt + 1)


def sha256_of(text: str) -> str:
    """The SHA-256 of a text as UTF-8, in lower-case hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def valid_traceparent(value: str) -> str | None:
    """The value, if it is a W3C trace context; a broken one is to be ignored, says its standard."""
    return value if _traceparent(value) else None


def encode(envelope: Envelope, *, base64_text: bool = False) -> bytes:
    """The bytes of an envelope; ``base64_text`` for a broker that cannot carry every character."""
    e = envelope
    body = b"" if e.text is None else e.text.encode()
    if base64_text:
        body = base64.b64encode(body)
    chunk = e.chunk
    head = (
        f"{VERSION}\nkind: {'log' if chunk is None else 'chunk'}\n"
        f"tenant: {e.tenant}\nlog: {e.log}\nsource: {e.source}\n"
        f"received: {timestamp(e.received_at)}\nattempt: {e.attempt}\n"
        f"sha256: {e.sha256}\ncharacters: {e.characters}\n"
        + (f"index: {chunk.index}\nfirst: {chunk.first}\nend: {chunk.end}\n" if chunk else "")
        + ("text: planned\n" if e.text is None else "")
        + ("encoding: base64\n" if base64_text else "")
        + (f"traceparent: {e.traceparent}\n" if e.traceparent else "")
    ).encode()
    return b"%bchecksum: %b\n\n%b" % (head, _checksum(head, body), body)


def decode(raw: bytes) -> Envelope:
    """The envelope in ``raw``.

    Raises Unreadable for anything that ``encode`` would not have written, and UnknownVersion for
    what a newer release may have.
    """
    head, separator, body = raw.partition(b"\n\n")
    version, _, lines = head.partition(b"\n")
    if version != VERSION.encode():
        if _any_version(version):
            raise UnknownVersion(f"version {version.decode()} is not known to this release")
        raise Unreadable("no version line")
    if not separator:
        raise Unreadable("no empty line after the headers")
    try:
        fields = _fields(lines.decode("ascii").split("\n"))
        in_base64 = fields.get("encoding") == "base64"
        envelope = _envelope(fields, _text(fields, body, in_base64))
    except (KeyError, ValueError, OverflowError) as error:  # InvalidId is a ValueError
        raise Unreadable(f"a header or the text cannot be read: {type(error).__name__}") from error
    if encode(envelope, base64_text=in_base64) != raw:
        raise Unreadable("the checksum or the form is wrong")
    _check_text(envelope)
    return envelope


def _checksum(head: bytes, body: bytes) -> bytes:
    digest = hashlib.blake2b(head, digest_size=16)
    digest.update(b"\n")
    digest.update(body)
    return digest.hexdigest().encode()


def _fields(lines: Sequence[str]) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lines)  # ValueError unless two


def _text(fields: dict[str, str], body: bytes, in_base64: bool) -> str | None:
    if fields.get("text") == "planned":
        return None
    try:
        return (base64.b64decode(body, validate=True) if in_base64 else body).decode()
    except binascii.Error as error:
        raise ValueError("not base64") from error


def _envelope(fields: dict[str, str], text: str | None) -> Envelope:
    chunk = None
    if fields["kind"] == "chunk":
        chunk = ChunkRange(*(int(fields[name]) for name in ("index", "first", "end")))
    if not _sha256(fields["sha256"]):  # stores build paths with it
        raise ValueError("not a SHA-256")
    return Envelope(
        tenant=TenantId(fields["tenant"]),
        log=LogId(fields["log"]),
        source=Source(fields["source"]),
        received_at=parse_timestamp(fields["received"]),
        attempt=int(fields["attempt"]),
        sha256=fields["sha256"],
        characters=int(fields["characters"]),
        text=text,
        chunk=chunk,
        traceparent=fields.get("traceparent"),
    )


def _check_text(e: Envelope) -> None:
    if e.text is None:
        return
    if e.chunk is not None:
        if len(e.text) != e.chunk.end - e.chunk.first:
            raise Unreadable("the chunk is not as long as its range")
    elif len(e.text) != e.characters or sha256_of(e.text) != e.sha256:
        raise Unreadable("the text is not the one that the headers name")
