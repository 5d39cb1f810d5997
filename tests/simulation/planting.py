"""How soon is each planted bug caught, and by which invariant?"""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.simulation import mutants_of_delivery, mutants_of_keeping
from tests.simulation.campaign import run_seeds, workers
from tests.simulation.mutants import MUTANTS

MUTANT_SEEDS: Final = 1000
_HOMES: Final = (mutants_of_delivery, mutants_of_keeping)  # to import them makes the bugs known


class Catch(NamedTuple):
    """``seed`` is the first one that caught the mutant; None where none did."""

    mutant: str
    seed: int | None
    invariant: str = ""
    detail: str = ""


def plant_all() -> list[Catch]:
    """Every mutant, each until it is caught."""
    with workers() as pool:
        return pool.map(plant, MUTANTS, chunksize=1)


def plant(mutant: str) -> Catch:
    """One mutant, over seeds from 0 on."""
    failed = run_seeds(0, MUTANT_SEEDS, mutant).failed
    for seed, findings in failed.items():
        return Catch(mutant, seed, findings[0].invariant, findings[0].detail)
    return Catch(mutant, None)
