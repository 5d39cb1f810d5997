"""What the proofs have shown, run by run: a JSON line for each.

    suites ──append──▶ .proof/runs.jsonl ──python -m tests.proof──▶ docs/proof.jsonl, docs/proof.md
                       (this machine's)                             (the project's)

LOGWEIR_PROOF names another directory than .proof. A soak goes on from the first seed that no run
of either file has had.
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
from typing import Any, Final

from logweir.clock import timestamp

ROOT: Final = Path(__file__).resolve().parents[2]
KEPT: Final = ROOT / "docs" / "proof.jsonl"


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

    suite: str  # simulation, pairs, mutants, power, kills embedded, schema, fuzz, …
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


def fresh() -> Path:
    """The file of the runs that are not kept in the project yet."""
    return Path(os.environ.get("LOGWEIR_PROOF", ROOT / ".proof")) / "runs.jsonl"


def append(run: Run) -> None:
    """Note a run. One write, so that lines of several processes do not mix."""
    path = fresh()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
    try:
        os.write(descriptor, line_of(run).encode())
    finally:
        os.close(descriptor)


def line_of(run: Run) -> str:
    """A run as one line of JSON."""
    return json.dumps(dataclasses.asdict(run)) + "\n"


def read(path: Path) -> list[Run]:
    """The runs of a file, the oldest first; none where there is no file."""
    return (
        [_run(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
    )


def next_seed(suite: str) -> int:
    """The first seed that no run of the suite has had."""
    known = [run.seeds[1] for run in read(KEPT) + read(fresh()) if run.suite == suite and run.seeds]
    return max(known, default=-1) + 1


def _run(members: dict[str, Any]) -> Run:
    seeds = members.pop("seeds")
    return Run(**members, seeds=None if seeds is None else (seeds[0], seeds[1]))
