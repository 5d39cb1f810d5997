"""Records as flat fields, and back; their texts apart, for these may be cut into parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from logweir.clock import parse_timestamp, timestamp
from logweir.envelope import Source
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.pipeline.store import LetterSummary
from logweir.reasons import Burial

Fields = Mapping[str, Any]

LETTER_SUMMARY: Final = (
    *("log_id", "sha256", "reason", "error", "characters", "attempts", "received_at", "buried_at"),
)


def document_fields(d: Document) -> dict[str, Any]:
    """Without ``original_text`` and ``modified_data``."""
    return {
        "log_id": str(d.log_id),
        "tenant_id": str(d.tenant_id),
        "source": d.source.value,
        "processed_at": timestamp(d.processed_at),
        "received_at": timestamp(d.received_at),
        "sha256": d.sha256,
        "characters": d.characters,
        "redactions": dict(d.redactions),
        "rules_version": d.rules_version,
        "attempts": d.attempts,
    }


def document_of(fields: Fields, original_text: str, modified_data: str) -> Document:
    """From its fields and its two texts."""
    return Document(
        log_id=LogId(fields["log_id"]),
        tenant_id=TenantId(fields["tenant_id"]),
        source=Source(fields["source"]),
        original_text=original_text,
        modified_data=modified_data,
        processed_at=parse_timestamp(fields["processed_at"]),
        received_at=parse_timestamp(fields["received_at"]),
        sha256=fields["sha256"],
        characters=fields["characters"],
        redactions=fields["redactions"],
        rules_version=fields["rules_version"],
        attempts=fields["attempts"],
    )


def plan_fields(p: Plan) -> dict[str, Any]:
    """Without ``text``."""
    return {
        "log_id": str(p.log),
        "sha256": p.sha256,
        "source": p.source.value,
        "received_at": timestamp(p.received_at),
        "chunk_characters": p.chunk_characters,
        "chunks": p.count,
        "characters": len(p.text),
        "sent": p.sent,
        "traceparent": p.traceparent,
    }


def plan_of(tenant: TenantId, fields: Fields, text: str) -> Plan:
    """From its fields and its text."""
    return Plan(
        tenant=tenant,
        log=LogId(fields["log_id"]),
        sha256=fields["sha256"],
        source=Source(fields["source"]),
        received_at=parse_timestamp(fields["received_at"]),
        chunk_characters=fields["chunk_characters"],
        sent=fields["sent"],
        traceparent=fields["traceparent"],
        text=text,
    )


def letter_fields(d: DeadLetter) -> dict[str, Any]:
    """Without ``text``."""
    return {
        "log_id": str(d.log_id),
        "sha256": d.sha256,
        "source": d.source.value,
        "reason": d.reason.value,
        "error": d.error,
        "attempts": d.attempts,
        "received_at": timestamp(d.received_at),
        "buried_at": timestamp(d.buried_at),
        "characters": d.characters,
    }


def letter_of(tenant: TenantId, fields: Fields, text: str) -> DeadLetter:
    """From its fields and its text."""
    return DeadLetter(
        tenant_id=tenant,
        log_id=LogId(fields["log_id"]),
        sha256=fields["sha256"],
        source=Source(fields["source"]),
        reason=Burial(fields["reason"]),
        error=fields["error"],
        attempts=fields["attempts"],
        received_at=parse_timestamp(fields["received_at"]),
        buried_at=parse_timestamp(fields["buried_at"]),
        characters=fields["characters"],
        text=text,
    )


def letter_summary_of(tenant: TenantId, fields: Fields, *, resolved: bool) -> LetterSummary:
    """From the fields of LETTER_SUMMARY."""
    return LetterSummary(
        key=TextKey(tenant, LogId(fields["log_id"]), fields["sha256"]),
        reason=Burial(fields["reason"]),
        error=fields["error"],
        characters=fields["characters"],
        attempts=fields["attempts"],
        received_at=parse_timestamp(fields["received_at"]),
        buried_at=parse_timestamp(fields["buried_at"]),
        resolved=resolved,
    )


def cut(text: str, bytes_max: int) -> Iterator[str]:
    """The parts of a text, each of at most so many bytes, cut between code points."""
    data = text.encode()
    first = 0
    while first < len(data):
        end = min(first + bytes_max, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:  # inside of a code point
            end -= 1
        yield data[first:end].decode()
        first = end
