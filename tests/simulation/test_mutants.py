"""Bugs that are planted into delivery code are caught."""

from __future__ import annotations

import pytest
from tests.simulation.planting import MUTANT_SEEDS, plant_all

_MUTANTS_MIN = 16


@pytest.mark.slow  # and in `make simulate`
def test_every_planted_bug_is_caught_within_a_thousand_runs() -> None:
    catches = plant_all()
    assert len(catches) >= _MUTANTS_MIN
    missed = [catch.mutant for catch in catches if catch.seed is None]
    assert not missed, f"not caught in {MUTANT_SEEDS} runs: {missed}"
