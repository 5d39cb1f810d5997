"""What is kept about a log: its document, its plan while it has chunks, its dead letter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from logweir.envelope import ChunkRange, Envelope, Source
from logweir.ids import LogId, TenantId
from logweir.reasons import Burial


@dataclass(frozen=True, slots=True)
class TextKey:
    """One text under one id. Two texts sent under one id have two keys."""

    tenant: TenantId
    log: LogId
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A log that is done, at ``tenants/{tenant_id}/processed_logs/{log_id}``."""

    tenant_id: TenantId
    log_id: LogId
    source: Source
    original_text: str
    modified_data: str
    received_at: datetime
    processed_at: datetime
    sha256: str  # of original_text
    characters: int  # of original_text
    redactions: Mapping[str, int]  # how many, by rule
    rules_version: str
    attempts: int  # of the delivery that finished it

    @property
    def key(self) -> TextKey:
        """The text that it is the document of."""
        return TextKey(self.tenant_id, self.log_id, self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A log that could not become a document, whole, with the reason."""

    tenant_id: TenantId
    log_id: LogId
    source: Source
    text: str
    received_at: datetime
    buried_at: datetime
    sha256: str
    characters: int
    reason: Burial
    error: str | None  # the last one; it may quote the text
    attempts: int

    @property
    def key(self) -> TextKey:
        """The text that is buried."""
        return TextKey(self.tenant_id, self.log_id, self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A long text and its cuts: chunk ``i`` is ``text[i * chunk_characters:][:chunk_characters]``.

    Chunks only work; redaction is done once over the whole text, so no cut can change it.
    """

    tenant: TenantId
    log: LogId
    sha256: str
    source: Source
    received_at: datetime
    text: str
    chunk_characters: int
    sent: bool = False  # are all its chunks in the broker, or recorded?
    traceparent: str | None = None

    @property
    def key(self) -> TextKey:
        """The text that is planned."""
        return TextKey(self.tenant, self.log, self.sha256)

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return -(-len(self.text) // self.chunk_characters)

    def envelope(self) -> Envelope:
        """The envelope of the whole log, naming this plan instead of carrying the text."""
        return Envelope(
            tenant=self.tenant,
            log=self.log,
            source=self.source,
            received_at=self.received_at,
            sha256=self.sha256,
            characters=len(self.text),
            text=None,
            traceparent=self.traceparent,
        )

    def chunk(self, index: int) -> Envelope:
        """The envelope of one chunk."""
        first = index * self.chunk_characters
        end = min(first + self.chunk_characters, len(self.text))
        return replace(
            self.envelope(), text=self.text[first:end], chunk=ChunkRange(index, first, end)
        )


def key_of(envelope: Envelope) -> TextKey:
    """The text that an envelope carries, or is a chunk of."""
    return TextKey(envelope.tenant, envelope.log, envelope.sha256)
