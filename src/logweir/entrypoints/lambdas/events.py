"""HTTP as Lambda wraps it -> the request.

a function URL, an HTTP API: payload 2.0         a REST API, a load balancer: payload 1.0
{"version": "2.0",                               {"httpMethod": "POST",
 "rawPath": "/ingest",                            "path": "/ingest",
 "headers": {"x-tenant-id": "acme,evil"},         "multiValueHeaders": {"X-Tenant-ID": ["acme"]},
 "requestContext": {"http": {"method": "POST"}},  "headers": {"X-Tenant-ID": "acme"},
 "body": "…", "isBase64Encoded": false}           "body": "…", "isBase64Encoded": false}
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from logweir.errors import LogweirError

# Of these there may be one alone. The platform has joined with commas what came more than once, and
# none of them can hold a comma but in quotes.
_SINGLE: Final = ("x-tenant-id", "x-log-id", "content-type")
# It is between the client and the platform: the body is whole here.
_HOP_BY_HOP: Final = ("transfer-encoding",)


class NotHttp(LogweirError):
    """An event that is no HTTP request. The words hold nothing of it."""


class Request(NamedTuple):
    """What a client has sent."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    was_text: bool  # the platform has read its bytes as text


def read_request(event: object) -> Request:
    """Raises NotHttp."""
    members = _of(dict, event, "event")
    if "httpMethod" in members:
        method, path = members["httpMethod"], members.get("path")
    else:
        context = _of(dict, members.get("requestContext"), "requestContext")
        http = _of(dict, context.get("http"), "requestContext.http")
        method, path = http.get("method"), members.get("rawPath")
    was_text = not members.get("isBase64Encoded")
    return Request(
        method=_of(str, method, "method"),
        path=unquote(_of(str, path, "path")),
        headers=list(_headers(members)),
        body=_body(_of(str, members.get("body") or "", "body"), was_text),
        was_text=was_text,
    )


def _headers(members: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    if several := members.get("multiValueHeaders"):
        for name, values in _of(dict, several, "multiValueHeaders").items():
            if name.lower() not in _HOP_BY_HOP:
                for value in _of(list, values, "header"):
                    yield _bytes(name), _bytes(_of(str, value, "header"))
        return
    for name, value in _of(dict, members.get("headers") or {}, "headers").items():
        lower = name.lower()
        if lower not in _HOP_BY_HOP:
            text = _of(str, value, "header")
            for one in _parted(text) if lower in _SINGLE else (text,):
                yield _bytes(name), _bytes(one)


def _parted(value: str) -> list[str]:
    outside_of_quotes = value.split('"')[::2]
    return value.split(",") if any("," in part for part in outside_of_quotes) else [value]


def _body(body: str, was_text: bool) -> bytes:
    if was_text:
        return _bytes(body)
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise NotHttp("its body is not base64") from None


def _bytes(text: str) -> bytes:
    # JSON can spell half of a surrogate pair. It is bad UTF-8 then, like any other.
    return text.encode(errors="surrogatepass")


def _of(kind: type, value: Any, name: str) -> Any:
    if not isinstance(value, kind):
        raise NotHttp(f"its {name} is missing, or no {kind.__name__}")
    return value
