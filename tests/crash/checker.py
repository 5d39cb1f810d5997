"""Were the promises kept? A pure function over what clients were told and what is stored.

    history  what clients sent, and what they were told ─┐
    dump     what lies in the tenants' files ────────────┼─▶ check ─▶ Report: findings, by kind
    journal  which work was done when (if it was noted) ─┘

Every text holds a *canary*, a word that no other text holds: so a text is known wherever it turns
up, whole or in part, under whatever id and in whichever tenant's file.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final

CANARY: Final = re.compile(r"canary-[a-z]{20}")
# A timer may fire a millisecond early, and both times are cut to microseconds.
_EARLY_SECONDS: Final = 0.005
# Who had looked for the document just before it was written may still begin to work.
_RACE_SECONDS: Final = 0.25


class Answer(Enum):
    """What a client was told."""

    OK = "202"
    FAIL = "refused"  # 4xx: it must leave no trace
    UNKNOWN = "unknown"  # 503, a broken connection, a timeout: it may have been kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request. ``log``: the id that the client gave or was told; None where it knows none."""

    tenant: str
    log: str | None
    source: str
    sha256: str
    characters: int
    canary: str
    answer: Answer
    invoked: float  # monotonic seconds
    answered: float
    invoked_at: datetime  # the same moment on the wall clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as it lies in the file of the tenant ``place``."""

    place: str
    tenant: str
    log: str
    source: str
    text: str
    modified: str
    sha256: str
    characters: int
    received_at: datetime
    processed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter as it lies in the file of the tenant ``place``, which names ``tenant``."""

    place: str
    tenant: str
    log: str
    source: str
    text: str
    sha256: str
    characters: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    """What is stored after a run."""

    documents: Sequence[Document]
    letters: Sequence[Letter]
    canaries: Mapping[str, AbstractSet[str]]  # place -> those in the very bytes of its files
    plans: int = 0
    messages: int = 0  # still in the broker
    quarantined: int = 0


class Step(StrEnum):
    """What a worker notes about a text."""

    WORK = "work"  # it begins
    RECORDED = "recorded"  # its chunk is
    CREATED = "created"  # its document is


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A step that was taken. ``part``: the SHA-256 of the text worked on, whole log or chunk."""

    at: float  # monotonic seconds
    step: Step
    canary: str
    part: str


class Kind(StrEnum):
    """What can be wrong."""

    LOST = "lost"  # I1: answered 202, and nowhere
    WRONG = "wrong"  # I2: another text than was sent, or redacted in another way
    PHANTOM = "phantom"  # I3: nobody sent it, or it was refused
    DOUBLED = "doubled"  # I4: kept more often than it was sent
    CHANGED = "changed"  # I4: a document that was different before
    LEAKED = "leaked"  # I5: at another tenant's place
    REPEATED = "repeated"  # I7: worked on after its chunk was recorded or its document written
    EARLY = "early"  # I8: done faster than its work takes
    MISCOUNTED = "miscounted"  # a conflict without the document that it is one with
    BURIED = "buried"  # a healthy log that became a dead letter
    LEFT = "left"  # messages, plans or quarantine after the end


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where."""

    kind: Kind
    tenant: str
    log: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found; nothing where every promise was kept."""

    findings: Sequence[Finding]
    requests: int
    accepted: int
    unknown: int
    documents: int
    letters: Mapping[str, int]  # by reason

    @property
    def counts(self) -> Counter[Kind]:
        """How many findings, by kind."""
        return Counter(finding.kind for finding in self.findings)

    def __str__(self) -> str:
        """Figures in a line, and up to twenty findings below it."""
        found = ", ".join(f"{self.counts[kind]} {kind}" for kind in Kind)
        figures = (
            f"{self.requests} requests: {self.accepted} accepted, {self.unknown} unknown; "
            f"{self.documents} documents, dead letters {dict(self.letters)}: {found}"
        )
        lines = [f"  {f.kind}: {f.tenant}/{f.log}: {f.detail}" for f in self.findings[:20]]
        return "\n".join([figures, *lines])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the run promised: how to redact, how long work takes, whose burial is right."""

    redact: Callable[[str], str]
    seconds_per_character: float
    chunk_characters: int | None
    sick: AbstractSet[str] = frozenset()  # canaries of the texts that may be buried

    def least_seconds(self, characters: int) -> float:
        """How long a text takes at least: its chunks are worked on side by side."""
        alone = min(characters, self.chunk_characters or characters)
        return alone * self.seconds_per_character


def check(
    history: Sequence[Sent],
    dump: Dump,
    rules: Rules,
    *,
    journal: Sequence[Event] = (),
    earlier: Sequence[Document] = (),
) -> Report:
    """Compare. ``earlier``: documents that were seen during the run."""
    findings = [
        *_lost(history, dump),
        *_wrong(dump, rules),
        *_phantom(history, dump),
        *_doubled(history, dump),
        *_changed(earlier, dump),
        *_leaked(history, dump),
        *_repeated(journal),
        *_early(history, dump, rules),
        *_misburied(dump, rules),
        *_left(dump),
    ]
    answers = Counter(sent.answer for sent in history)
    return Report(
        findings=findings,
        requests=len(history),
        accepted=answers[Answer.OK],
        unknown=answers[Answer.UNKNOWN],
        documents=len(dump.documents),
        letters=Counter(letter.reason for letter in dump.letters),
    )


def _records(dump: Dump) -> Iterator[Document | Letter]:
    yield from dump.documents
    yield from dump.letters


def _lost(history: Sequence[Sent], dump: Dump) -> Iterator[Finding]:
    kept = {(record.place, record.log, record.sha256) for record in _records(dump)}
    for sent in history:
        if sent.answer is Answer.OK and (sent.tenant, sent.log, sent.sha256) not in kept:
            yield Finding(Kind.LOST, sent.tenant, sent.log, f"{sent.canary} was answered 202")


def _wrong(dump: Dump, rules: Rules) -> Iterator[Finding]:
    for record in _records(dump):
        if _sha256(record.text) != record.sha256 or len(record.text) != record.characters:
            yield Finding(Kind.WRONG, record.place, record.log, "its text is not its hash's")
    for document in dump.documents:
        if document.modified != rules.redact(document.text):
            yield Finding(Kind.WRONG, document.place, document.log, "not the redaction of its text")


def _phantom(history: Sequence[Sent], dump: Dump) -> Iterator[Finding]:
    senders = defaultdict(list)
    for sent in history:
        if sent.answer is not Answer.FAIL:
            senders[sent.tenant, sent.sha256].append(sent)
    for record in _records(dump):
        same_text = senders[record.place, record.sha256]
        ids = {sent.log for sent in same_text}
        if not same_text:
            yield Finding(
                Kind.PHANTOM, record.place, record.log, "nobody sent it, or it was refused"
            )
        elif record.log not in ids and None not in ids:
            yield Finding(Kind.PHANTOM, record.place, record.log, f"it was sent as {ids}")
        elif record.source not in {sent.source for sent in same_text}:
            yield Finding(Kind.PHANTOM, record.place, record.log, f"not sent by {record.source}")
    known = {sent.canary for sent in history if sent.answer is not Answer.FAIL}
    for place, canaries in dump.canaries.items():
        for canary in canaries - known:
            yield Finding(Kind.PHANTOM, place, None, f"{canary} in the bytes of the file")


def _doubled(history: Sequence[Sent], dump: Dump) -> Iterator[Finding]:
    """A text may be kept once for each time that it was sent under an id, and no oftener."""
    times: Counter[tuple[str, str | None]] = Counter(
        (sent.canary, sent.log) for sent in history if sent.answer is not Answer.FAIL
    )
    kept: Counter[tuple[str, str | None]] = Counter()
    documents: Counter[tuple[str, str]] = Counter((d.place, d.log) for d in dump.documents)
    for record in _records(dump):
        for canary in set(CANARY.findall(record.text)):
            # One of whose id the client was told nothing may lie under any id.
            kept[canary, record.log if (canary, record.log) in times else None] += 1
    for (canary, log), count in kept.items():
        if count > times[canary, log]:
            detail = f"{canary} is kept {count} times and was sent {times[canary, log]} times"
            yield Finding(Kind.DOUBLED, "", log, detail)
    for (place, log), count in documents.items():
        if count > 1:
            yield Finding(Kind.DOUBLED, place, log, f"{count} documents under one id")


def _changed(earlier: Sequence[Document], dump: Dump) -> Iterator[Finding]:
    now = {(document.place, document.log): document for document in dump.documents}
    for before in earlier:
        if now.get((before.place, before.log)) != before:
            yield Finding(Kind.CHANGED, before.place, before.log, "not what it was before")


def _leaked(history: Sequence[Sent], dump: Dump) -> Iterator[Finding]:
    owner = {sent.canary: sent.tenant for sent in history}
    for record in _records(dump):
        if record.tenant != record.place:
            yield Finding(Kind.LEAKED, record.place, record.log, f"it is {record.tenant}'s")
        for canary in CANARY.findall(record.text):
            if owner.get(canary, record.place) != record.place:
                yield Finding(Kind.LEAKED, record.place, record.log, f"{owner[canary]}'s {canary}")
    for place, canaries in dump.canaries.items():
        for canary in canaries:
            if owner.get(canary, place) != place:
                yield Finding(Kind.LEAKED, place, None, f"{owner[canary]}'s {canary} in the bytes")


def _repeated(journal: Sequence[Event]) -> Iterator[Finding]:
    created = _first(journal, Step.CREATED, lambda event: event.canary)
    recorded = _first(journal, Step.RECORDED, lambda event: event.part)
    for event in journal:
        if event.step is not Step.WORK:
            continue
        for what, done in (
            ("its document was there", created.get(event.canary)),
            ("its chunk was recorded", recorded.get(event.part)),
        ):
            if done is not None and event.at > done + _RACE_SECONDS:
                late = f"{event.canary} was worked on {event.at - done:.3f} s after {what}"
                yield Finding(Kind.REPEATED, "", None, late)


def _first(
    journal: Iterable[Event], step: Step, key: Callable[[Event], str]
) -> Mapping[str, float]:
    times: dict[str, float] = {}
    for event in journal:
        if event.step is step:
            times[key(event)] = min(event.at, times.get(key(event), event.at))
    return times


def _early(history: Sequence[Sent], dump: Dump, rules: Rules) -> Iterator[Finding]:
    sent_at: dict[tuple[str, str], datetime] = {}
    for sent in history:
        key = (sent.tenant, sent.sha256)
        sent_at[key] = min(sent.invoked_at, sent_at.get(key, sent.invoked_at))
    for document in dump.documents:
        least = rules.least_seconds(document.characters) - _EARLY_SECONDS
        since = max(
            document.received_at,
            sent_at.get((document.place, document.sha256), document.received_at),
        )
        took = (document.processed_at - since).total_seconds()
        if took < least:
            detail = f"{took:.3f} s for {document.characters} characters, at least {least:.3f} s"
            yield Finding(Kind.EARLY, document.place, document.log, detail)


def _misburied(dump: Dump, rules: Rules) -> Iterator[Finding]:
    stored = {(document.place, document.log): document.sha256 for document in dump.documents}
    for letter in dump.letters:
        if letter.reason == "conflict":
            if stored.get((letter.place, letter.log), letter.sha256) == letter.sha256:
                detail = "a conflict without another text under its id"
                yield Finding(Kind.MISCOUNTED, letter.place, letter.log, detail)
        elif rules.sick.isdisjoint(CANARY.findall(letter.text)):
            yield Finding(Kind.BURIED, letter.place, letter.log, f"healthy, and {letter.reason}")


def _left(dump: Dump) -> Iterator[Finding]:
    for name, count in (
        ("messages", dump.messages),
        ("plans", dump.plans),
        ("quarantined messages", dump.quarantined),
    ):
        if count:
            yield Finding(Kind.LEFT, "", None, f"{count} {name}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
