"""Runs added up: by suite and commit, to be kept; by suite, to be shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from tests.proof.results import Run


def folded(runs: Iterable[Run]) -> list[Run]:
    """One run for each suite and commit, in the order in which they first came."""
    return _merged_by(runs, lambda run: (run.suite, run.commit))


def by_suite(runs: Iterable[Run]) -> Mapping[str, Run]:
    """One run for each suite; its commit is the last one's."""
    return {run.suite: run for run in _merged_by(runs, lambda run: run.suite)}


def commits(runs: Iterable[Run]) -> Mapping[str, Sequence[str]]:
    """The commits that each suite ran on, the oldest first."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for run in runs:
        found[run.suite][run.commit] = None
    return {suite: list(names) for suite, names in found.items()}


def _merged_by(runs: Iterable[Run], key: Callable[[Run], object]) -> list[Run]:
    merged: dict[object, Run] = {}
    for run in runs:
        place = key(run)
        merged[place] = _sum(merged[place], run) if place in merged else run
    return list(merged.values())


def _sum(earlier: Run, later: Run) -> Run:
    seeds = [*(earlier.seeds or ()), *(later.seeds or ())]
    names = {**earlier.maxima, **later.maxima}
    return replace(
        later,
        seconds=earlier.seconds + later.seconds,
        seeds=(min(seeds), max(seeds)) if seeds else None,
        counts=dict(Counter(earlier.counts) + Counter(later.counts)),
        faults=dict(Counter(earlier.faults) + Counter(later.faults)),
        outcomes={**earlier.outcomes, **later.outcomes},
        maxima={
            name: max(run.maxima[name] for run in (earlier, later) if name in run.maxima)
            for name in names
        },
        findings=[*earlier.findings, *later.findings],
    )
