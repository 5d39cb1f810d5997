"""Reads what is stored, once, and keeps all of each record but its texts.

A flood's texts need not fit into memory: each is compared with its hash and its redaction when it
is read, its canaries are noted, and it is let go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from logweir.verify.canary import CANARY, run_of
from logweir.verify.evidence import Document, Letter, Sent
from logweir.verify.findings import Finding, Kind
from logweir.verify.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A document or dead letter (then with a ``reason``) without its texts."""

    place: str
    tenant: str
    log: str
    source: str
    sha256: str  # as it says of itself
    characters: int
    canaries: AbstractSet[str]
    contents: str  # SHA-256 of its texts as they are
    reason: str | None = None
    received_at: datetime | None = None
    processed_at: datetime | None = None


@dataclass(slots=True)
class Inspection:
    """What was read so far. ``history``: whose logs are looked at, where others write too."""

    rules: Rules
    history: Sequence[Sent]
    documents: list[Record] = field(default_factory=list)
    letters: list[Record] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    others: int = 0
    not_compared: int = 0  # redacted by rules of another version
    unreadable: set[tuple[str, str]] = field(default_factory=set)  # place and log
    _runs: AbstractSet[str] = frozenset()
    _ids: AbstractSet[tuple[str, str | None]] = frozenset()

    def __post_init__(self) -> None:
        """Note by what the history's own logs are known."""
        if self.rules.shared:
            self._runs = {run_of(sent.canary) for sent in self.history}
            self._ids = {(sent.tenant, sent.log) for sent in self.history}

    def see(self, stored: Iterable[Document | Letter]) -> None:
        """Read these."""
        for each in stored:
            if not self._is_ours(each):
                self.others += 1
                continue
            record = record_of(each)
            (self.letters if record.reason else self.documents).append(record)
            self.findings += self._contents(each)

    def damaged(self, place: str, log: str | None, why: str) -> None:
        """Note what is there, and which the store itself says it cannot serve any more."""
        self.findings.append(Finding(Kind.WRONG, place, log, why))
        if log is not None:
            self.unreadable.add((place, log))

    @property
    def records(self) -> Iterator[Record]:
        """Documents, then dead letters."""
        yield from self.documents
        yield from self.letters

    def _is_ours(self, stored: Document | Letter) -> bool:
        if not self.rules.shared or (stored.place, stored.log) in self._ids:
            return True
        return any(run_of(canary) in self._runs for canary in _canaries(stored))

    def _contents(self, stored: Document | Letter) -> Iterator[Finding]:
        if _sha256(stored.text) != stored.sha256 or len(stored.text) != stored.characters:
            yield Finding(Kind.WRONG, stored.place, stored.log, "its text is not its hash's")
        if not isinstance(stored, Document):
            return
        redaction = self.rules.redaction(stored.place)
        if stored.rules_version not in {None, redaction.version}:
            self.not_compared += 1
        elif stored.modified != redaction.redact(stored.text):
            yield Finding(Kind.WRONG, stored.place, stored.log, "not the redaction of its text")


def record_of(stored: Document | Letter) -> Record:
    """All but the texts."""
    reason, received_at, processed_at, modified = None, None, None, ""
    if isinstance(stored, Document):
        received_at, processed_at = stored.received_at, stored.processed_at
        modified = stored.modified
    else:
        reason = stored.reason
    return Record(
        place=stored.place,
        tenant=stored.tenant,
        log=stored.log,
        source=stored.source,
        sha256=stored.sha256,
        characters=stored.characters,
        canaries=_canaries(stored),
        contents=_sha256(f"{_sha256(stored.text)} {_sha256(modified)}"),
        reason=reason,
        received_at=received_at,
        processed_at=processed_at,
    )


def _canaries(stored: Document | Letter) -> AbstractSet[str]:
    found = frozenset(CANARY.findall(stored.text))
    if isinstance(stored, Document):
        return found | frozenset(CANARY.findall(stored.modified))
    return found


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
