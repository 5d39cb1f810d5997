"""What a scenario shows: the checker's report, and figures of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.crash import dump
from tests.crash.doomed import read_journal

from logweir.backends.local.broker import MESSAGE_BYTES_MAX
from logweir.entrypoints.cli import proof
from logweir.settings import Settings
from logweir.verify.checker import check
from logweir.verify.evidence import Document, Fault, Sent
from logweir.verify.findings import Kind, Report
from logweir.verify.rules import ONE_MACHINE_SKEW_SECONDS, Rules

JOURNAL: Final = "journal.jsonl"
RESUMED_SECONDS_AIM: Final = 1.0  # p99, from the death of a worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One line of the table."""

    name: str
    report: Report
    kills: int
    figures: Mapping[str, object] = field(default_factory=dict)
    resumed: Sequence[float] = ()  # seconds from a worker's death until its messages are held again

    def row(self) -> tuple[str, ...]:
        """Its cells, under HEADINGS."""
        counts = self.report.counts
        return (
            self.name,
            str(self.report.accepted),
            str(self.kills),
            *(str(counts[kind]) for kind in (Kind.LOST, Kind.DOUBLED, Kind.WRONG, Kind.LEAKED)),
            str(counts.total()),
            "  ".join(f"{name} {value}" for name, value in self.figures.items()),
        )


HEADINGS = ("scenario", "202s", "kills", "lost", "doubled", "wrong", "leaked", "findings", "")


def rules_of(
    settings: Settings, message_bytes_max: int, *, sick: frozenset[str] = frozenset()
) -> Rules:
    """What a service with these settings, and a broker of such messages, must hold to."""
    return replace(
        proof.rules_of(settings, message_bytes_max),
        sick=sick,
        shared=False,  # nobody else writes there
        skew_seconds=ONE_MACHINE_SKEW_SECONDS,  # a cloud's emulator has this machine's clock
    )


def judge(
    settings: Settings,
    history: Sequence[Sent],
    *,
    sick: frozenset[str] = frozenset(),
    faults: Sequence[Fault] = (),
    earlier: Sequence[Document] = (),
) -> Report:
    """Check what lies in the data directory, and the journal beside it, if there is a witness.

    Raises AssertionError where work was done that no witness has seen.
    """
    rules = rules_of(settings, MESSAGE_BYTES_MAX, sick=sick)
    journal = read_journal(journal_path(settings))
    stored = dump.dump(settings.data_dir)
    assert journal or not (stored.documents and journal_path(settings).exists()), "no witness"
    return check(history, stored, rules, faults=faults, journal=journal, earlier=earlier)


def journal_path(settings: Settings) -> Path:
    """Where the witnesses of a run note what they see."""
    return settings.data_dir.parent / JOURNAL


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of them do not exceed; NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(values: Sequence[float]) -> str:
    """p50, p99 and the largest, in milliseconds."""
    figures = [quantile(values, share) for share in (0.5, 0.99, 1.0)]
    return "/".join("-" if math.isnan(f) else f"{f * 1000:.0f}" for f in figures) + " ms"
