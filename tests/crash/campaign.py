"""Storms side by side, round after round, and what they have shown."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.crash.backends import Backend, opened
from tests.crash.faults import Fault
from tests.crash.kills import Storm, Stormed, storm
from tests.crash.outcome import quantile
from tests.proof.results import Run

SIDE_BY_SIDE: Final = 4  # services on one machine, each in a directory of its own
# Of one service: what two cores do with four of them, and what the emulators do alone.
PER_SECOND: Final = {Backend.EMBEDDED: 40.0, Backend.GCP: 40.0, Backend.AWS: 25.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """So many kills and logs in all, shared out to services with seeds of their own."""

    backend: Backend
    kills: int
    logs: int
    first: int  # seed
    services: int = SIDE_BY_SIDE

    def storms(self) -> list[Storm]:
        """One for each service."""
        return [
            Storm(
                kills=_share(self.kills, self.services, number),
                logs=_share(self.logs, self.services, number),
                seed=self.first + number,
                per_second=PER_SECOND[self.backend],
                snapshots=3 if self.backend is Backend.EMBEDDED else 1,
            )
            for number in range(self.services)
        ]

    @property
    def command(self) -> str:
        """That does it again, as far as moments can be had again."""
        return _command(self.backend, self.kills, self.logs, self.first, self.services)


def storm_alone(backend: Backend, directory: Path, plan: Storm) -> Stormed:
    """One service, from its start to the verdict."""
    with opened(backend, directory, plan.seed) as site:
        return asyncio.run(storm(site, plan))


def take_place(plan: Round, directory: Path) -> list[Stormed]:
    """All storms of a round, each in a process of its own, so that no client delays another."""
    storms = plan.storms()
    if len(storms) == 1:
        return [storm_alone(plan.backend, directory / "0", storms[0])]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(storms), spawn, initializer=_end_with_parent) as pool:
        running = [
            pool.submit(_storm_in_child, plan.backend, directory / str(number), each)
            for number, each in enumerate(storms)
        ]
        return [each.result() for each in running]


def together(parts: Sequence[Stormed]) -> dict[str, list[float]]:
    """All samples, by what was measured."""
    samples: defaultdict[str, list[float]] = defaultdict(list)
    for part in parts:
        for what, seconds in part.seconds.items():
            samples[what] += seconds
    return dict(samples)


def run_of(plan: Round, parts: Sequence[Stormed], seconds: float) -> Run:
    """A round as a line of the results."""
    reports = [part.outcome.report for part in parts]
    fired: Counter[Fault] = Counter()
    for part in parts:
        fired.update(part.faults)
    return Run(
        suite=suite_of(plan.backend),
        command=plan.command,
        seconds=seconds,
        seeds=(plan.first, plan.first + plan.services - 1),
        counts={
            "kills": sum(part.outcome.kills for part in parts),
            "processes killed": sum(part.processes for part in parts),
            "logs": sum(part.logs for part in parts),
            "requests": sum(report.requests for report in reports),
            "accepted 202": sum(report.accepted for report in reports),
            "documents": sum(report.documents for report in reports),
            "dead letters": sum(sum(report.letters.values()) for report in reports),
        },
        faults={fault.value: fired[fault] for fault in Fault if fired[fault]},
        maxima=_maxima(together(parts)),
        findings=[
            f"{finding}; again: {replay_of(plan, part)}"
            for part in parts
            for finding in part.findings
        ],
    )


def suite_of(backend: Backend) -> str:
    """As the results call it."""
    return f"kills {backend}"


def replay_of(plan: Round, part: Stormed) -> str:
    """The same seed alone: the same faults in the same order."""
    each = part.storm
    return _command(plan.backend, each.kills, each.logs, each.seed, 1)


def _storm_in_child(backend: Backend, directory: Path, plan: Storm) -> Stormed:
    try:
        return storm_alone(backend, directory, plan)
    except KeyboardInterrupt:
        os._exit(1)  # else it would wait for another storm, of a parent that is gone


def _end_with_parent() -> None:
    """As by Ctrl-C, so that no service is left behind. Linux only; elsewhere a storm goes on."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG of <linux/prctl.h>


def _maxima(samples: dict[str, list[float]]) -> dict[str, float]:
    return {
        f"{what}, {name}, s": round(quantile(seconds, share), 3)
        for what, seconds in samples.items()
        if seconds
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    }


def _share(whole: int, parts: int, number: int) -> int:
    return whole * (number + 1) // parts - whole * number // parts


def _command(backend: Backend, kills: int, logs: int, first: int, services: int) -> str:
    return (
        f"python -m tests.crash --backend {backend} --kills {kills} --logs {logs}"
        f" --first {first} --services {services}"
    )


class Clock:
    """How long something takes."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._started
