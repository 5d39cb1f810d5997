"""What is fuzzed: functions of raw bytes that return where a promise held, and raise where not.

Only the standard library and the core, so that they run under atheris and under pytest alike.
The limits are small ones, so that a short input can go beyond each of them.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from tests.support.codings import pack, unpack

from logweir.clock import ManualClock
from logweir.envelope import HEADER_BYTES_MAX, Envelope, decode, encode
from logweir.errors import Rejection, UnknownVersion, Unreadable
from logweir.limits import Limits
from logweir.pipeline.accept import Opening, accept, examine
from logweir.pipeline.inflate import Coding, inflate
from logweir.reasons import Reason

LIMITS: Final = Limits(
    text_bytes_max=2000,
    body_bytes_max=8000,
    header_bytes_max=1500,
    header_count_max=12,
    json_values_max=60,
)
# Of CPU, for one call: a thousand times what it takes, and far from what could stop a gateway.
_SECONDS_MAX: Final = 1.0
_CLOCK: Final = ManualClock()
# Written down anew: were it imported, a wrong grammar would agree with itself.
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SEALED: Final = re.compile(rb"checksum: [0-9a-f]*\Z")


def accepted(raw: bytes) -> None:
    """``name: value`` lines, an empty line, a body: an Envelope, or a Rejection with a reason."""
    head, _, body = raw.partition(b"\n\n")
    lines = [line.partition(b": ") for line in head.split(b"\n")]
    headers = [(name, value) for name, _, value in lines]
    with _refusals():
        opening = examine(headers, LIMITS)
        envelope = accept(opening, body, _CLOCK, LIMITS)
        _check_envelope(envelope)
        assert envelope.chunk is None
        assert envelope.attempt == 1
        assert envelope.received_at == _CLOCK.now()
        assert envelope.text is not None
        assert 0 < len(envelope.text.encode()) <= LIMITS.text_bytes_max
        _check_text(envelope, opening, inflate(body, opening.coding, LIMITS.body_bytes_max))


def decoded(raw: bytes) -> None:
    """Bytes from a queue: what ``encode`` writes, or Unreadable, or UnknownVersion.

    They are read as they are, and once more under a right checksum and hash: no search finds these
    by chance, and behind them lies the most of the decoder.
    """
    for attempt in (raw, _sealed(raw), _sealed(_named(raw))):
        try:
            envelope = decode(attempt)
        except (Unreadable, UnknownVersion):
            continue
        _check_envelope(envelope)
        assert attempt in (encode(envelope), encode(envelope, base64_text=True))


def inflated(raw: bytes) -> None:
    """A byte that chooses the coding, and a body: its bytes, never above the limit, or a refusal.

    Then the way back: what is packed by the coding is inflated to itself, or refused by its size.
    """
    coding = tuple(Coding)[raw[0] % len(Coding)] if raw else Coding.IDENTITY
    body = raw[1:]
    bytes_max = len(body) if coding is Coding.IDENTITY else LIMITS.body_bytes_max
    with _refusals(Reason.MALFORMED_CODING, Reason.BODY_TOO_LARGE):
        result = inflate(body, coding, bytes_max)
        assert len(result) <= bytes_max
        assert result == unpack(coding.value, body)
    if len(body) <= bytes_max:
        assert inflate(pack(coding.value, body), coding, bytes_max) == body
    if coding is not Coding.IDENTITY:
        with _refusals(Reason.BODY_TOO_LARGE):
            inflate(pack(coding.value, body + bytes(bytes_max + 1)), coding, bytes_max)
            raise AssertionError("a body above the limit was inflated")


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "accept": accepted,
    "decode": decoded,
    "inflate": inflated,
}


def run(target: str, raw: bytes) -> None:
    """One input. Raises whatever broke a promise; a call that takes too long is one too."""
    started = time.thread_time()
    TARGETS[target](raw)
    seconds = time.thread_time() - started
    assert seconds < _SECONDS_MAX, f"{seconds:.2f} s of CPU for {len(raw)} bytes"


@contextmanager
def _refusals(*reasons: Reason) -> Iterator[None]:
    """A Rejection may come out of the block: with one of the reasons, if some are named."""
    try:
        yield
    except Rejection as rejection:
        _check_refusal(rejection, reasons)


def _check_refusal(rejection: Rejection, reasons: tuple[Reason, ...]) -> None:
    assert isinstance(rejection.reason, Reason)
    assert not reasons or rejection.reason in reasons, rejection
    assert 400 <= rejection.reason.status < 500
    # For a person to read; what the client sent is not in it.
    assert rejection.detail.isascii()
    assert rejection.detail.isprintable()
    assert len(rejection.detail) < 120
    json.dumps([rejection.limit, rejection.actual], allow_nan=False)


def _check_envelope(e: Envelope) -> None:
    """What holds for every envelope, whoever made it."""
    assert _ID.fullmatch(e.tenant)
    assert _ID.fullmatch(e.log)
    assert _SHA256.fullmatch(e.sha256)
    if e.text is not None and e.chunk is None:
        assert e.sha256 == hashlib.sha256(e.text.encode()).hexdigest()
        assert e.characters == len(e.text)
    for in_base64 in (False, True):
        raw = encode(e, base64_text=in_base64)
        assert len(raw) <= HEADER_BYTES_MAX + 4 * len((e.text or "").encode()) // 3 + 4
        assert decode(raw) == e


def _check_text(e: Envelope, opening: Opening, body: bytes) -> None:
    """The text and its ids are what another reader finds in the body."""
    if opening.tenant is not None:
        assert (e.tenant, e.text) == (opening.tenant, body.decode())
        assert e.log == (opening.log or e.log)
    else:
        members = json.loads(body.decode(), parse_int=float)
        assert (e.tenant, e.text) == (members["tenant_id"], members["text"])
        assert e.log == (members.get("log_id") or e.log)


def _sealed(raw: bytes) -> bytes:
    """The same with the checksum that belongs to it."""
    head, _, body = raw.partition(b"\n\n")
    head = _SEALED.sub(b"", head)
    digest = hashlib.blake2b(head + b"\n" + body, digest_size=16).hexdigest()
    return b"%bchecksum: %b\n\n%b" % (head, digest.encode(), body)


def _named(raw: bytes) -> bytes:
    """The same with the hash and the length of the text that is in it."""
    head, _, body = raw.partition(b"\n\n")
    digest = hashlib.sha256(body).hexdigest()
    head = re.sub(rb"(?m)^sha256: .*$", b"sha256: " + digest.encode(), head)
    length = len(body.decode(errors="replace"))
    head = re.sub(rb"(?m)^characters: .*$", b"characters: %d" % length, head)
    return head + b"\n\n" + body
