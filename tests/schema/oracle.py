"""What docs/openapi.yaml and docs/api.md say of a request: is there a log to be kept in it?

Read from the document and written anew from its words, never taken from the code.
What made a request is no judge of it, since the document cannot say that a header
is ignored with JSON and needed with text, or that a packed body is what its header says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.support.codings import unpack

PATH: Final = "/ingest"
# Small ones, for whoever serves; of a body there may be four times the text, but at least 64 KiB.
TEXT_BYTES_MAX: Final = 16 * 1024
BODY_BYTES_MAX: Final = 64 * 1024
HEADER_BYTES_MAX: Final = 16 * 1024
_CHARSETS: Final[tuple[list[str], ...]] = ([], ["utf-8"], ['"utf-8"'])


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes over the wire; the names of its headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What is to be kept of a request. ``log`` is None where the server makes the id."""

    tenant: str
    log: str | None
    source: str
    text: str


class Oracle:
    """Has the grammar of the ids from the document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._id = re.compile(document["components"]["schemas"]["Id"]["pattern"])

    def log(self, request: Request) -> Log | None:
        """The log that a request hands over; None where it is to be refused."""
        if (request.method, request.path) != ("POST", PATH):
            return None
        if (
            sum(len(name) + len(value) for name, value in request.headers.items())
            > HEADER_BYTES_MAX
        ):
            return None
        headers = {name: value.strip(" \t") for name, value in request.headers.items()}
        try:
            read = _READERS[_media_type(headers["content-type"])]
            body = unpack(headers.get("content-encoding") or "identity", request.body)
            log = read(headers, body.decode())
            size = len(log.text.encode())  # ValueError for half of a surrogate pair
        except (KeyError, TypeError, ValueError):
            return None
        is_small = len(body) <= BODY_BYTES_MAX and 0 < size <= TEXT_BYTES_MAX
        return log if is_small and self._are_ids(log) else None

    def _are_ids(self, log: Log) -> bool:
        ids: list[object] = [log.tenant] if log.log is None else [log.tenant, log.log]
        return all(isinstance(i, str) and self._id.fullmatch(i) for i in ids)


def _media_type(value: str) -> str:
    """Without parameters, and in lower case. ValueError for another charset than UTF-8."""
    media_type, *parameters = (part.strip().lower() for part in value.split(";"))
    if [p.partition("=")[2] for p in parameters if p.startswith("charset=")] not in _CHARSETS:
        raise ValueError("charset")
    return media_type


def _json(_headers: Mapping[str, str], body: str) -> Log:
    members = json.loads(body, parse_constant=_no_constant, object_pairs_hook=_no_key_twice)
    if not isinstance(members, dict) or not isinstance(members["text"], str):
        raise TypeError("no text")
    return Log(
        tenant=members["tenant_id"],
        log=members.get("log_id"),
        source="json_upload",
        text=members["text"],
    )


def _text(headers: Mapping[str, str], body: str) -> Log:
    return Log(
        tenant=headers["x-tenant-id"],
        log=headers.get("x-log-id"),
        source="text_upload",
        text=body,
    )


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


_READERS: Final = {"application/json": _json, "text/plain": _text}
