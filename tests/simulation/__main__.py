"""``python -m tests.simulation``: whole worlds from seeds, in virtual time, on every core.

--seeds N --first K     so many runs, from this seed on
--minutes M             go on from the last run's end until the time is over
--trace                 print every event of the runs, readably
--mutants               plant bugs, and see how soon each is caught
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence

from tests.proof.results import Run, append, next_seed
from tests.simulation.campaign import Totals, be_quiet, campaign
from tests.simulation.mutants import MUTANTS
from tests.simulation.oracle import Finding
from tests.simulation.planting import MUTANT_SEEDS, Catch, plant_all
from tests.simulation.world import simulate

_ROUND_SEEDS = 2000  # between two lines of progress
_SHOWN_MAX = 20


def main() -> int:
    """0 where nothing was found, and everything was tried."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many runs (1000)")
    parser.add_argument("--first", type=int, help="the first seed (0; with --minutes the next)")
    parser.add_argument("--minutes", type=float, help="run for so long instead")
    parser.add_argument("--trace", action="store_true", help="print the events of each run")
    parser.add_argument("--mutants", action="store_true", help="plant bugs instead")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    options = parser.parse_args()
    if options.trace:
        return _trace(options.first or 0, options.seeds)
    if options.mutants:
        return _mutants(as_json=options.json)
    first = options.first
    if first is None:
        first = 0 if options.minutes is None else next_seed("simulation")
    return _campaign(first, options.seeds, options.minutes, as_json=options.json)


def _trace(first: int, seeds: int) -> int:
    be_quiet()
    found = 0
    for seed in range(first, first + seeds):
        outcome = simulate(seed)
        found += len(outcome.findings)
        for line in outcome.trace.lines():
            print(line)
        for finding in outcome.findings:
            print(f"seed {seed}: {finding.invariant} at {finding.at:.4f} s: {finding.detail}")
        print(f"seed {seed}: trace {outcome.trace.hash()}")
    return min(1, found)


def _campaign(first: int, seeds: int, minutes: float | None, *, as_json: bool) -> int:
    began = time.monotonic()
    totals = Totals()
    for part in _parts(first, seeds, minutes):
        totals.add(part)
        for seed, found in part.failed.items():
            print(_told(seed, found), file=sys.stderr, flush=True)
        if totals.seeds % _ROUND_SEEDS == 0:
            taken = time.monotonic() - began
            print(f"{totals.seeds} runs, {taken:.0f} s", file=sys.stderr, flush=True)
    run = _run_of(totals, first, time.monotonic() - began)
    append(run)
    if as_json:
        print(json.dumps({"seeds": run.seeds, "faults": run.faults, "findings": run.findings}))
    else:
        _print(totals, run)
    return 1 if run.findings else 0


def _parts(first: int, seeds: int, minutes: float | None) -> Iterator[Totals]:
    if minutes is None:
        yield from campaign(first, seeds)
        return
    deadline = time.monotonic() + minutes * 60
    while time.monotonic() < deadline:
        yield from campaign(first, _ROUND_SEEDS)
        first += _ROUND_SEEDS


def _run_of(totals: Totals, first: int, seconds: float) -> Run:
    findings = [_told(seed, found) for seed, found in sorted(totals.failed.items())]
    findings += [f"never happened: {name}" for name in totals.missing()]
    return Run(
        suite="simulation",
        command=f"python -m tests.simulation --first {first} --seeds {totals.seeds}",
        seconds=seconds,
        seeds=(first, first + totals.seeds - 1),
        counts={
            "runs": totals.seeds,
            "callbacks": totals.turns,
            "virtual seconds": round(totals.virtual_seconds),
            **dict(sorted(totals.covered.items())),
        },
        faults=dict(sorted(totals.fired.items())),
        outcomes={name: "every promise kept" for name in totals.fired if not findings},
        maxima={"virtual seconds from the last fault to the end": totals.drain_seconds_max},
        findings=findings,
    )


def _told(seed: int, found: Sequence[Finding]) -> str:
    return f"{found[0].invariant}: {found[0].detail}: {replay(seed)}"


def replay(seed: int) -> str:
    """The command that runs a seed again, and shows what happens."""
    return f"python -m tests.simulation --first {seed} --seeds 1 --trace"


def _print(totals: Totals, run: Run) -> None:
    for title, counts in (("faults", run.faults), ("what came of it", run.counts)):
        print(f"{title}:")
        for name, count in counts.items():
            print(f"  {count:>12,}  {name}")
    for finding in run.findings[:_SHOWN_MAX]:
        print(finding)
    cpu = totals.cpu_seconds / max(1, totals.seeds) * 1000
    print(
        f"{totals.seeds:,} runs in {run.seconds:.0f} s ({cpu:.1f} ms CPU each),"
        f" the longest drain {totals.drain_seconds_max:.0f} virtual s:"
        f" {len(run.findings)} findings"
    )


def _mutants(*, as_json: bool) -> int:
    began = time.monotonic()
    catches = plant_all()
    missed = [catch.mutant for catch in catches if catch.seed is None]
    append(
        Run(
            suite="mutants",
            command="python -m tests.simulation --mutants",
            seconds=time.monotonic() - began,
            counts={"mutants": len(catches), "caught": len(catches) - len(missed)},
            maxima={"runs until caught": max((catch.seed or 0) + 1 for catch in catches)},
            findings=[f"not caught within {MUTANT_SEEDS} runs: {name}" for name in missed],
        )
    )
    if as_json:
        print(json.dumps([catch._asdict() for catch in catches]))
    else:
        _print_mutants(catches)
    return 1 if missed else 0


def _print_mutants(catches: list[Catch]) -> None:
    print(f"{'mutant':<38} {'runs':>5}  {'by':<6} what it does")
    for catch in catches:
        runs = "never" if catch.seed is None else str(catch.seed + 1)
        what = (MUTANTS[catch.mutant].__doc__ or "").strip()
        print(f"{catch.mutant:<38} {runs:>5}  {catch.invariant:<6} {what}")


if __name__ == "__main__":
    sys.exit(main())
