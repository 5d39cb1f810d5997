"""Were the promises kept? A pure function over what clients were told and what is stored.

    history  what clients sent, and what they were told ─┐
    dump     what lies in the store, and what is left ───┤
    faults   what was to go wrong, and when ─────────────┼─▶ check ─▶ Report: findings, by kind
    journal  which work was done when, if it was noted ──┤
    earlier  what was seen in the store during the run ──┘

Every text holds a *canary*, a word that no other text holds: so a text is known wherever it turns
up, whole or in part, under whatever id and at whichever tenant's place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from logweir.verify import accepted, in_time, stored
from logweir.verify.evidence import Answer, Document, Dump, Event, Fault, Leftovers, Progress, Sent
from logweir.verify.findings import Finding, Kind, Report
from logweir.verify.inspection import Inspection
from logweir.verify.rules import Rules


def check(
    history: Sequence[Sent],
    dump: Dump,
    rules: Rules,
    *,
    faults: Sequence[Fault] = (),
    journal: Sequence[Event] = (),
    progress: Sequence[Progress] = (),
    earlier: Sequence[Document] = (),
) -> Report:
    """Compare. ``earlier``: documents that were seen during the run."""
    seen = Inspection(rules, history)
    seen.see(dump.documents)
    seen.see(dump.letters)
    return conclude(
        seen,
        left=dump,
        faults=faults,
        journal=journal,
        progress=progress,
        earlier=earlier,
        canaries=dump.canaries,
    )


def conclude(
    seen: Inspection,
    *,
    left: Leftovers,
    faults: Sequence[Fault] = (),
    journal: Sequence[Event] = (),
    progress: Sequence[Progress] = (),
    earlier: Sequence[Document] = (),
    canaries: Mapping[str, AbstractSet[str]] | None = None,
) -> Report:
    """The same, for who has read the store piece by piece."""
    history, rules = seen.history, seen.rules
    missing = accepted.unfinished(history, seen)
    course = accepted.Course(history, faults)
    origins = stored.Origins(history)
    findings = [
        *_missing(course, missing, left, rules),
        *seen.findings,
        *origins.strays(seen),
        *origins.in_bytes(canaries or {}),
        *in_time.changed(earlier, seen),
        *in_time.regressed(journal, progress, faults),
        *in_time.early(history, seen, rules),
        *course.slow(seen, rules),
        *stored.misburied(seen, rules),
        *_left(left),
    ]
    answers = Counter(sent.answer for sent in history)
    return Report(
        findings=findings,
        refusals=list(_refusals(seen, faults, missing, left)),
        requests=len(history),
        accepted=answers[Answer.OK],
        unknown=answers[Answer.UNKNOWN],
        documents=len(seen.documents),
        letters=Counter(letter.reason or "" for letter in seen.letters),
        others=seen.others,
    )


def _missing(
    course: accepted.Course, missing: Sequence[Sent], left: Leftovers, rules: Rules
) -> Iterator[Finding]:
    if left.messages is None:
        due = [sent for sent in missing if accepted.is_due(sent, rules, left.looked_at)]
        yield from course.overdue(due)
    elif not left.messages:  # else they may be among these
        yield from course.lost(missing)


def _refusals(
    seen: Inspection, faults: Sequence[Fault], missing: Sequence[Sent], left: Leftovers
) -> Iterator[str]:
    if not any(sent.answer is Answer.OK for sent in seen.history):
        yield "nothing was answered 202, so there is nothing to prove"
    for fault in faults:
        if not fault.fired:
            yield f"the fault {fault.name!r} was planned, and never fired"
    if left.messages:
        yield (
            f"the backlog is not drained: {left.messages:,} messages are left, and"
            f" {len(missing):,} logs that were answered 202 are not finished"
        )
    if left.messages is None and any(
        not accepted.is_due(sent, seen.rules, left.looked_at) for sent in missing
    ):
        yield f"{len(missing):,} logs that were answered 202 are not finished yet"
    if seen.not_compared:
        yield (
            f"{seen.not_compared:,} documents were redacted by rules of another version,"
            " or by another policy"
        )


def _left(left: Leftovers) -> Iterator[Finding]:
    for name, count in (
        ("messages", left.messages),
        ("plans", left.plans),
        ("quarantined messages", left.quarantined),
    ):
        if count:
            yield Finding(Kind.LEFT, "", None, f"{count} {name}")
