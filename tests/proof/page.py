"""docs/proof.md: the prose of page.md, with tables that are made of the runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.proof.results import Run
from tests.proof.totals import by_suite, commits

PROSE: Final = Path(__file__).with_name("page.md")


def page(runs: Sequence[Run]) -> str:
    """The page. Raises KeyError where its prose asks for a suite that has never run."""
    totals = by_suite(runs)
    names = commits(runs)
    tables: Mapping[str, Callable[[str], Iterable[str]]] = {
        "runs": lambda _: _runs(totals, names),
        "faults": lambda _: _faults(totals.values()),
        "figures": lambda _: _figures(totals.values()),
        "count": lambda words: [_count(totals, words)],
    }

    def filled(match: re.Match[str]) -> str:
        return "\n".join(tables[match["table"]]((match["words"] or "").strip()))

    return re.sub(r"\{\{(?P<table>[a-z]+)(?P<words> [^}]*)?\}\}", filled, PROSE.read_text())


def _runs(totals: Mapping[str, Run], names: Mapping[str, Sequence[str]]) -> Iterable[str]:
    yield "| suite | what was done | seeds | time | findings | on commits | again by |"
    yield "|---|---|---|---|---|---|---|"
    for suite, run in totals.items():
        done = ", ".join(f"{count:,} {name}" for name, count in run.counts.items())
        seeds = "" if run.seeds is None else f"{run.seeds[0]} to {run.seeds[1]}"
        where = ", ".join(f"`{name}`" for name in names[suite])
        again = f"`{run.command}`"
        yield _row(suite, done, seeds, _time(run.seconds), len(run.findings), where, again)


def _faults(totals: Iterable[Run]) -> Iterable[str]:
    yield "| suite | fault | fired | what came of it |"
    yield "|---|---|---|---|"
    for run in totals:
        for fault, fired in run.faults.items():
            yield _row(run.suite, fault, f"{fired:,}", run.outcomes.get(fault, _usual(run)))


def _usual(run: Run) -> str:
    return "see its findings" if run.findings else "every promise was kept"


def _figures(totals: Iterable[Run]) -> Iterable[str]:
    yield "| suite | figure | largest of all runs |"
    yield "|---|---|---|"
    for run in totals:
        for name, value in run.maxima.items():
            yield _row(run.suite, name, f"{value:,.3g}" if value < 100 else f"{value:,.0f}")


def _count(totals: Mapping[str, Run], words: str) -> str:
    """``suite: name`` -> its count."""
    suite, _, name = words.partition(": ")
    return f"{totals[suite].counts[name]:,}"


def _time(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds >= 600 else f"{seconds:,.0f} s"


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
