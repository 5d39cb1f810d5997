"""Slow clients: what each kind sends, and how it must end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.support.wire import head

TENANT: Final = "slow"
WHOLE: Final = b"whole"  # what the clients that come in time have to say
_NEVER_BYTES: Final = 5000  # are declared, and never reached
_DEAF_REQUESTS: Final = 800  # with more answers than the kernel keeps for a connection

_TEXT: Final = ("Content-Type: text/plain", f"X-Tenant-ID: {TENANT}")
_JSON: Final = "Content-Type: application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way to be slow."""

    name: str
    share: int  # of a thousand clients
    start: bytes = b""  # at once
    drip: bytes = b""  # at every tick, again and again
    end: bytes | None = None  # dripped once, byte by byte, instead: then the request is whole
    reads: bool = True
    limit: str  # which of Ends it must not outlast
    statuses: frozenset[int | None]  # None: the connection ends without an answer
    again: bool = True  # another takes its place when it has ended


KINDS: Final = (
    Kind(
        name="headers",
        share=300,
        start=b"POST /ingest HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        drip=b"x",
        limit="headers",
        statuses=frozenset({None, 408}),
    ),
    Kind(
        name="text body",
        share=250,
        start=head(*_TEXT, f"Content-Length: {_NEVER_BYTES}"),
        drip=b"x",
        limit="body",
        statuses=frozenset({408}),
    ),
    Kind(
        name="JSON body",
        share=150,
        start=head(_JSON, f"Content-Length: {_NEVER_BYTES}") + b'{"tenant_id":"slow","text":"',
        drip=b"x",
        limit="body",
        statuses=frozenset({408}),
    ),
    Kind(
        name="chunked body",
        share=100,
        start=head(*_TEXT, "Transfer-Encoding: chunked"),
        drip=b"1\r\nx\r\n",
        limit="body",
        statuses=frozenset({408}),
    ),
    Kind(
        name="half a body",
        share=100,
        start=head(*_TEXT, f"Content-Length: {_NEVER_BYTES}") + b"x" * (_NEVER_BYTES // 2),
        limit="body",
        statuses=frozenset({408}),
    ),
    Kind(name="silence", share=60, limit="headers", statuses=frozenset({None, 408})),
    Kind(
        name="whole in time",
        share=30,
        start=head(*_TEXT, f"Content-Length: {len(WHOLE)}"),
        end=WHOLE,
        limit="body",
        statuses=frozenset({202}),
    ),
    Kind(
        name="reads nothing",
        share=10,
        start=head(line=b"GET /nothing HTTP/1.1") * _DEAF_REQUESTS,
        drip=head(line=b"GET /nothing HTTP/1.1"),
        reads=False,
        limit="answers",
        statuses=frozenset({None}),
        again=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Ends:
    """Seconds until the gateway ends what is slow at this."""

    headers: float
    body: float
    answers: float


def kind_of(number: int) -> Kind:
    """The kind of the client of this number: every thousand are mixed by the shares."""
    place = number * 7919 % 1000  # a prime, so that a few hundred are mixed too
    for kind in KINDS:
        place -= kind.share
        if place < 0:
            return kind
    raise AssertionError("the shares are a thousand together")
