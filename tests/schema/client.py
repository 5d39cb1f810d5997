"""Sends requests that schemathesis makes of docs/openapi.yaml, and checks every answer by it.

    .venv-schema/bin/python -m tests.schema.client URL CASES SEED

A process of its own. On stdout a JSON line for each request, in the order of sending; where an
answer is wrong, the last line of stderr is the request that shows it, and exit code 1.
"""

from __future__ import annotations

import hashlib
import json
import sys
import traceback
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import schemathesis  # type: ignore[import-not-found,unused-ignore]  # in .venv-schema alone
import yaml
from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode  # type: ignore[import-not-found,unused-ignore]
from schemathesis.specs.openapi import (  # type: ignore[import-not-found,unused-ignore]
    checks as openapi,
)
from tests.schema.oracle import (
    BODY_BYTES_MAX,
    HEADER_BYTES_MAX,
    PATH,
    TEXT_BYTES_MAX,
    Log,
    Oracle,
    Request,
)
from tests.support.codings import CODINGS, pack

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
_SECONDS_MAX: Final = 30.0  # until the answer
_CHECKS: Final = (
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
)
# What the document leaves no room for, and a client may send all the same: a part of the request,
# and what it becomes. Most requests are left as they are.
_TWISTS: Final = (
    *(("method", method) for method in ("PUT", "GET", "DELETE", "PATCH", "OPTIONS")),
    *(("path", path) for path in ("/", f"{PATH}/", "/health", f"{PATH}?a=b")),
    *(("content-type", name) for name in ("", "application/xml", "text/plain; charset=latin-1")),
    *(("content-type", name) for name in ("Application/JSON; a=b", 'text/plain;charset="UTF-8"')),
    *(("content-encoding", name) for name in ("br", "gzip, gzip")),
    *(("padding", str(size)) for size in (TEXT_BYTES_MAX, BODY_BYTES_MAX)),
    ("x-padding", "x" * HEADER_BYTES_MAX),
)
_LEFT_ALONE: Final = 3 * len(_TWISTS)  # to each side, for small and large numbers are drawn most


class Client:
    """Sends, checks, and writes down. ``wrong``: the last request with a wrong answer."""

    def __init__(self, url: str, document: Mapping[str, Any]) -> None:
        self.wrong = ""
        self._url = url
        self._oracle = Oracle(document)
        self._http = requests.Session()
        self._http.trust_env = False

    def send(self, case: Any, twist: tuple[str, str] | None, is_packed: bool) -> None:
        """One request. Raises where its answer is not the documented one."""
        words = case.as_transport_kwargs(base_url=self._url)
        try:
            prepared = self._http.prepare_request(requests.Request(**words))
        except requests.exceptions.InvalidHeader:
            reject()  # no client can send it
        body = _body(prepared)
        if twist and twist[0] == "padding":
            body += b" " * int(twist[1])
        coding = prepared.headers.get("Content-Encoding")
        if is_packed and coding in CODINGS:
            body = pack(coding, body)
        _put(prepared, body, twist)
        try:
            self._send(case, prepared, _request(prepared, body))
        except (Exception, BaseExceptionGroup) as error:
            first = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
            what = str(first).strip().partition("\n")[0] or repr(first)
            self.wrong = f"{what}: {prepared.method} {prepared.url} {prepared.headers} {body!r}"
            raise

    def _send(self, case: Any, prepared: requests.PreparedRequest, request: Request) -> None:
        log = self._oracle.log(request)
        answer = self._http.send(prepared, timeout=_SECONDS_MAX, allow_redirects=False)
        _write(case, answer, log)
        case.validate_response(answer, checks=list(_CHECKS))
        _check_answer(answer, log)


def _check_answer(answer: requests.Response, log: Log | None) -> None:
    assert answer.status_code < 500
    assert (answer.status_code == 202) == (log is not None), (
        f"answered {answer.status_code}, and by the document it is {log}: {answer.text}"
    )
    told = answer.json()
    if log is None:
        assert told["type"] == f"urn:logweir:problem:{told['reason']}"
    else:
        assert told["tenant_id"] == log.tenant
        assert log.log in (None, told["log_id"])


def _body(prepared: requests.PreparedRequest) -> bytes:
    body = prepared.body or b""
    return body if isinstance(body, bytes) else body.encode()


def _put(prepared: requests.PreparedRequest, body: bytes, twist: tuple[str, str] | None) -> None:
    prepared.body = body
    prepared.headers["Content-Length"] = str(len(body))
    match twist:
        case ("method", method):
            prepared.method = method
        case ("path", path):
            assert prepared.url is not None
            prepared.url = prepared.url.replace(PATH, path, 1)
        case None | ("padding", _):
            pass
        case (name, ""):
            prepared.headers.pop(name, None)
        case (name, value):
            prepared.headers[name] = value


def _request(prepared: requests.PreparedRequest, body: bytes) -> Request:
    headers = {_as_text(name).lower(): _as_text(value) for name, value in prepared.headers.items()}
    path = urlsplit(prepared.url or "").path
    return Request(method=prepared.method or "", path=_as_text(path), headers=headers, body=body)


def _as_text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _write(case: Any, answer: requests.Response, log: Log | None) -> None:
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    line = {
        "media_type": case.media_type,
        "mode": case.meta.generation.mode.value,
        "status": answer.status_code,
        "reason": told.get("reason"),
        "kept": None,
    }
    if answer.status_code == 202 and log is not None:
        sha256 = hashlib.sha256(log.text.encode()).hexdigest()
        line["kept"] = [told["tenant_id"], told["log_id"], log.source, sha256]
    print(json.dumps(line))


def _cases(document: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Each media type as often as the other, and as much good as bad data."""
    strategies = []
    for media_type in ("application/json", "text/plain"):
        narrowed = deepcopy(document)
        post = narrowed["paths"][PATH]["post"]
        content = post["requestBody"]["content"]
        post["requestBody"]["content"] = {media_type: content[media_type]}
        for parameter in post["parameters"]:
            # The document can say that with words alone.
            parameter["required"] = (parameter["name"], media_type) == ("X-Tenant-ID", "text/plain")
        operation = schemathesis.openapi.from_dict(narrowed)[PATH]["POST"]
        strategies += [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
    return st.one_of(strategies)


def _twists() -> st.SearchStrategy[tuple[str, str] | None]:
    padding = [None] * _LEFT_ALONE
    return st.sampled_from([*padding, *_TWISTS, *padding])


def main() -> None:
    """Send them all."""
    url, cases, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    document = yaml.safe_load(DOCUMENT.read_text())
    client = Client(url, document)

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # to shrink a request takes minutes, and they are small
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(_cases(document), _twists(), st.sampled_from([True, True, False]))
    def send_all(case: Any, twist: tuple[str, str] | None, is_packed: bool) -> None:
        client.send(case, twist, is_packed)

    try:
        send_all()
    except (Exception, BaseExceptionGroup):  # noqa: BLE001  # whatever it is, it is written down
        traceback.print_exc()
        sys.exit(client.wrong or "no request could be made")


if __name__ == "__main__":
    main()
