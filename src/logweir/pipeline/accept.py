"""Headers and body -> Envelope, or a Rejection with its reason. JSON and text merge here.

No HTTP library: a gateway calls ``examine`` when it has the headers and ``accept`` when it has
the body; a function on a cloud, which gets both at once, does so in one go.

    application/json ─ tenant_id, log_id, text ───────────┐
                                                          ├─▶ Envelope
    text/plain ─────── X-Tenant-ID, X-Log-ID, the body ───┘
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from logweir.clock import Clock
from logweir.envelope import Envelope, Source, sha256_of, valid_traceparent
from logweir.errors import InvalidId, Rejection
from logweir.ids import LogId, TenantId
from logweir.limits import Limits
from logweir.pipeline.inflate import Coding, inflate
from logweir.pipeline.json_body import json_type, parse_members
from logweir.reasons import Reason

RawHeaders = Iterable[tuple[bytes, bytes]]
Headers = Mapping[bytes, Sequence[str]]

_READ = frozenset(
    (
        *(b"content-type", b"content-length", b"content-encoding", b"transfer-encoding"),
        *(b"x-tenant-id", b"x-log-id", b"traceparent"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A request whose headers are in order and whose body is still to come.

    ``tenant`` and ``log`` are what the headers say of a text upload; JSON names them in its body.
    """

    source: Source
    coding: Coding
    content_length: int | None
    tenant: TenantId | None
    log: LogId | None
    traceparent: str | None


def examine(raw_headers: RawHeaders, limits: Limits) -> Opening:
    """Check the headers before a byte of the body is read. Raises Rejection."""
    headers = _collect(raw_headers, limits)
    source = _source(headers)
    is_text = source is Source.TEXT
    tenant = _tenant_header(headers) if is_text else None
    log = _log_header(headers) if is_text else None
    traceparent = headers.get(b"traceparent", ())
    _check_framing(headers)
    return Opening(
        source=source,
        coding=_coding(headers),
        content_length=_content_length(headers, limits),
        tenant=tenant,
        log=log,
        traceparent=valid_traceparent(traceparent[0]) if len(traceparent) == 1 else None,
    )


def accept(opening: Opening, body: bytes, clock: Clock, limits: Limits) -> Envelope:
    """Make the envelope of a whole body, as it was sent. Raises Rejection."""
    if len(body) > limits.body_bytes_max:
        raise body_too_large(len(body), limits)
    body = inflate(body, opening.coding, limits.body_bytes_max)
    if opening.source is Source.TEXT:
        tenant, log, text = opening.tenant, opening.log, _utf8(body)
    else:
        tenant, log, text = _from_json(_utf8(body), limits)
    if tenant is None:
        raise Rejection(
            Reason.MISSING_TENANT_ID, "Name the tenant: header X-Tenant-ID, or JSON tenant_id."
        )
    _check_length(text, limits)
    return Envelope(
        tenant=tenant,
        log=log or LogId.random(),
        source=opening.source,
        received_at=clock.now(),
        sha256=sha256_of(text),
        characters=len(text),
        text=text,
        traceparent=opening.traceparent,
    )


def _collect(raw_headers: RawHeaders, limits: Limits) -> Headers:
    """The values of each header that matters: ``dict`` would keep only the last of two."""
    headers: dict[bytes, list[str]] = {}
    count = size = 0
    for name, value in raw_headers:
        count += 1
        size += len(name) + len(value) + 4
        lower = name.lower()
        if lower in _READ:
            headers.setdefault(lower, []).append(value.decode("latin-1"))
    if size > limits.header_bytes_max:
        raise Rejection(
            Reason.HEADERS_TOO_LARGE,
            "Send fewer bytes of headers.",
            limit=limits.header_bytes_max,
            actual=size,
        )
    if count > limits.header_count_max:
        raise Rejection(
            Reason.HEADERS_TOO_LARGE,
            "Send fewer headers.",
            limit=limits.header_count_max,
            actual=count,
        )
    return headers


def _single(headers: Headers, name: bytes) -> str | None:
    values = headers.get(name, ())
    if len(values) > 1:
        raise Rejection(
            Reason.MALFORMED_HEADER, f"Send {name.decode()} once.", limit=1, actual=len(values)
        )
    return values[0].strip() if values else None


def _source(headers: Headers) -> Source:
    content_type = _single(headers, b"content-type")
    if not content_type:
        raise Rejection(
            Reason.MISSING_CONTENT_TYPE, "Send Content-Type: application/json or text/plain."
        )
    return _source_of(content_type)


@functools.lru_cache(64)  # clients send the same few
def _source_of(content_type: str) -> Source:
    media_type, _, parameters = content_type.partition(";")
    match media_type.strip().lower():
        case "application/json":
            source = Source.JSON
        case "text/plain":
            source = Source.TEXT
        case _:
            raise Rejection(
                Reason.UNSUPPORTED_CONTENT_TYPE,
                "Send Content-Type: application/json or text/plain.",
            )
    charsets = [
        value.strip().strip('"').lower()
        for name, _, value in (parameter.partition("=") for parameter in parameters.split(";"))
        if name.strip().lower() == "charset"
    ]
    if charsets not in ([], ["utf-8"]):
        raise Rejection(Reason.UNSUPPORTED_CHARSET, "Send UTF-8; charset=utf-8 or none.")
    return source


def _coding(headers: Headers) -> Coding:
    value = _single(headers, b"content-encoding")
    if not value:
        return Coding.IDENTITY
    try:
        return Coding(value.lower())
    except ValueError:
        raise Rejection(
            Reason.UNSUPPORTED_CODING,
            "Send one of gzip, deflate, zstd, identity, or no Content-Encoding.",
        ) from None


def _content_length(headers: Headers, limits: Limits) -> int | None:
    value = _single(headers, b"content-length")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise Rejection(Reason.MALFORMED_HEADER, "Content-Length must be a whole number of bytes.")
    # Compared as text first: int() refuses thousands of digits.
    length = int(value) if len(value) < 20 else limits.body_bytes_max + 1
    if length > limits.body_bytes_max:
        raise body_too_large(length, limits)
    return length


def _check_framing(headers: Headers) -> None:
    """Refuse what two servers in a row could take for two different requests."""
    transfer = _single(headers, b"transfer-encoding")
    if transfer is None:
        return
    if transfer.lower() != "chunked":
        raise Rejection(Reason.UNSUPPORTED_CODING, "Send no Transfer-Encoding but chunked.")
    if b"content-length" in headers:
        raise Rejection(
            Reason.MALFORMED_HEADER, "Send Content-Length or Transfer-Encoding, not both."
        )


def body_too_large(actual: int, limits: Limits) -> Rejection:
    """The refusal of a body of ``actual`` bytes or more."""
    return Rejection(
        Reason.BODY_TOO_LARGE,
        "Split the log, or send a large text as text/plain. The limit is in bytes.",
        limit=limits.body_bytes_max,
        actual=actual,
    )


def _tenant_header(headers: Headers) -> TenantId:
    values = headers.get(b"x-tenant-id", ())
    if not values:
        raise Rejection(Reason.MISSING_TENANT_ID, "Send the header X-Tenant-ID.")
    if len(values) > 1:
        raise Rejection(
            Reason.DUPLICATE_TENANT_ID,
            "Send X-Tenant-ID exactly once.",
            limit=1,
            actual=len(values),
        )
    return _tenant(values[0])


def _log_header(headers: Headers) -> LogId | None:
    values = headers.get(b"x-log-id", ())
    if len(values) > 1:
        raise Rejection(
            Reason.DUPLICATE_LOG_ID, "Send X-Log-ID at most once.", limit=1, actual=len(values)
        )
    return _log(values[0]) if values else None


def _from_json(body: str, limits: Limits) -> tuple[TenantId | None, LogId | None, str]:
    members = parse_members(body, ("tenant_id", "log_id", "text"), limits.json_values_max)
    for name, value in members.items():
        if not isinstance(value, str):
            raise Rejection(
                Reason.INVALID_MEMBER, f"{name} must be a string.", actual=json_type(value)
            )
    if "tenant_id" not in members:
        raise Rejection(Reason.MISSING_TENANT_ID, "Name the tenant in the member tenant_id.")
    if "text" not in members:
        raise Rejection(Reason.MISSING_TEXT, "Send the log in the member text.")
    log = _log(members["log_id"]) if "log_id" in members else None
    return _tenant(members["tenant_id"]), log, members["text"]


def _tenant(value: str) -> TenantId:
    try:
        return TenantId(value)
    except InvalidId as error:
        raise Rejection(
            Reason.INVALID_TENANT_ID, f"A tenant id {error}.", limit=128, actual=len(value)
        ) from None


def _log(value: str) -> LogId:
    try:
        return LogId(value)
    except InvalidId as error:
        raise Rejection(
            Reason.INVALID_LOG_ID, f"A log id {error}.", limit=128, actual=len(value)
        ) from None


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Rejection(
            Reason.INVALID_UTF8,
            "Send UTF-8. The first bad byte is at the offset given.",
            actual=error.start,
        ) from None


def _check_length(text: str, limits: Limits) -> None:
    if not text:
        raise Rejection(Reason.EMPTY_TEXT, "Send at least one character.", limit=1, actual=0)
    size = len(text) if text.isascii() else len(text.encode())
    if size > limits.text_bytes_max:
        raise Rejection(
            Reason.TEXT_TOO_LARGE,
            "Split the log. The limit is in bytes of UTF-8.",
            limit=limits.text_bytes_max,
            actual=size,
        )
