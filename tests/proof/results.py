"""What the proofs have shown, run by run: a JSON line for each in .proof/runs.jsonl.

LOGWEIR_PROOF names another directory. Suites append; ``python -m tests.proof`` adds the lines up
and writes docs/proof.md; the soak goes on from the first seed that no run has had.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from logweir.clock import timestamp

ROOT: Final = Path(__file__).resolve().parents[2]


def _commit() -> str:
    """The commit that is checked out, with a + where files differ from it."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = "+" if git("status", "--porcelain", "--untracked-files=no") else ""
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one suite."""

    suite: str  # simulation, pairs, mutants, power, kills, schema, fuzz, machine, slow-clients, …
    command: str  # that does it again
    seconds: float
    seeds: tuple[int, int] | None = None  # first and last, both included
    counts: Mapping[str, int] = field(default_factory=dict)  # of what was done: added up over runs
    faults: Mapping[str, int] = field(default_factory=dict)  # how often each fired: added up
    outcomes: Mapping[str, str] = field(default_factory=dict)  # fault -> what came of it, in words
    maxima: Mapping[str, float] = field(default_factory=dict)  # the largest of all runs counts
    findings: Sequence[str] = ()  # promises that were broken; none is what is hoped for
    commit: str = field(default_factory=_commit)
    ended_at: str = field(default_factory=lambda: timestamp(datetime.now(UTC)))


def directory() -> Path:
    """Where the runs are kept."""
    return Path(os.environ.get("LOGWEIR_PROOF", ROOT / ".proof"))


def append(run: Run) -> None:
    """Keep a run. One write, so that lines of several processes do not mix."""
    path = directory() / "runs.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(dataclasses.asdict(run)) + "\n"
    descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def runs(suite: str | None = None) -> list[Run]:
    """All that are kept, or those of one suite, the oldest first."""
    path = directory() / "runs.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    found = [_run(json.loads(line)) for line in lines]
    return [run for run in found if suite in (None, run.suite)]


def next_seed(suite: str) -> int:
    """The first seed that no run of the suite has had."""
    return max((run.seeds[1] + 1 for run in runs(suite) if run.seeds), default=0)


def _run(members: dict[str, object]) -> Run:
    seeds = members.pop("seeds")
    return Run(**members, seeds=tuple(seeds) if isinstance(seeds, list) else None)  # type: ignore[arg-type]
