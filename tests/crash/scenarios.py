"""What is not left to chance: deaths at named points, a frozen worker, a siege, and poison."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from rich.console import Console
from tests.crash.outcome import Outcome
from tests.crash.pauses import pause
from tests.crash.points import DEATHS, die_at
from tests.crash.sickness import poison, siege

Scenario = Callable[[Path], Awaitable[Outcome]]


def scenarios() -> Iterator[Scenario]:
    """Each is to be given a directory of its own."""
    for death in DEATHS:
        yield lambda d, death=death: die_at(d, death)  # type: ignore[misc]  # bound now
    for workers in (1, 2):
        yield lambda d, workers=workers: pause(  # type: ignore[misc]  # bound now
            d, workers=workers, pauses=3
        )
    yield lambda d: siege(d, logs=300, work_seconds=3.0, kills=30, every_seconds=0.7)
    for poisons in (1, 12):
        yield lambda d, poisons=poisons: poison(  # type: ignore[misc]  # bound now
            d,
            poisons=poisons,
            healthy=50,
            late=20,
            deliveries_max=16,
        )


def play_all(console: Console) -> list[Outcome]:
    """One after the other; a line for each as it ends."""
    return asyncio.run(_play_all(console))


async def _play_all(console: Console) -> list[Outcome]:
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="logweir-kill-") as directory:
        for number, scenario in enumerate(scenarios()):
            outcome = await scenario(Path(directory) / str(number))
            outcomes.append(outcome)
            console.print(f"{outcome.name}: {outcome.report}", markup=False, highlight=False)
    return outcomes
