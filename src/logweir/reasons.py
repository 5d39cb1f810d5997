"""Every reason for which Logweir refuses a request, buries a log or quarantines a message.

Closed lists: ``docs/api.md`` and ``docs/openapi.yaml`` are held equal to them by tests.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Reason(Enum):
    """Why a request is refused: the name in the answer, its HTTP status, what is wrong."""

    MALFORMED_JSON = ("malformed_json", 400, "The body is not valid JSON.")
    NOT_AN_OBJECT = ("not_an_object", 400, "The JSON value at the top is not an object.")
    JSON_TOO_COMPLEX = (
        "json_too_complex",
        400,
        "The JSON is nested too deep or has too many values.",
    )
    DUPLICATE_KEY = ("duplicate_key", 400, "A JSON object has the same key twice.")
    INVALID_MEMBER = ("invalid_member", 400, "A JSON member is not a string.")
    MISSING_TENANT_ID = ("missing_tenant_id", 400, "The tenant is not named.")
    DUPLICATE_TENANT_ID = (
        "duplicate_tenant_id",
        400,
        "The X-Tenant-ID header is there more than once.",
    )
    INVALID_TENANT_ID = ("invalid_tenant_id", 400, "The tenant id does not follow the grammar.")
    DUPLICATE_LOG_ID = ("duplicate_log_id", 400, "The X-Log-ID header is there more than once.")
    INVALID_LOG_ID = ("invalid_log_id", 400, "The log id does not follow the grammar.")
    MISSING_TEXT = ("missing_text", 400, "There is no text.")
    EMPTY_TEXT = ("empty_text", 400, "The text is empty.")
    INVALID_UTF8 = ("invalid_utf8", 400, "The body is not valid UTF-8.")
    LONE_SURROGATE = ("lone_surrogate", 400, "A string holds half of a surrogate pair.")
    MALFORMED_CODING = ("malformed_coding", 400, "The body is not what Content-Encoding says.")
    MALFORMED_HEADER = ("malformed_header", 400, "A header is there twice or cannot be read.")
    BODY_INCOMPLETE = ("body_incomplete", 400, "The body broke off before its end.")
    BODY_FRAGMENTED = ("body_fragmented", 400, "The body came in too many tiny pieces.")
    NOT_FOUND = ("not_found", 404, "There is one route: POST /ingest.")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "The route takes POST alone.")
    RECEIVE_TIMEOUT = ("receive_timeout", 408, "The body did not come in time.")
    BODY_TOO_LARGE = ("body_too_large", 413, "The body is too large, as sent or when inflated.")
    TEXT_TOO_LARGE = ("text_too_large", 413, "The text is too large.")
    MISSING_CONTENT_TYPE = ("missing_content_type", 415, "There is no Content-Type.")
    UNSUPPORTED_CONTENT_TYPE = (
        "unsupported_content_type",
        415,
        "The Content-Type is neither JSON nor text.",
    )
    UNSUPPORTED_CHARSET = ("unsupported_charset", 415, "The charset is not UTF-8.")
    UNSUPPORTED_CODING = (
        "unsupported_coding",
        415,
        "The Content-Encoding is not gzip, deflate or zstd.",
    )
    OVERLOADED = ("overloaded", 429, "The gateway holds as many requests as it may.")
    BACKLOG_FULL = ("backlog_full", 429, "As much work is unfinished as may be.")
    TENANT_BACKLOG_FULL = (
        "tenant_backlog_full",
        429,
        "As much work of the tenant is unfinished as may be.",
    )
    HEADERS_TOO_LARGE = ("headers_too_large", 431, "The headers are too large or too many.")
    BROKER_UNAVAILABLE = ("broker_unavailable", 503, "The broker did not confirm the log.")
    STORE_UNAVAILABLE = ("store_unavailable", 503, "The store did not confirm a long text.")

    def __init__(self, code: str, status: int, title: str) -> None:
        self.code = code
        self.status = status
        self.title = title


class Burial(StrEnum):
    """Why a log became a dead letter of its tenant."""

    CONFLICT = "conflict"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    CRASH_LOOP = "crash_loop"


class Quarantine(StrEnum):
    """Why a message lies outside every tenant."""

    UNREADABLE = "unreadable"
    PLAN_MISSING = "plan_missing"
