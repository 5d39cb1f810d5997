"""Good requests at a steady rate through a real ``serve``, alone and among slow clients."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.crash.dump import documents
from tests.slow_clients.crowd import End
from tests.slow_clients.kinds import KINDS, TENANT, WHOLE, Ends
from tests.support.kept import queued
from tests.support.processes import Process, running, until

from logweir.clock import SystemClock
from logweir.entrypoints import server
from logweir.verify.flood import flood
from logweir.verify.post import Poster
from logweir.verify.tally import Spread, Tally
from logweir.verify.traffic import traffic

ROOT: Final = Path(__file__).resolve().parents[2]
P99_MS_MAX: Final = 250.0
NOISE: Final = 4.0  # or, on a machine with much else to do, so many times the p99 without them
PER_SECOND: Final = 1000 / 60
RECEIVE_SECONDS: Final = 5.0
TICK_SECONDS: Final = 0.5
SLACK_SECONDS: Final = 3.0  # for the sweep of the deadlines, and for a machine with much else to do
CONNECTION_KIB_MAX: Final = 64  # of the gateway's memory
ENDS: Final = Ends(
    headers=server._HEADER_SECONDS_MAX,
    body=RECEIVE_SECONDS,
    answers=server._UNREAD_SECONDS_MAX,
)


@dataclass
class Report:
    """What was measured, and what went wrong."""

    sockets: int
    seconds: float
    alone: Spread
    among: Spread
    ends: Sequence[End]
    rss_kib: tuple[int, int, int]  # before, at most, after
    descriptors: tuple[int, int, int]
    answers: Counter[str]
    findings: list[str] = field(default_factory=list)

    @property
    def by_kind(self) -> dict[str, dict[str, object]]:
        """Of each kind: how many, the longest, and how they ended."""
        found: dict[str, list[End]] = defaultdict(list)
        for end in self.ends:
            found[end.kind].append(end)
        return {
            kind: {
                "count": len(ends),
                "seconds_max": round(max(end.seconds for end in ends), 2),
                "ended": dict(Counter(_ending(end) for end in ends)),
            }
            for kind, ends in sorted(found.items())
        }


async def measure(directory: Path, sockets: int, seconds: float, alone_seconds: float) -> Report:
    """Two floods, the second among slow clients; then everything must be as before."""
    with (
        _descriptors(sockets + 500),
        running(
            "serve",
            directory / "data",
            seconds_per_character=0,
            receive_seconds_max=RECEIVE_SECONDS,
        ) as service,
    ):
        gateway = await _gateway_of(service)
        alone = await _good(service.port, alone_seconds, seed=1)
        before = _rss_kib(gateway), _descriptors_of(gateway)
        crowd = await _start_crowd(service.port, sockets, seconds)
        assert crowd.stdout is not None
        await crowd.stdout.readline()  # all are there
        during = _rss_kib(gateway), _descriptors_of(gateway)
        among = await _good(service.port, seconds, seed=2)
        ends = [End(**end) for end in json.loads(await crowd.stdout.read())["ends"]]
        assert await crowd.wait() == 0
        until(lambda: _descriptors_of(gateway) <= before[1] + 1, seconds=5, saying="they stay open")
        after = _rss_kib(gateway), _descriptors_of(gateway)
        until(lambda: not queued(service.data_dir), seconds=30)
        report = Report(
            sockets=sockets,
            seconds=seconds,
            alone=dict(alone.answers())["202"],
            among=dict(among.answers())["202"],
            ends=ends,
            rss_kib=(before[0], max(during[0], _rss_kib(gateway, "VmHWM")), after[0]),
            descriptors=(before[1], during[1], after[1]),
            answers=Counter({label: each.count for label, each in among.answers()}),
        )
    report.findings += _findings(report, service.data_dir)
    return report


def _findings(report: Report, data_dir: Path) -> Iterator[str]:
    if report.among.p99_ms >= max(P99_MS_MAX, NOISE * report.alone.p99_ms):
        yield (
            f"p99 of good requests was {report.among.p99_ms:.0f} ms,"
            f" and {report.alone.p99_ms:.0f} ms alone"
        )
    if set(report.answers) != {"202"}:
        yield f"good requests were answered {dict(report.answers)}"
    if len({end.kind for end in report.ends}) < len(KINDS):
        yield "not every kind of slow client took part"
    kinds = {kind.name: kind for kind in KINDS}
    for end in report.ends:
        kind = kinds[end.kind]
        if end.open or end.seconds > getattr(ENDS, kind.limit) + SLACK_SECONDS:
            yield f"{end.kind}: open for {end.seconds:.1f} s"
        if end.status not in kind.statuses:
            yield f"{end.kind}: answered {end.status}"
    before, most, _ = report.rss_kib
    if most - before > report.sockets * CONNECTION_KIB_MAX:
        yield f"the gateway grew by {(most - before) // 1024} MiB"
    slow = [document.text for document in documents(data_dir) if document.tenant == TENANT]
    accepted = sum(end.status == 202 for end in report.ends)
    if slow != [WHOLE.decode()] * accepted:
        yield f"{len(slow)} documents of slow clients, {accepted} accepted, not all of them whole"


def _ending(end: End) -> str:
    return "open" if end.open else str(end.status or "cut off")


async def _gateway_of(service: Process) -> int:
    until(lambda: len(service.children("worker")) == 1)
    [pid] = service.children("gateway")
    return pid


async def _good(port: int, seconds: float, seed: int) -> Tally:
    tally = Tally()
    async with Poster(f"http://127.0.0.1:{port}/ingest", 200) as send:
        logs = itertools.islice(traffic(seed, 4), round(seconds * PER_SECOND))
        await flood(logs, per_second=PER_SECOND, send=send, witness=tally, clock=SystemClock())
    return tally


async def _start_crowd(port: int, sockets: int, seconds: float) -> asyncio.subprocess.Process:
    words = ("tests.slow_clients.crowd", port, sockets, seconds, TICK_SECONDS)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *map(str, words),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )


@contextmanager
def _descriptors(wanted: int) -> Iterator[None]:
    """The crowd inherits it. Raises OSError where so many are not to be had."""
    if descriptors_to_be_had() < wanted:
        raise OSError(f"{wanted} descriptors are needed, more than may be had")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def descriptors_to_be_had() -> float:
    """How many a process may open, where it raises its limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return math.inf if hard == resource.RLIM_INFINITY else hard


def _rss_kib(pid: int, name: str = "VmRSS") -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _descriptors_of(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
