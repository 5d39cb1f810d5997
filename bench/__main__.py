"""``make bench``: one table of figures, each beside its aim.

Timings on a shared machine are noisy: ratios come from one run, in which the two sides alternate.
``--check`` fails where a figure is five times worse than its aim, for continuous integration.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table
from scripts.emulators import NotInstalled

from bench import (
    aws_cost,
    cloud_ingest,
    cold_start,
    depth,
    drain,
    flood,
    hostile,
    ingest,
    lambda_gateway,
    pushes,
    redaction,
)

_SLACK = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; without a value it was not measured, and the unit says why."""

    name: str
    value: float | None
    unit: str
    aim: float | None = None
    low_is_better: bool = False

    @property
    def passes(self) -> bool:
        """Is it within five times its aim?"""
        if self.aim is None or self.value is None:
            return True
        if self.low_is_better:
            return self.value <= self.aim * _SLACK
        return self.value >= self.aim / _SLACK


def _ingest(work: Path, quick: bool) -> Iterator[Figure]:
    ours, bare = ingest.measure(
        work, seconds=3 if quick else 8, rounds=2 if quick else 3, connections=64
    )
    yield Figure("ingest, fsync before 202", ours.requests_per_second, "requests/s", 5000)
    yield Figure("the same server, bare 202", bare.requests_per_second, "requests/s")
    yield Figure("ratio", ours.requests_per_second / bare.requests_per_second, "", 0.6)
    yield Figure("ingest p50", ours.p50_ms, "ms")
    yield Figure("ingest p99", ours.p99_ms, "ms")
    yield Figure("ingest, processor time", ours.cpu_us_per_request, "µs/request")
    yield Figure("bare, processor time", bare.cpu_us_per_request, "µs/request")


def _flood(work: Path, quick: bool) -> Iterator[Figure]:
    for per_minute, aim_ms in ((1_000, 10), (60_000, 50)):
        result = flood.measure(work, per_minute=per_minute, seconds=10 if quick else 60)
        name = f"flood of {per_minute:,} a minute"
        yield Figure(f"{name}, answered 202", result.accepted / result.requests, "", 1.0)
        yield Figure(f"{name}, p50", result.p50_ms, "ms")
        yield Figure(f"{name}, p99", result.p99_ms, "ms", aim_ms, low_is_better=True)


def _drain(work: Path, quick: bool) -> Iterator[Figure]:
    logs = 4_000 if quick else 20_000
    result = drain.measure(work, logs=logs, characters=100, concurrency=logs // 2)
    name = f"drain of {logs:,} logs, {logs // 2:,} in flight"
    yield Figure(name, result.seconds, "s")
    yield Figure("ideal: work ÷ concurrency", result.ideal_seconds, "s")
    yield Figure("ratio", result.ratio, "", 1.15, low_is_better=True)
    yield Figure("worker, processor time", result.worker_cpu_seconds, "s")
    yield Figure("worker, peak memory", result.worker_memory_mib, "MiB")


def _depth(work: Path, quick: bool) -> Iterator[Figure]:
    waiting = 100_000 if quick else 1_000_000
    deep, empty = depth.measure(work, waiting=waiting, rounds=3, messages=5_000)
    name = f"with {waiting:,} waiting ÷ empty"
    yield Figure("publish to an empty broker", empty.publishes_per_second, "messages/s")
    yield Figure(
        f"publish, {name}", deep.publishes_per_second / empty.publishes_per_second, "", 0.8
    )
    yield Figure("claim and acknowledge, empty", empty.claims_per_second, "messages/s")
    yield Figure(f"claim, {name}", deep.claims_per_second / empty.claims_per_second, "", 0.8)


def _cloud(work: Path, quick: bool) -> Iterator[Figure]:
    result = cloud_ingest.measure(
        work, seconds=3 if quick else 8, rounds=2 if quick else 3, connections=64
    )
    ours, library, many = result.gateway, result.library, result.library_many
    yield Figure("ingest through Pub/Sub's emulator", ours.requests_per_second, "requests/s", 2000)
    name = "straight, by the client library, 64 at once"
    yield Figure(name, library.requests_per_second, "messages/s")
    yield Figure("ratio", ours.requests_per_second / library.requests_per_second, "", 0.6)
    yield Figure("… 1,000 at once", many.requests_per_second, "messages/s")
    yield Figure("ratio", ours.requests_per_second / many.requests_per_second, "")
    for what, load in (("ingest", ours), ("library, 64", library), ("library, 1,000", many)):
        yield Figure(f"{what}, p50", load.p50_ms, "ms")
        yield Figure(f"{what}, p99", load.p99_ms, "ms")
        yield Figure(f"{what}, processor time", load.cpu_us_per_request, "µs/message")


def _start(work: Path, quick: bool) -> Iterator[Figure]:
    start = cold_start.measure(work, runs=5 if quick else 15)
    for name, times in {
        "import, gateway on gcp": start.import_gcp,
        "import, the same with the cloud's credentials": start.import_gcp_credentials,
        "import, gateway on local": start.import_local,
        "import, bare client library": start.import_library,
        "import, nothing: Python itself": start.import_python,
        "first 202, gateway on gcp": start.first_gcp,
        "first 202, gateway on local": start.first_local,
        "first publish, bare client library": start.first_library,
    }.items():
        yield Figure(f"{name}, median", times.median_ms, "ms")
        yield Figure(f"{name}, minimum", times.least_ms, "ms")
    imports = start.import_gcp.median_ms / start.import_library.median_ms
    yield Figure("import, gateway on gcp ÷ library", imports, "", 1.0, low_is_better=True)
    imports = start.import_gcp_credentials.median_ms / start.import_library.median_ms
    yield Figure("… with the cloud's credentials ÷ library", imports, "", 1.0, low_is_better=True)
    first = start.first_gcp.median_ms / start.first_library.median_ms
    yield Figure("first 202 on gcp ÷ library's publish", first, "", 1.0, low_is_better=True)
    packages = cold_start.imported("gcp")
    for package, ms in packages.most_common(8):
        share = 100 * ms / sum(packages.values())
        yield Figure(f"of the import on gcp, {package}", share, "%")


def _push(work: Path, quick: bool) -> Iterator[Figure]:
    result = pushes.measure(work, pushes=1_000, characters=1_200, work_seconds=10 if quick else 20)
    yield Figure("1,000 pushes at once, answered 204", result.answered_204, "", 1.0)
    yield Figure(f"all answered, {result.work_seconds:g} s of work each", result.seconds, "s")
    yield Figure("push worker at rest", result.rest_mib, "MiB")
    yield Figure(
        "push worker, 1,000 in flight", result.in_flight_mib, "MiB", 256, low_is_better=True
    )
    yield Figure("push worker, peak memory", result.peak_mib, "MiB")
    yield Figure(
        "push worker, processor time", result.cpu_ms_per_push, "ms/push", 10, low_is_better=True
    )


def _lambda(_work: Path, quick: bool) -> Iterator[Figure]:
    ours, bare = lambda_gateway.measure(runs=5 if quick else 15, calls=100 if quick else 300)
    for name, times in {
        "import, gateway on Lambda": ours.imports,
        "import, bare function with botocore's client": bare.imports,
        "import, gateway on Lambda, processor time": ours.imports_cpu,
        "import, bare function, processor time": bare.imports_cpu,
        "first answer, gateway on Lambda": ours.first,
        "first answer, bare function": bare.first,
        "warm call, gateway on Lambda": ours.warm,
        "warm call, bare function": bare.warm,
        "warm call, gateway on Lambda, processor time": ours.warm_cpu,
        "warm call, bare function, processor time": bare.warm_cpu,
    }.items():
        yield Figure(f"{name}, median", times.median_ms, "ms")
        yield Figure(f"{name}, minimum", times.least_ms, "ms")
    # Of the least, and by processor time where it can be told: others use this machine too.
    for what, mine, its in (
        ("import", ours.imports_cpu, bare.imports_cpu),
        ("first answer", ours.first, bare.first),
        ("warm call", ours.warm_cpu, bare.warm_cpu),
    ):
        ratio = mine.least_ms / its.least_ms
        yield Figure(f"{what}, gateway on Lambda ÷ bare", ratio, "", 1.5, low_is_better=True)


def _cost(_work: Path, quick: bool) -> Iterator[Figure]:
    if quick:
        return  # two minutes, and no aim to be held
    for cost in aws_cost.measure():
        name = f"a million logs of {aws_cost.CHARACTERS} characters on AWS, {cost.batch} a batch"
        yield Figure(name, cost.total, "USD")
        for what, dollars in cost.dollars.items():
            yield Figure(f"… {what}", dollars, "USD")
        yield Figure("… after what is free in a month", cost.total_after_free, "USD")
        yield Figure("… a request at the gateway", cost.gateway_seconds * 1e3, "ms")
        yield Figure("… a batch at a worker", cost.worker_seconds, "s")


def _redaction(_work: Path, quick: bool) -> Iterator[Figure]:
    for share in redaction.DIRTY_SHARES:
        yield from _redaction_of(share, quick)
    for engine in redaction.engines():
        first = redaction.start(engine, runs=5 if quick else 20)
        aim_ms = 25 if engine == "re" else None  # the database of hyperscan is compiled besides
        for what, ms in (("minimum", min(first.runs_ms)), ("median", median(first.runs_ms))):
            name = f"redaction, {engine}, import to first line, {what}"
            yield Figure(name, ms, "ms", aim_ms, low_is_better=True)
        yield Figure("… of the minimum, the standard library's re", min(first.import_re_ms), "ms")


def _redaction_of(dirty_share: float, quick: bool) -> Iterator[Figure]:
    given = redaction.texts(500 if quick else 2_000, dirty_share)
    yield Figure("redaction: share of lines with something to redact", given.redacted_share, "")
    yield Figure("… characters of a line, mean", given.characters, "")
    speeds = redaction.speeds(given, rounds=5 if quick else 20)
    bare = speeds.get("bare")
    if bare is None:
        yield Figure("redaction ÷ bare", None, "not measured: logweir[fast] is not installed")
    for name, speed in speeds.items():
        yield Figure(f"redaction, {name}", speed.best, "MB/s")
        if bare and speed is not bare:
            aim = 0.13 if name.startswith("re,") else 0.27
            yield Figure(f"redaction, {name} ÷ bare", speed.best / bare.best, "", aim)


def _hostile(_work: Path, quick: bool) -> Iterator[Figure]:
    measured = hostile.measure(hostile.SIZES[:2] if quick else hostile.SIZES)
    slowest = max(measured, key=lambda each: each.times[0])
    name = f"redaction of 64 KiB, slowest of {len(measured)} shapes, {slowest.shape[:24]!r}"
    yield Figure(name, slowest.times[0], "s", 0.25, low_is_better=True)
    steepest = max(measured, key=lambda each: each.exponent)
    name = f"… growth to {hostile.SIZES[-1] >> 20} MiB, steepest: exponent, {steepest.shape[:24]!r}"
    yield Figure(name, steepest.exponent, "", 1.2, low_is_better=True)


_PARTS: dict[str, Callable[[Path, bool], Iterator[Figure]]] = {
    "ingest": _ingest,
    "flood": _flood,
    "drain": _drain,
    "depth": _depth,
    "cloud": _cloud,
    "start": _start,
    "push": _push,
    "lambda": _lambda,
    "cost": _cost,
    "redaction": _redaction,
    "hostile": _hostile,
}
_WRK = {"ingest", "cloud"}


def main() -> int:
    """Measure what is asked for, print it, and say by the exit code whether --check holds."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)}; else all"
    )
    parser.add_argument("--quick", action="store_true", help="smaller, for continuous integration")
    parser.add_argument("--check", action="store_true", help="fail at five times the aim")
    parser.add_argument("--json", action="store_true", help="one figure a line")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(_PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    parts = options.parts or list(_PARTS)
    if _WRK.intersection(parts) and shutil.which("wrk") is None:
        parser.error("ingest and cloud need wrk: apt install wrk, or brew install wrk")
    console = Console(stderr=True)
    figures: list[Figure] = []
    for part in parts:
        with (
            tempfile.TemporaryDirectory(prefix="logweir-bench-") as work,
            console.status(f"measuring {part} …"),
        ):
            try:
                figures += _PARTS[part](Path(work), options.quick)
            except NotInstalled as error:
                if os.environ.get("REQUIRE_EMULATORS") == "1":
                    raise
                figures.append(Figure(part, None, f"not measured: {error}"))
    _print(figures, as_json=options.json)
    failed = [figure.name for figure in figures if not figure.passes]
    if options.check and failed:
        console.print(f"five times worse than the aim, or more: {', '.join(failed)}")
        return 1
    return 0


def _print(figures: list[Figure], *, as_json: bool) -> None:
    if as_json:
        for figure in figures:
            print(json.dumps(asdict(figure)))
        return
    table = Table("figure", box=None, pad_edge=False)
    table.add_column("measured", justify="right")
    table.add_column("unit")
    table.add_column("aim", justify="right")
    for figure in figures:
        bound = "≤" if figure.low_is_better else "≥"
        table.add_row(
            figure.name,
            _printed(figure.value),
            figure.unit,
            "" if figure.aim is None else f"{bound} {figure.aim:g}",
        )
    Console().print(table)


def _printed(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
