"""``make kill``: kill -9 at random moments and at every named point; one table at the end.

make kill ARGS='--kills 200 --seed 7'
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from tests.crash.kills import Storm, storm
from tests.crash.outcome import HEADINGS, RESUMED_SECONDS_AIM, Outcome, quantile, spread
from tests.crash.pauses import pause
from tests.crash.points import DEATHS, die_at
from tests.crash.service import WITNESS
from tests.crash.sickness import poison, siege

Scenario = Callable[[Path], Awaitable[Outcome]]

_NOISE: Final = 3.0  # a busy machine may take so many times the aim


def scenarios(kills: int, seed: int) -> Iterator[Scenario]:
    """Two thirds of the kills befall the product as it is, one third what a witness sees."""
    witnessed = kills // 3
    yield lambda d: storm(d, Storm(kills=kills - witnessed, seed=seed))
    yield lambda d: storm(d, Storm(kills=witnessed, seed=seed + 1, module=WITNESS, workers=1))
    for death in DEATHS:
        yield lambda d, death=death: die_at(d, death)  # type: ignore[misc]  # bound now
    yield lambda d: pause(d, workers=1, pauses=3)
    yield lambda d: pause(d, workers=2, pauses=3)
    yield lambda d: siege(d, logs=300, work_seconds=3.0, kills=30, every_seconds=0.7)
    for poisons in (1, 12):
        yield lambda d, poisons=poisons: poison(  # type: ignore[misc]  # bound now
            d,
            poisons=poisons,
            healthy=50,
            late=20,
            deliveries_max=16,
        )


async def run_all(kills: int, seed: int, console: Console) -> list[Outcome]:
    """One after the other, each in a directory of its own; a line for each as it ends."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="logweir-kill-") as directory:
        for number, scenario in enumerate(scenarios(kills, seed)):
            outcome = await scenario(Path(directory) / str(number))
            outcomes.append(outcome)
            console.print(f"{outcome.name}: {outcome.report}", markup=False, highlight=False)
    return outcomes


def main() -> int:
    """0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="make kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=75, help="in the two storms (75)")
    parser.add_argument("--seed", type=int, default=1, help="of the traffic and the kills (1)")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 200)
    started = time.monotonic()
    outcomes = asyncio.run(run_all(options.kills, options.seed, console))
    resumed = [seconds for outcome in outcomes for seconds in outcome.resumed]
    findings = sum(len(outcome.report.findings) for outcome in outcomes)
    table = Table(*HEADINGS)
    for outcome in outcomes:
        table.add_row(*outcome.row())
    console.print(table)
    kills = sum(outcome.kills for outcome in outcomes)
    console.print(
        f"{kills} kills in {time.monotonic() - started:.0f} s; {findings} findings.\n"
        f"Work resumed after {len(resumed)} deaths of workers (p50/p99/max): {spread(resumed)};"
        f" aim: p99 {RESUMED_SECONDS_AIM * 1000:.0f} ms."
    )
    return int(findings > 0 or quantile(resumed, 0.99) > _NOISE * RESUMED_SECONDS_AIM)


if __name__ == "__main__":
    sys.exit(main())
