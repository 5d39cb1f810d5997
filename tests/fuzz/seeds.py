"""Where the search starts: one good input of every kind, and a few that are nearly good.

Made by the product's own codec, so that they are never out of date.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.fuzz.targets import LIMITS
from tests.support.codings import CODINGS, pack
from tests.support.logs import a_chunk, a_log

from logweir.envelope import encode
from logweir.pipeline.inflate import Coding

# What broke a promise once, by target; the fuzzer puts what it finds here.
REGRESSIONS: Final = Path(__file__).parent / "regressions"
TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_TEXTS: Final = ("a", "User 555-0199 logged in\n", "\0\x1b[31m", "\n\nchecksum: 0", "ä€🙂\ufeff")


def inputs(target: str) -> list[bytes]:
    """All that is known for a target: its seeds, and what was ever found."""
    found = sorted(path for path in (REGRESSIONS / target).glob("*") if path.is_file())
    return [*_SEEDS[target](), *(path.read_bytes() for path in found)]


def _requests() -> Iterator[bytes]:
    json_type, text_type = "content-type: application/json", "content-type: text/plain"
    ids = "x-tenant-id: acme\nx-log-id: log-1"
    for text in _TEXTS:
        log = {"tenant_id": "acme", "log_id": "log-1", "text": text, "more": [{"n": 1.5e3}, None]}
        yield _request(json_type, json.dumps(log).encode())
        yield _request(f"{text_type}; charset=utf-8\n{ids}", text.encode())
    for coding in CODINGS:
        packed = f"{text_type}\n{ids}\ncontent-encoding: {coding}"
        yield _request(packed, pack(coding, b"packed"))
        yield _request(packed, pack(coding, bytes(LIMITS.body_bytes_max + 1)))
    for header in (
        *(f"traceparent: {TRACEPARENT}", "content-length: 5", "transfer-encoding: chunked"),
        *("x-tenant-id: other", "content-type: text/plain", "content-encoding: br"),
    ):
        yield _request(f"{text_type}\n{ids}\n{header}", b"text")
    yield _request(f"{text_type}\n{ids}", b"t" * (LIMITS.text_bytes_max + 1))
    for body in (
        *(b'{"tenant_id":"a","text":"x","text":"y"}', b'{"tenant_id":"a","text":"\\ud800"}'),
        *(b'{"tenant_id":"a","log_id":null,"text":"x"}', b"[" * 50, b"[" + b"0," * 100, b'{"text"'),
        *(b'{"tenant_id":"a","text":1}', b'{"tenant_id":"a/b","text":"x"}', b"NaN", b"\xff"),
    ):
        yield _request(json_type, body)


def _request(headers: str, body: bytes) -> bytes:
    return headers.encode() + b"\n\n" + body


def _messages() -> Iterator[bytes]:
    whole = "".join(_TEXTS)
    envelopes = [
        *(a_log(text) for text in _TEXTS),
        a_log(traceparent=TRACEPARENT, attempt=9),
        a_chunk(whole, 2, 3, 9),
        replace(a_log(), text=None),
        replace(a_chunk(whole, 0, 0, 2), text=None),
    ]
    for envelope in envelopes:
        yield encode(envelope)
        yield encode(envelope, base64_text=True)
    yield encode(a_log()).replace(b"logweir/1", b"logweir/2")
    yield encode(a_log())[:-1]


def _bodies() -> Iterator[bytes]:
    for number, coding in enumerate(Coding):
        name, first = coding.value, bytes([number])
        for body in (b"", b"packed", bytes(LIMITS.body_bytes_max), bytes(range(256))):
            yield first + pack(name, body)
        yield first + pack(name, b"twice") * 2
        yield first + pack(name, b"cut off")[:-1]
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    yield bytes([tuple(Coding).index(Coding.DEFLATE)]) + bare.compress(b"bare") + bare.flush()


_SEEDS: Final = {"accept": _requests, "decode": _messages, "inflate": _bodies}
