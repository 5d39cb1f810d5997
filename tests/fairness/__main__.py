"""How long one tenant's flood delays another's single log: ``python -m tests.fairness [SUITE …]``.

Exit code 0 where no log was delayed for longer than its back end promises.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from tests.fairness.measure import Measured
from tests.fairness.suites import SUITES, run
from tests.proof.results import Run, append


def run_of(suite: str, all_measured: Sequence[Measured], seconds: float) -> Run:
    """What is noted of it."""
    deaths = sum(each.deaths for each in all_measured)
    return Run(
        suite=f"fairness {suite}",
        command=f"python -m tests.fairness {suite}",
        seconds=seconds,
        counts={
            "logs of the flood": sum(each.flood.logs for each in all_measured),
            "single logs": sum(len(each.among) for each in all_measured),
        },
        faults={"a worker killed by poison": deaths} if deaths else {},
        maxima={
            name: value
            for each in all_measured
            for name, value in (
                (f"{each.flood.name}: delay seconds max", each.delay_seconds_max),
                (f"{each.flood.name}: bound seconds", each.bound_seconds),
            )
        },
        findings=[finding for each in all_measured for finding in each.findings],
    )


def table_of(rows: Sequence[tuple[str, Measured]]) -> Table:
    """Seconds from 202 to document."""
    table = Table(
        "suite", "the flood", "waiting", "p50 alone", "p50", "p99", "max", "delay", "bound"
    )
    for suite, each in rows:
        alone, among = each.spreads
        figures = (alone.p50_ms, among.p50_ms, among.p99_ms, among.max_ms)
        table.add_row(
            suite,
            each.flood.name,
            f"{each.flood.logs:,} to {each.waiting:,}",
            *(f"{ms / 1000:.2f}" for ms in figures),
            f"{each.delay_seconds_max:.2f}",
            f"{each.bound_seconds:.2f}",
        )
    return table


def main() -> int:
    """0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fairness", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument("--json", action="store_true", help="print what is noted")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140, stderr=options.json)
    rows: list[tuple[str, Measured]] = []
    found: list[str] = []
    for suite in options.suites or SUITES:
        began = time.monotonic()
        all_measured = asyncio.run(run(suite))
        noted = run_of(suite, all_measured, time.monotonic() - began)
        append(noted)
        found += noted.findings
        rows += ((suite, each) for each in all_measured)
        if options.json:
            print(json.dumps(asdict(noted)))
        else:
            print(f"{suite}: {noted.seconds:.0f} s", file=sys.stderr)
    console.print(table_of(rows))
    for finding in found:
        console.print(finding, markup=False)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
