"""What clients send: tenants with look-alike ids, repeats, conflicts, poison, bad requests."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.simulation.settings import TEXT_BYTES_MAX

from logweir.envelope import Source

TENANTS: Final = ("acme", "ACME", "acme2", "a")
_LOGS: Final = ("1", "l", "L", "a.b", "a-b", "acme")
_SHORT: Final = (1, 50)  # characters
_LONG: Final = (60, 240)
_SENDING_SECONDS: Final = 8.0

Headers = tuple[tuple[bytes, bytes], ...]


class Sickness(StrEnum):
    """What a text does to its worker; the word is in the text."""

    POISON = "poison"  # its work raises
    FLAKY = "flaky"  # it raises once
    KILLER = "killer"  # it kills its worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it goes over the wire, and what it means."""

    at: float
    tenant: str
    log: str | None
    text: str
    source: Source
    headers: Headers
    body: bytes
    bad: bool = False  # it must be refused, and leave no trace
    method: str = "POST"
    path: str = "/ingest"


def draw_traffic(rng: random.Random) -> list[Request]:
    """3 to 12 requests; some again, some with another text under the same id, some bad."""
    requests: list[Request] = []
    for number in range(rng.randint(3, 10)):
        at = rng.random() * _SENDING_SECONDS
        again = rng.choice(requests) if requests and rng.random() < 0.25 else None
        if again is not None and rng.random() < 0.6:
            tenant = again.tenant if rng.random() < 0.8 else rng.choice(TENANTS)
            requests.append(_request(rng, at, tenant, again.log, again.text))
            continue
        log = rng.choice(_LOGS) if rng.random() < 0.8 else None
        tenant = rng.choice(TENANTS)
        if again is not None:
            tenant, log = again.tenant, again.log
        requests.append(_request(rng, at, tenant, log, _text(rng, number)))
    bad = range(rng.choice((0, 0, 1, 2)))
    requests += [_bad(rng, _text(rng, 100 + number)) for number in bad]
    return sorted(requests, key=lambda request: request.at)


def _text(rng: random.Random, number: int) -> str:
    """Of words that no other text of the run has, so that each piece is known."""
    characters = rng.randint(*_LONG) if rng.random() < 0.25 else rng.randint(*_SHORT)
    words = [f"c{number}w{place} " for place in range(characters // 5 + 1)]
    for odd in ("555-0199 ", "ü🪵 ", "\0\x1b ", "\r\n", "kind: log\n\n"):
        if rng.random() < 0.15:
            words.insert(rng.randrange(len(words) + 1), odd)
    if rng.random() < 0.15:
        sick = rng.choice((Sickness.POISON, Sickness.POISON, Sickness.FLAKY, Sickness.KILLER))
        words.insert(rng.randrange(min(len(words), 4)), f"{sick} ")
        return f"c{number} " + "".join(words)[: max(characters, 40)]
    return f"c{number} " + "".join(words)[:characters]


def _request(rng: random.Random, at: float, tenant: str, log: str | None, text: str) -> Request:
    source = rng.choice(list(Source))
    if source is Source.JSON:
        members = {"tenant_id": tenant, "text": text} | ({} if log is None else {"log_id": log})
        headers: Headers = ((b"Content-Type", b"application/json"),)
        body = json.dumps(members, ensure_ascii=rng.random() < 0.5).encode()
    else:
        headers = ((b"content-type", b"text/plain"), (b"X-Tenant-ID", tenant.encode()))
        headers += () if log is None else ((b"x-log-id", log.encode()),)
        body = text.encode()
    if rng.random() < 0.1:
        headers, body = (*headers, (b"content-encoding", b"deflate")), zlib.compress(body)
    return Request(
        at=at, tenant=tenant, log=log, text=text, source=source, headers=headers, body=body
    )


_TEXT: Final[Headers] = ((b"content-type", b"text/plain"), (b"x-tenant-id", b"acme"))
_JSON: Final[Headers] = ((b"content-type", b"application/json"),)
_BAD: Final[tuple[Callable[[str], tuple[Headers, bytes]], ...]] = (
    lambda text: (_TEXT[:1], text.encode()),
    lambda text: ((*_TEXT, _TEXT[1]), text.encode()),
    lambda text: ((*_TEXT[:1], (b"x-tenant-id", b"acme/x")), text.encode()),
    lambda text: ((*_TEXT, (b"x-log-id", b".")), text.encode()),
    lambda text: (_TEXT[1:], text.encode()),
    lambda text: (_TEXT, text.encode() + b"\xff"),
    lambda text: (_TEXT, (text * (TEXT_BYTES_MAX // len(text) + 1)).encode()),
    lambda text: (_TEXT, b""),
    lambda text: ((*_TEXT, (b"content-encoding", b"gzip")), text.encode()),
    lambda text: (_JSON, json.dumps({"tenant_id": "acme", "text": text}).encode()[:-1]),
    lambda text: (_JSON, json.dumps({"tenant_id": "acme", "log_id": 7, "text": text}).encode()),
    lambda text: (_JSON, b'{"tenant_id":"acme","tenant_id":"a","text":"%s"}' % text.encode()),
    lambda text: (_JSON, b'{"tenant_id":"acme","text":"\\ud83d%s"}' % text.encode()),
)


def _bad(rng: random.Random, text: str) -> Request:
    text = text.encode("ascii", "ignore").decode().replace("\n", "").replace("\0", "")
    headers, body = rng.choice(_BAD)(text.replace("\r", "").replace("\x1b", ""))
    wrong_path = rng.random() < 0.1
    return Request(
        at=rng.random() * _SENDING_SECONDS,
        tenant="acme",
        log=None,
        text=text,
        source=Source.TEXT,
        headers=headers,
        body=body,
        bad=True,
        path="/ingest/" if wrong_path else "/ingest",
    )
