"""``make fuzz``: atheris on whatever comes in from outside; ten minutes, or as many as are named.

    python -m tests.fuzz [--minutes 10] [--target accept|decode|inflate] [--seed N] [--json]
    python -m tests.fuzz --replay tests/fuzz/regressions/TARGET/FILE

What the search learns stays in .proof/fuzz, so that each run goes on from the last. An input that
breaks a promise is kept in tests/fuzz/regressions, and a test runs it from then on.
Needs .venv-fuzz: ``scripts/setup fuzz``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.seeds import REGRESSIONS, inputs
from tests.fuzz.targets import TARGETS, run
from tests.proof.results import ROOT, Run, append, fresh, next_seed

SUITE: Final = "fuzz"
_PYTHON: Final = ROOT / ".venv-fuzz" / "bin" / "python"
_OPTIONS: Final = (
    *("-print_final_stats=1", "-verbosity=1", "-max_len=12000", "-len_control=20"),
    *("-timeout=10", "-rss_limit_mb=160"),  # seconds for one input, and memory for all
)
_STATISTIC: Final = re.compile(r"^stat::(\w+):\s+(\d+)$", re.MULTILINE)
_COVERAGE: Final = re.compile(r"\bcov: (\d+) ft: (\d+) corp: (\d+)/")
_ARTIFACT: Final = re.compile(r"Test unit written to (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What one process has done."""

    target: str
    seconds: float
    executions: int
    edges: int
    corpus: int  # inputs that reached something of their own
    rss_mib: int
    finding: str | None


def search(target: str, seconds: float, seed: int, python: Path) -> Search:
    """Look for an input that breaks a promise; ends with the first one, or with the time."""
    corpus = fresh().parent / SUITE / target
    first = corpus.with_name(f"{target}-seeds")
    found = REGRESSIONS / target
    for directory in (corpus, first, found):
        directory.mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(inputs(target)):
        (first / f"{number:03}").write_bytes(raw)
    command = [
        *(str(python), "-m", "tests.fuzz.search", target, *_OPTIONS),
        *(f"-seed={seed + 1}", f"-max_total_time={max(1, round(seconds))}"),  # 0: a random one
        *(f"-artifact_prefix={found}{os.sep}", str(corpus), str(first)),
    ]
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    started = time.monotonic()
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return _outcome(target, time.monotonic() - started, ended)


def _outcome(target: str, seconds: float, ended: subprocess.CompletedProcess[str]) -> Search:
    said = ended.stderr
    statistics = {name: int(value) for name, value in _STATISTIC.findall(said)}
    edges, _, corpus = (int(n) for n in (_COVERAGE.findall(said) or [(0, 0, 0)])[-1])
    return Search(
        target=target,
        seconds=seconds,
        executions=statistics.get("number_of_executed_units", 0),
        edges=edges,
        corpus=corpus,
        rss_mib=statistics.get("peak_rss_mb", 0),
        finding=_finding(target, ended) if ended.returncode else None,
    )


def _finding(target: str, ended: subprocess.CompletedProcess[str]) -> str:
    print(f"{ended.stdout[-4000:]}{ended.stderr[-4000:]}", file=sys.stderr)
    artifact = _ARTIFACT.search(ended.stderr)
    if artifact is None:
        return f"{target}: the search ended with {ended.returncode}"
    return f"python -m tests.fuzz --replay {Path(artifact[1]).relative_to(ROOT)}"


def _replay(path: Path) -> int:
    """Run one input; its traceback is the answer."""
    run(path.resolve().parent.name, path.read_bytes())
    print("no promise was broken", file=sys.stderr)
    return 0


def _note(searches: Sequence[Search], options: argparse.Namespace, seed: int) -> Run:
    only = f" --target {options.target}" if options.target else ""
    noted = Run(
        suite=SUITE,
        command=f"python -m tests.fuzz --minutes {options.minutes:g} --seed {seed}{only}",
        seconds=sum(s.seconds for s in searches),
        seeds=(seed, seed),
        counts={f"{s.target} executions": s.executions for s in searches},
        maxima={
            **{f"{s.target} corpus": s.corpus for s in searches},
            "rss_mib": max(s.rss_mib for s in searches),
        },
        findings=[s.finding for s in searches if s.finding],
    )
    append(noted)
    return noted


def main() -> int:
    """0 where nothing was found, 1 where something was, 2 where the search cannot start."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets (10)")
    parser.add_argument("--target", choices=TARGETS, help="this one alone")
    parser.add_argument("--seed", type=int, help="of the search (the one after the last run's)")
    parser.add_argument("--json", action="store_true", help="print the run as JSON")
    parser.add_argument("--python", type=Path, default=_PYTHON, help="one that has atheris")
    parser.add_argument("--replay", type=Path, help="run one input that was found, without atheris")
    options = parser.parse_args()
    if options.replay:
        return _replay(options.replay)
    if not options.python.exists():
        print(f"fuzz: no {options.python}; `scripts/setup fuzz` makes it", file=sys.stderr)
        return 2
    seed = next_seed(SUITE) if options.seed is None else options.seed
    targets = [options.target] if options.target else list(TARGETS)
    searches = []
    for target in targets:
        found = search(target, options.minutes * 60 / len(targets), seed, options.python)
        print(
            f"{found.target}: {found.executions:,} executions in {found.seconds:.0f} s,"
            f" {found.edges} edges, {found.corpus} inputs kept, {found.rss_mib} MiB;"
            f" {found.finding or 'nothing was found'}",
            file=sys.stderr,
        )
        searches.append(found)
    noted = _note(searches, options, seed)
    if options.json:
        print(json.dumps(dataclasses.asdict(noted)))
    return int(bool(noted.findings))


if __name__ == "__main__":
    sys.exit(main())
