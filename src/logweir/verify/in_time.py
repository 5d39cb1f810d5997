"""Over time: nothing that is done may change, go back, be done again, or come sooner than its work.

CHANGED, REGRESSED, EARLY.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final

from logweir.verify.evidence import Document, Event, Fault, Progress, Sent, Step
from logweir.verify.findings import Finding, Kind
from logweir.verify.inspection import Inspection, record_of
from logweir.verify.rules import Rules

# Who had looked for the document just before it was written may still begin to work.
_RACE_SECONDS: Final = 0.25
_WAKES_SECONDS: Final = 0.5  # and goes on so soon after it stood still


def changed(earlier: Iterable[Document], seen: Inspection) -> Iterator[Finding]:
    """Documents that were seen before, and are not there as they were."""
    now = {(document.place, document.log): document for document in seen.documents}
    for before in map(record_of, earlier):
        if now.get((before.place, before.log)) != before:
            yield Finding(Kind.CHANGED, before.place, before.log, "not what it was before")


def regressed(
    journal: Sequence[Event], progress: Sequence[Progress], faults: Sequence[Fault] = ()
) -> Iterator[Finding]:
    """Work that was done twice without need, and chunks that were recorded and are not."""
    pauses = [fault for fault in faults if fault.paused]
    created = _first(journal, Step.CREATED, lambda event: event.canary)
    recorded = _first(journal, Step.RECORDED, lambda event: event.part)
    for event in journal:
        if event.step is not Step.WORK:
            continue
        for what, done in (
            ("its document was there", created.get(event.canary)),
            ("its chunk was recorded", recorded.get(event.part)),
        ):
            if done is not None and not _may_begin(event.at, done, pauses):
                late = f"{event.canary} was worked on {event.at - done:.3f} s after {what}"
                yield Finding(Kind.REGRESSED, "", None, late)
    yield from _gone_back(progress)


def _may_begin(at: float, done: float, pauses: Sequence[Fault]) -> bool:
    """Whether it had looked before that was done: a moment ago, or before it stood still."""
    return at <= done + _RACE_SECONDS or any(
        pause.begin - _RACE_SECONDS <= done <= pause.end and at <= pause.end + _WAKES_SECONDS
        for pause in pauses
    )


def early(history: Sequence[Sent], seen: Inspection, rules: Rules) -> Iterator[Finding]:
    """Documents sooner after their arrival, or after their sending, than their work takes."""
    sent_at: dict[tuple[str, str], datetime] = {}
    for sent in history:
        key = (sent.tenant, sent.sha256)
        sent_at[key] = min(sent.invoked_at, sent_at.get(key, sent.invoked_at))
    for document in seen.documents:
        if document.received_at is None or document.processed_at is None:
            continue
        least = rules.least_seconds(document.characters) - rules.skew_seconds
        since = max(
            document.received_at,
            sent_at.get((document.place, document.sha256), document.received_at),
        )
        took = document.processed_at - since
        if took < timedelta(seconds=least):
            seconds = took.total_seconds()
            detail = f"{seconds:.3f} s for {document.characters} characters, at least {least:.3f} s"
            yield Finding(Kind.EARLY, document.place, document.log, detail)


def _first(
    journal: Iterable[Event], step: Step, key: Callable[[Event], str]
) -> Mapping[str, float]:
    times: dict[str, float] = {}
    for event in journal:
        if event.step is step:
            times[key(event)] = min(event.at, times.get(key(event), event.at))
    return times


def _gone_back(progress: Sequence[Progress]) -> Iterator[Finding]:
    before: dict[tuple[str, str, str], AbstractSet[int]] = {}
    for look in sorted(progress, key=lambda look: look.at):
        key = (look.place, look.log, look.sha256)
        if gone := before.get(key, frozenset()) - look.recorded:
            detail = f"chunks {sorted(gone)} were recorded, and are not"
            yield Finding(Kind.REGRESSED, look.place, look.log, detail)
        before[key] = look.recorded
