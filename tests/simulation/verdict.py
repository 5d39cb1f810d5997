"""Were the promises kept when a run is over? By what is stored, and what clients were told."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.simulation.clients import Sent, Told
from tests.simulation.oracle import Oracle
from tests.simulation.part import named

from logweir.backends.memory import MemoryStore
from logweir.envelope import Source
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, TextKey
from logweir.reasons import Quarantine
from logweir.redact import redact


def check_end(oracle: Oracle, history: Sequence[Sent], *, calm: bool) -> None:
    """Add what is wrong to the findings. ``calm``: no fault has happened in this run."""
    _check_kept(oracle, history)
    _check_records(oracle, history)
    _check_unchanged(oracle)
    _check_quarantine(oracle)
    if calm and oracle.memory._plans:
        oracle.found("I10", "a plan is left, and nothing has gone wrong")


def _check_kept(oracle: Oracle, history: Sequence[Sent]) -> None:
    for sent in history:
        if sent.request.bad and sent.told is not Told.REFUSED:
            oracle.covered["bad requests without an answer"] += 1
        if sent.told is not Told.KEPT or sent.log is None:
            continue
        key = TextKey(TenantId(sent.request.tenant), LogId(sent.log), sent.sha256)
        if not oracle.kept(key):
            oracle.found("I1", f"{named(key)} was answered 202, and is nowhere")


def _records(memory: MemoryStore) -> Iterator[tuple[TenantId, Document | DeadLetter]]:
    for (tenant, _), document in memory._documents.items():
        yield tenant, document
    for key, letter in memory._letters.items():
        yield key.tenant, letter


def _check_records(oracle: Oracle, history: Sequence[Sent]) -> None:
    senders: defaultdict[tuple[str, str], set[tuple[str | None, Source]]] = defaultdict(set)
    for sent in history:
        if not sent.request.bad:
            senders[sent.request.tenant, sent.sha256].add((sent.log, sent.request.source))
    for place, record in _records(oracle.memory):
        key = record.key
        if place != record.tenant_id:
            oracle.found("I5", f"{named(key)} lies under {place}")
        sent_as = senders[record.tenant_id, record.sha256]
        # One of whose id the client was told nothing may lie under any id.
        if not {(record.log_id, record.source), (None, record.source)} & sent_as:
            oracle.found(
                "I3", f"{named(key)}, {record.source}: it was sent as {sorted(map(str, sent_as))}"
            )
        text = record.original_text if isinstance(record, Document) else record.text
        if _sha256(text) != record.sha256 or len(text) != record.characters:
            oracle.found("I2", f"{named(key)}: its text is not its hash's")
        if isinstance(record, Document):
            oracle.covered["documents"] += 1
            if record.modified_data != _redacted(text) or "555-0199" in record.modified_data:
                oracle.found("I2", f"{named(key)}: not redacted, or in another way")


def _check_unchanged(oracle: Oracle) -> None:
    for place, (first, _) in oracle.first_documents.items():
        if oracle.memory._documents.get(place) is not first:
            oracle.found("I4", f"{place}: its document is not what it was")


def _check_quarantine(oracle: Oracle) -> None:
    for queue in oracle.queues:
        for raw, reason in queue.in_quarantine:
            if reason is not Quarantine.UNREADABLE or raw not in oracle.garbage:
                oracle.found("I1", f"quarantined as {reason}: {raw[:200]!r}")


@functools.lru_cache(4096)  # what the product redacts, once more, for many seeds
def _redacted(text: str) -> str:
    return redact(text).text


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
