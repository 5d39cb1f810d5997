"""Records as rows of a tenant's file, and back, if their texts are still what was written.

SQLite has no checksums in its pages, so a bit that flips on the disk is found here or nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from logweir.backends.local.names import file_name
from logweir.clock import parse_timestamp, timestamp
from logweir.envelope import Source, sha256_of
from logweir.errors import Misconfigured
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.reasons import Burial

if TYPE_CHECKING:
    from logweir.redact import Redactor
    from logweir.redact.policies import Redactors

Row = tuple[Any, ...]

DOCUMENT: Final = (
    "log_id, tenant_id, source, original_text, modified_data, processed_at, received_at, sha256,"
    " characters, redactions, rules_version, attempts"
)
PLAN: Final = (
    "log_id, sha256, source, received_at, chunk_characters, chunks, sent, traceparent, text"
)
LETTER: Final = (
    "log_id, sha256, source, reason, error, attempts, received_at, buried_at, characters, text"
)


def document_row(d: Document) -> Row:
    """In the order of DOCUMENT."""
    return (
        *(str(d.log_id), str(d.tenant_id), d.source.value, d.original_text, d.modified_data),
        *(timestamp(d.processed_at), timestamp(d.received_at), d.sha256, d.characters),
        *(json.dumps(dict(d.redactions), sort_keys=True), d.rules_version, d.attempts),
    )


def document(tenant: TenantId, row: Row) -> Document:
    """From the columns of DOCUMENT. Raises Misconfigured where the row is damaged."""
    with reading(tenant, f"the document {row[0]}"):
        _check(row[1] == tenant, "it names another tenant")
        _check_text(row[3], row[7])
        return Document(
            tenant_id=tenant,
            log_id=LogId(row[0]),
            source=Source(row[2]),
            original_text=row[3],
            modified_data=row[4],
            processed_at=parse_timestamp(row[5]),
            received_at=parse_timestamp(row[6]),
            sha256=row[7],
            characters=row[8],
            redactions=json.loads(row[9]),
            rules_version=row[10],
            attempts=row[11],
        )


def default_redactors() -> Redactors:
    """The table of rules alone."""
    # A gateway, which reads plans here, has no rules: loading them costs its start some time.
    from logweir.redact.policies import Redactors

    return Redactors()


def check_found(document: Document, log: LogId, redactor: Redactor) -> None:
    """Is it the log's, and redacted rightly? Raises Misconfigured.

    Redacted once more, since nothing else vouches for ``modified_data``. What other rules or
    another policy have redacted cannot be checked.
    """
    with reading(document.tenant_id, f"the document {log}"):
        _check(document.log_id == log, "it is another log's")  # the index is damaged
        if document.rules_version == redactor.version:
            text = redactor.redact(document.original_text).text
            _check(text == document.modified_data, "modified_data is not what redaction makes")


def plan_row(p: Plan) -> Row:
    """In the order of PLAN."""
    return (
        *(str(p.log), p.sha256, p.source.value, timestamp(p.received_at)),
        *(p.chunk_characters, p.count, p.sent, p.traceparent, p.text),
    )


def plan(key: TextKey, row: Row) -> Plan:
    """From the columns of PLAN. Raises Misconfigured where it is damaged, or another key's."""
    with reading(key.tenant, f"the plan of {key.log}"):
        _check_key(key, row)
        _check_text(row[8], row[1])
        return Plan(
            tenant=key.tenant,
            log=key.log,
            sha256=key.sha256,
            source=Source(row[2]),
            received_at=parse_timestamp(row[3]),
            chunk_characters=row[4],
            sent=bool(row[6]),
            traceparent=row[7],
            text=row[8],
        )


def letter_row(d: DeadLetter) -> Row:
    """In the order of LETTER."""
    return (
        *(str(d.log_id), d.sha256, d.source.value, d.reason.value, d.error, d.attempts),
        *(timestamp(d.received_at), timestamp(d.buried_at), d.characters, d.text),
    )


def letter(key: TextKey, row: Row) -> DeadLetter:
    """From the columns of LETTER. Raises Misconfigured where it is damaged, or another key's."""
    with reading(key.tenant, f"the dead letter {key.log}"):
        _check_key(key, row)
        _check_text(row[9], row[1])
        return DeadLetter(
            tenant_id=key.tenant,
            log_id=key.log,
            sha256=key.sha256,
            source=Source(row[2]),
            reason=Burial(row[3]),
            error=row[4],
            attempts=row[5],
            received_at=parse_timestamp(row[6]),
            buried_at=parse_timestamp(row[7]),
            characters=row[8],
            text=row[9],
        )


@contextmanager
def reading(tenant: TenantId, what: str) -> Iterator[None]:
    """What cannot be read inside is the file's fault, and its operator must know which it is."""
    try:
        yield
    except ValueError as error:  # InvalidId, UnicodeDecodeError, and JSON's are some
        why = str(error) if type(error) is ValueError else type(error).__name__
        raise Misconfigured(
            f"{file_name(tenant)} is damaged: {what} is not what was written ({why})."
            " Put a backup of the file in its place."
        ) from error


def _check_key(key: TextKey, row: Row) -> None:
    _check(tuple(row[:2]) == (key.log, key.sha256), "it is another text's")  # a damaged index


def _check_text(text: str, sha256: str) -> None:
    _check(sha256_of(text) == sha256, "its text is not the one that its SHA-256 names")


def _check(is_right: bool, otherwise: str) -> None:
    if not is_right:
        raise ValueError(otherwise)
