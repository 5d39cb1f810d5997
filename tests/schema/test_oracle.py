"""The oracle of the schema cases says what the gateway's core says, for requests of every kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.schema.oracle import BODY_BYTES_MAX, HEADER_BYTES_MAX, TEXT_BYTES_MAX, Oracle, Request
from tests.support.codings import pack

from logweir.clock import ManualClock
from logweir.errors import Rejection
from logweir.limits import Limits
from logweir.pipeline.accept import accept, examine

ORACLE = Oracle(yaml.safe_load((Path(__file__).parents[2] / "docs" / "openapi.yaml").read_text()))
LIMITS = Limits(
    text_bytes_max=TEXT_BYTES_MAX, body_bytes_max=BODY_BYTES_MAX, header_bytes_max=HEADER_BYTES_MAX
)
JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain", "x-tenant-id": "acme"}
LOG = {"tenant_id": "acme", "log_id": "1", "text": "hello"}


def _json(**members: object) -> bytes:
    return json.dumps(LOG | members).encode()


CASES = [
    *((JSON, body) for body in (_json(), _json(log_id=None), _json(more=[{}]), _json(text=""))),
    *((JSON, body) for body in (_json(tenant_id="a/b"), _json(tenant_id=1), _json(log_id=[]))),
    *((JSON, body) for body in (b"", b"[]", b"{}", b"NaN", b"\xff", b'{"text":"a","text":"b"}')),
    *((JSON, body) for body in (_json(text="\ud800"), _json(text=None), _json() + b" " * 20_000)),
    *((JSON, body) for body in (_json() + b" " * BODY_BYTES_MAX, _json(text="x" * 20_000))),
    *((TEXT, body) for body in (b"hello", b"", b"\xff", b"\0", b"x" * (TEXT_BYTES_MAX + 1))),
    *(
        (TEXT | more, b"hello")
        for more in (
            *({"x-tenant-id": ""}, {"x-tenant-id": "b b"}, {"x-log-id": "."}, {"x-log-id": "a"}),
            *({"content-type": "text/plain; charset=latin-1"}, {"content-type": "text/html"}),
            *({"content-type": 'TEXT/plain; charset="UTF-8"'}, {"x-more": "x" * HEADER_BYTES_MAX}),
            *({"content-encoding": "gzip"}, {"content-encoding": "br"}, {"traceparent": "?"}),
        )
    ),
    ({}, b"hello"),
    ({"content-type": "text/plain"}, b"hello"),
    *(
        (TEXT | {"content-encoding": coding}, pack(coding, b"hello"))
        for coding in ("gzip", "deflate", "zstd", "identity")
    ),
]


@pytest.mark.parametrize(("headers", "body"), CASES)
def test_the_oracle_and_the_core_agree(headers: dict[str, str], body: bytes) -> None:
    log = ORACLE.log(Request(method="POST", path="/ingest", headers=headers, body=body))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    try:
        envelope = accept(examine(raw, LIMITS), body, ManualClock(), LIMITS)
    except Rejection:
        assert log is None
    else:
        assert log is not None
        assert (log.tenant, log.text) == (envelope.tenant, envelope.text)
        assert log.source == envelope.source
        assert log.log in (None, envelope.log)


@pytest.mark.parametrize(("method", "path"), [("GET", "/ingest"), ("POST", "/")])
def test_there_is_one_route(method: str, path: str) -> None:
    assert ORACLE.log(Request(method=method, path=path, headers=JSON, body=_json())) is None
