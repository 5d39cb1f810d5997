"""Thousands of slow clients: ``python -m tests.slow_clients --sockets 2000 --seconds 30 [--json]``.

Exit code 0: good requests stayed quick, and every slow client was ended in time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.proof.results import Run, append
from tests.slow_clients.measure import Report, measure


def run_of(report: Report, seconds: float) -> Run:
    """What is noted of it."""
    before, most, after = report.rss_kib
    return Run(
        suite="slow clients",
        command=f"python -m tests.slow_clients --sockets {report.sockets}"
        f" --seconds {report.seconds:g}",
        seconds=seconds,
        counts={"slow clients": len(report.ends), "good requests": report.answers.total()},
        faults={f"slow: {kind}": int(str(each["count"])) for kind, each in report.by_kind.items()},
        outcomes={f"slow: {kind}": _words(each) for kind, each in report.by_kind.items()},
        maxima={
            "slow clients at once": report.sockets,
            "good p99 ms": report.among.p99_ms,
            "good p99 ms without them": report.alone.p99_ms,
            "gateway MiB more": (most - before) / 1024,
            "gateway MiB more afterwards": (after - before) / 1024,
        },
        findings=report.findings,
    )


def _words(kind: dict[str, object]) -> str:
    ended = kind["ended"]
    assert isinstance(ended, dict)
    how = ", ".join(f"{count:,} {name}" for name, count in ended.items())
    return f"{how}; after {kind['seconds_max']} s at most"


def _print(report: Report, run: Run) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table("slow at", "clients", "ended", "longest, s")
    for kind, each in report.by_kind.items():
        table.add_row(kind, str(each["count"]), str(each["ended"]), str(each["seconds_max"]))
    console.print(table)
    console.print(
        f"good requests: p50 {report.among.p50_ms:.1f} ms, p99 {report.among.p99_ms:.1f} ms among"
        f" {report.sockets}; alone {report.alone.p50_ms:.1f} and {report.alone.p99_ms:.1f} ms\n"
        f"gateway: KiB {report.rss_kib}, descriptors {report.descriptors} before, during, after\n"
        f"{len(report.findings)} findings"
    )
    for finding in run.findings[:20]:
        console.print(finding, markup=False)


def main() -> int:
    """0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.slow_clients", description=__doc__)
    parser.add_argument("--sockets", type=int, default=2000, help="at once (2000)")
    parser.add_argument("--seconds", type=float, default=30.0, help="for so long (30)")
    parser.add_argument("--alone", type=float, default=10.0, help="seconds without them (10)")
    parser.add_argument("--json", action="store_true", help="print the line that is noted")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="logweir-slow-") as home:
        report = asyncio.run(measure(Path(home), options.sockets, options.seconds, options.alone))
    run = run_of(report, time.monotonic() - began)
    append(run)
    if options.json:
        print(json.dumps({**run.maxima, "kinds": report.by_kind, "findings": report.findings}))
    else:
        _print(report, run)
    return int(bool(report.findings))


if __name__ == "__main__":
    sys.exit(main())
