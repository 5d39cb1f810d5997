"""Envelopes and records with what a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from logweir.envelope import ChunkRange, Envelope, Source, sha256_of
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.reasons import Burial
from logweir.redact import RULES_VERSION

ACME: Final = TenantId("acme")
GLOBEX: Final = TenantId("globex")
LOG: Final = LogId("log-1")
RECEIVED: Final = datetime(2026, 1, 31, 9, 26, 53, 589793, tzinfo=UTC)


def a_log(
    text: str = "User 555-0199 logged in",
    *,
    tenant: TenantId = ACME,
    log: str = LOG,
    attempt: int = 1,
    traceparent: str | None = None,
) -> Envelope:
    """The envelope of a whole log that carries its text."""
    return Envelope(
        tenant=tenant,
        log=LogId(log),
        source=Source.JSON,
        received_at=RECEIVED,
        sha256=sha256_of(text),
        characters=len(text),
        text=text,
        attempt=attempt,
        traceparent=traceparent,
    )


def a_chunk(text: str, index: int, first: int, end: int, *, attempt: int = 1) -> Envelope:
    """The envelope of one chunk of a text."""
    return Envelope(
        tenant=ACME,
        log=LOG,
        source=Source.TEXT,
        received_at=RECEIVED,
        sha256=sha256_of(text),
        characters=len(text),
        text=text[first:end],
        attempt=attempt,
        chunk=ChunkRange(index, first, end),
    )


def a_key(text: str, *, tenant: TenantId = ACME, log: str = LOG) -> TextKey:
    """The key of a text."""
    return TextKey(tenant, LogId(log), sha256_of(text))


def a_plan(text: str, chunk_characters: int, *, tenant: TenantId = ACME, log: str = LOG) -> Plan:
    """A plan that nothing is recorded of."""
    return Plan(
        tenant=tenant,
        log=LogId(log),
        sha256=sha256_of(text),
        source=Source.TEXT,
        received_at=RECEIVED,
        text=text,
        chunk_characters=chunk_characters,
    )


def a_document(text: str, *, tenant: TenantId = ACME, log: str = LOG) -> Document:
    """A finished log."""
    return Document(
        tenant_id=tenant,
        log_id=LogId(log),
        source=Source.TEXT,
        original_text=text,
        modified_data=text.replace("555-0199", "[REDACTED]"),
        received_at=RECEIVED,
        processed_at=RECEIVED,
        sha256=sha256_of(text),
        characters=len(text),
        redactions={"phone": 1, "card": 2},
        rules_version=RULES_VERSION,
        attempts=1,
    )


def a_letter(
    text: str,
    *,
    tenant: TenantId = ACME,
    log: str = LOG,
    reason: Burial = Burial.CONFLICT,
    error: str | None = None,
) -> DeadLetter:
    """A buried log."""
    return DeadLetter(
        tenant_id=tenant,
        log_id=LogId(log),
        source=Source.JSON,
        text=text,
        received_at=RECEIVED,
        buried_at=RECEIVED,
        sha256=sha256_of(text),
        characters=len(text),
        reason=reason,
        error=error,
        attempts=3,
    )
