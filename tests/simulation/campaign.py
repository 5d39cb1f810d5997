"""Many runs, on every core: ranges of seeds go to processes, and their totals come back."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final

import structlog
from tests.simulation.faults import Fault
from tests.simulation.mutants import planted
from tests.simulation.oracle import Finding
from tests.simulation.world import simulate

# A campaign of so many seeds or more, in which one of these never happened, has shown too little.
SEEDS_ENOUGH: Final = 1000
OUTCOMES: Final = (
    "answered 202",
    "answered 503",
    "answered 400",
    "answered 413",
    "answered 415",
    "attempts_exhausted",
    "claim checks",
    "conflict",
    "crash_loop",
    "documents",
    "leases lost with messages",
    "messages handed back",
    "quarantined",
    "work raised",
    "workers killed by their work",
)
_CHUNK: Final = 25  # seeds that a process takes at a time


@dataclass(slots=True)
class Totals:
    """What came of some seeds."""

    seeds: int = 0
    failed: dict[int, list[Finding]] = field(default_factory=dict)
    fired: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    virtual_seconds: float = 0.0
    drain_seconds_max: float = 0.0
    cpu_seconds: float = 0.0

    def add(self, other: Totals) -> None:
        """Take in what came of other seeds."""
        self.seeds += other.seeds
        self.failed |= other.failed
        self.fired.update(other.fired)
        self.covered.update(other.covered)
        self.turns += other.turns
        self.virtual_seconds += other.virtual_seconds
        self.drain_seconds_max = max(self.drain_seconds_max, other.drain_seconds_max)
        self.cpu_seconds += other.cpu_seconds

    def missing(self) -> list[str]:
        """Kinds of faults and outcomes that never happened; none where there were few seeds."""
        if self.seeds < SEEDS_ENOUGH:
            return []
        return [
            *(fault for fault in Fault if not self.fired[fault]),
            *(outcome for outcome in OUTCOMES if not self.covered[outcome]),
        ]


def run_seeds(first: int, count: int, mutant: str | None = None) -> Totals:
    """Some seeds in this process; a mutant's only until it is caught."""
    totals = Totals()
    began = time.process_time()
    for seed in range(first, first + count):
        with planted(mutant) if mutant else nullcontext():
            outcome = simulate(seed)
        totals.seeds += 1
        totals.fired.update({str(fault): times for fault, times in outcome.fired.items()})
        totals.covered.update({str(name): times for name, times in outcome.covered.items()})
        totals.turns += outcome.turns
        totals.virtual_seconds += outcome.virtual_seconds
        totals.drain_seconds_max = max(totals.drain_seconds_max, outcome.drain_seconds)
        if outcome.findings:
            totals.failed[seed] = outcome.findings
            if mutant:
                break
    totals.cpu_seconds = time.process_time() - began
    gc.collect()
    return totals


def campaign(first: int, count: int) -> Iterator[Totals]:
    """The seeds from ``first`` on, on every core: totals as they come."""
    with workers() as pool:
        yield from pool.imap_unordered(_run_chunk, _chunks(first, count))


def workers() -> multiprocessing.pool.Pool:
    """Processes that are quiet, as the simulation needs them: spawned, so that none inherits."""
    return multiprocessing.get_context("spawn").Pool(os.cpu_count(), initializer=be_quiet)


def be_quiet() -> None:
    """No log lines, and garbage collected between runs alone, which is faster."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        cache_logger_on_first_use=True,
    )
    gc.freeze()
    gc.disable()


def _chunks(first: int, count: int) -> Iterator[tuple[int, int]]:
    for start in range(first, first + count, _CHUNK):
        yield start, min(_CHUNK, first + count - start)


def _run_chunk(chunk: tuple[int, int]) -> Totals:
    return run_seeds(*chunk)
