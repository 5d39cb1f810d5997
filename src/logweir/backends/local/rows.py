"""Records as rows of a tenant's file, and back."""

from __future__ import annotations

import json
from typing import Any, Final

from logweir.clock import parse_timestamp, timestamp
from logweir.envelope import Source
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, Plan
from logweir.reasons import Burial

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


def document(row: Row) -> Document:
    """From the columns of DOCUMENT."""
    return Document(
        log_id=LogId(row[0]),
        tenant_id=TenantId(row[1]),
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


def plan_row(p: Plan) -> Row:
    """In the order of PLAN."""
    return (
        *(str(p.log), p.sha256, p.source.value, timestamp(p.received_at)),
        *(p.chunk_characters, p.count, p.sent, p.traceparent, p.text),
    )


def plan(tenant: TenantId, row: Row) -> Plan:
    """From the columns of PLAN."""
    return Plan(
        tenant=tenant,
        log=LogId(row[0]),
        sha256=row[1],
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


def letter(tenant: TenantId, row: Row) -> DeadLetter:
    """From the columns of LETTER."""
    return DeadLetter(
        tenant_id=tenant,
        log_id=LogId(row[0]),
        sha256=row[1],
        source=Source(row[2]),
        reason=Burial(row[3]),
        error=row[4],
        attempts=row[5],
        received_at=parse_timestamp(row[6]),
        buried_at=parse_timestamp(row[7]),
        characters=row[8],
        text=row[9],
    )
