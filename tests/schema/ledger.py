"""Is exactly that stored which was answered 202? A pure function over both sides.

The texts are schemathesis's own, down to a single NUL, so that the checker of the other suites,
which knows texts by the canaries in them, cannot judge them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from logweir.envelope import sha256_of
from logweir.redact import redact
from logweir.verify.evidence import Document, Dump, Letter


class Kept(NamedTuple):
    """A log that was answered 202: what the answer said, and the hash of what had been sent."""

    tenant: str
    log: str
    source: str
    sha256: str


def differences(accepted: Iterable[Kept], dump: Dump) -> list[str]:
    """What is wrong with a store after all is done; nothing is what is hoped for."""
    return list(_differences(frozenset(accepted), dump))


def _differences(accepted: frozenset[Kept], dump: Dump) -> Iterator[str]:
    if dump.messages or dump.plans or dump.quarantined:
        yield (
            f"left: {dump.messages} messages, {dump.plans} plans, {dump.quarantined} in quarantine"
        )
    records: list[Document | Letter] = [*dump.documents, *dump.letters]
    stored = Counter((record.place, record.log, record.sha256) for record in records)
    yield from (f"stored {times} times: {key}" for key, times in stored.items() if times > 1)
    for kept in accepted:
        if (kept.tenant, kept.log, kept.sha256) not in stored:
            yield f"answered 202, and not stored: {kept}"
    documents = {(document.place, document.log) for document in dump.documents}
    for letter in dump.letters:
        if letter.reason != "conflict" or (letter.place, letter.log) not in documents:
            yield f"a needless dead letter: {letter.reason}, {letter.place}/{letter.log}"
    for record in records:
        yield from _of_record(record, accepted)


def _of_record(record: Document | Letter, accepted: frozenset[Kept]) -> Iterator[str]:
    if Kept(record.place, record.log, record.source, record.sha256) not in accepted:
        yield f"stored, and never answered 202: {record}"
    if record.tenant != record.place:
        yield f"at the place of another tenant: {record}"
    if (sha256_of(record.text), len(record.text)) != (record.sha256, record.characters):
        yield f"not the text that was sent: {record}"
    if isinstance(record, Document) and record.modified != redact(record.text).text:
        yield f"not redacted by the rules: {record}"
