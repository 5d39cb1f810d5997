"""From the client's side: is all that was answered 202 kept, and in time? LOST, SLOW."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from logweir.verify.evidence import Answer, Fault, Sent
from logweir.verify.findings import Finding, Kind, Part
from logweir.verify.inspection import Inspection
from logweir.verify.rules import Rules


def unfinished(history: Sequence[Sent], seen: Inspection) -> list[Sent]:
    """What was answered 202, and is neither a document nor a dead letter at its place.

    What is there and unreadable is wrong, and not lost.
    """
    kept: set[tuple[str, str | None, str]] = set()
    for record in seen.records:
        kept.add((record.place, record.log, record.sha256))
        kept.add((record.place, None, record.sha256))  # for whom was not told the id
    return [
        sent
        for sent in history
        if sent.answer is Answer.OK
        and (sent.tenant, sent.log, sent.sha256) not in kept
        and (sent.tenant, sent.log) not in seen.unreadable
    ]


def is_due(sent: Sent, rules: Rules, now: datetime | None) -> bool:
    """Should it be finished by now?"""
    if now is None or rules.finish_seconds is None:
        return True
    return (now - sent.answered_at).total_seconds() > rules.finish_seconds


@dataclass(frozen=True, slots=True)
class Course:
    """A run as its clients saw it: what is said of a log that is missing."""

    history: Sequence[Sent]
    faults: Sequence[Fault]

    def lost(self, missing: Sequence[Sent]) -> Iterator[Finding]:
        """Each, and when it was sent: what is lost at the end of a run has other causes."""
        return self._missing(Kind.LOST, missing, "nowhere")

    def overdue(self, missing: Sequence[Sent]) -> Iterator[Finding]:
        """The same where the broker does not tell what it has: they may come, but too late."""
        what = "not finished, and the broker does not tell whether it has it"
        return self._missing(Kind.SLOW, missing, what)

    def _missing(self, kind: Kind, missing: Sequence[Sent], what: str) -> Iterator[Finding]:
        begin = min((sent.invoked for sent in self.history), default=0.0)
        length = max((sent.invoked for sent in self.history), default=0.0) - begin
        for sent in missing:
            thirds = 3 * (sent.invoked - begin) / length if length else 0.0
            yield Finding(
                kind,
                sent.tenant,
                sent.log,
                f"{sent.canary} was answered 202, and is {what}",
                part=list(Part)[min(int(thirds), 2)],
                during=[
                    fault.name
                    for fault in self.faults
                    if fault.begin <= sent.answered and sent.invoked <= fault.end
                ],
            )

    def slow(self, seen: Inspection, rules: Rules) -> Iterator[Finding]:
        """Documents that came too late after their first 202 and after the faults before them."""
        bound = rules.finish_seconds
        if bound is None:
            return
        accepted_at = self._accepted_at()
        windows = self._windows()
        for record in seen.documents:
            since = accepted_at.get((record.place, record.log, record.sha256))
            done = record.processed_at
            if since is None or done is None:
                continue
            since = max([since, *(end for begin, end in windows if begin < done)])
            took = (done - since).total_seconds()
            if took > bound + rules.skew_seconds:
                detail = f"it took {took:,.1f} s, and may take {bound:,.1f} s"
                yield Finding(Kind.SLOW, record.place, record.log, detail)

    def _accepted_at(self) -> dict[tuple[str, str | None, str], datetime]:
        times: dict[tuple[str, str | None, str], datetime] = {}
        for sent in self.history:
            if sent.answer is Answer.OK:
                key = (sent.tenant, sent.log, sent.sha256)
                times[key] = min(sent.answered_at, times.get(key, sent.answered_at))
        return times

    def _windows(self) -> list[tuple[datetime, datetime]]:
        """Of the faults that fired, on the wall clock."""
        if not self.history:
            return []
        first = self.history[0]

        def wall(at: float) -> datetime:
            return first.invoked_at + timedelta(seconds=at - first.invoked)

        return [(wall(fault.begin), wall(fault.end)) for fault in self.faults if fault.fired]
