"""The runs of this suite, each a tally: of traffic, of failing disks, of flipped bits, of bugs."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.power import faults, flips
from tests.power.record import Traffic, record
from tests.power.sweep import Found, memory, quietly, sweep
from tests.proof import results

SUITE: Final = "power"
BUGS: Final = {
    "normal": "synchronous=NORMAL",
    "early": "202 before the commit",
}
_LARGE_CUTS: Final = 60  # of a recording with a large text: its images are of megabytes
_FAULT_CUTS: Final = 120


@dataclass(slots=True)
class Tally:
    """What was done, and what was found; the words are those of ``tests.proof.results.Run``."""

    counts: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, str] = field(default_factory=dict)
    maxima: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add up."""
        self.counts += other.counts
        self.fired += other.fired
        self.outcomes |= other.outcomes
        for name, value in other.maxima.items():
            self.maxima[name] = max(value, self.maxima.get(name, 0.0))
        self.findings += other.findings


def traffic(seed: int, *, images: int, cuts_max: int = 1_000_000) -> Tally:
    """Record a run under random traffic, and look at what power cuts would leave of it."""
    plan = Traffic.of(seed)
    directory = memory()
    try:
        recording = record(directory / "run", plan)
        cuts = min(cuts_max, _LARGE_CUTS) if plan.large else cuts_max
        tally = _looked_at(recording, f"traffic-{seed}", images=images, cuts_max=cuts)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    tally.counts["recordings"] += 1
    return tally


def failing_syncs(rounds: Iterable[int], failing: int, *, images: int) -> Tally:
    """Failing fsyncs, and power cuts during them and after."""
    directory = memory()
    try:
        outcome = faults.failing_syncs(directory / "run", rounds, failing=failing)
        tally = _looked_at(
            outcome.recording, f"failing-syncs-{failing}", images=images, cuts_max=_FAULT_CUTS
        )
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    _note(tally, outcome, "fsync that fails")
    return tally


def full_disks(rounds: Iterable[int], fresh: Iterable[int], *, images: int) -> Tally:
    """A disk that is full from the n-th write on, in a running service and in a new one."""
    directory = memory()
    try:
        outcome = faults.full_disk(directory / "run", rounds)
        tally = _looked_at(outcome.recording, "full-disk", images=images, cuts_max=_FAULT_CUTS)
        _note(tally, outcome, "full disk")
        for nth in fresh:
            outcome = faults.full_from_the_start(directory / f"fresh-{nth}", nth)
            _note(tally, outcome, "full disk")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return tally


def flipped_bits(first: int, count: int) -> Tally:
    """Flip bits, one at a time, each in a copy of the same directory."""
    tally = Tally()
    directory = memory()
    read: Counter[str] = Counter()

    async def run() -> None:
        texts = await flips.fill(directory / "data", first)
        for seed in range(first, first + count):
            where, found = await flips.flip(directory / "data", texts, directory, seed)
            read.update(found)
            tally.fired["bit flipped"] += 1
            if found[flips.ANOTHER]:
                tally.findings.append(f"{where}: another text was served (first={first}, {seed=})")

    try:
        quietly(run())
    finally:
        shutil.rmtree(directory)
    tally.counts.update({f"reads after a flip, {what}": number for what, number in read.items()})
    tally.outcomes["bit flipped"] = "unchanged, an error that names the file, or not found"
    return tally


def planted(bug: str, *, images: int = 3, cuts_max: int = 200) -> Found:
    """The very same with a bug in it: what is found then."""
    directory = memory()
    try:
        run = Traffic(seed=1, logs=8, kills=0, restarts=0, bug=bug)
        return sweep(record(directory / "run", run), images=images, cuts_max=cuts_max)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def planted_bugs() -> Tally:
    """It is a finding where a planted bug is not found."""
    tally = Tally()
    for bug, words in BUGS.items():
        found = planted(bug)
        lost = {text for _, _, text in found.findings if text.startswith("lost:")}
        tally.counts[f"images with {words}"] += found.looked_at
        tally.outcomes[f"planted: {words}"] = "found: accepted logs are lost"
        tally.fired[f"planted: {words}"] += 1
        if not lost:
            tally.findings.append(f"{words} was not found in {found.looked_at} images")
    return tally


def _looked_at(recording: Path, name: str, *, images: int, cuts_max: int) -> Tally:
    found = sweep(recording, images=images, cuts_max=cuts_max)
    tally = Tally()
    tally.counts["images"] = len(found.digests)
    tally.counts["cuts"] = found.cuts
    tally.counts["images worked to the end"] = found.finished
    tally.counts["CPU milliseconds of images"] = int(found.cpu_seconds * 1000)
    tally.fired["power cut"] = found.cuts
    tally.outcomes["power cut"] = "opens by itself; all that was answered 202 is there, unchanged"
    if found.findings:
        kept = results.fresh().parent / "power" / f"{name}.recording"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recording, kept)
        # They are kept in the project: no path of this machine.
        there = os.path.relpath(kept, results.ROOT)
        tally.findings += [
            f"{text}; python -m tests.power --recording {there} --image {cut}/{number}"
            for cut, number, text in found.findings
        ]
    return tally


def _note(tally: Tally, outcome: faults.Outcome, fault: str) -> None:
    tally.counts[f"rounds: {fault}"] += outcome.rounds
    tally.fired.update(outcome.fired)
    tally.outcomes[fault] = "503, never 202; resumes by itself; nothing that was accepted is lost"
    slowest = max(outcome.resumed_seconds, default=0.0)
    tally.maxima[f"seconds to resume: {fault}"] = round(slowest, 3)
    tally.findings += outcome.findings
