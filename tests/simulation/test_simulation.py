"""Whole worlds from seeds. ``python -m tests.simulation`` runs many more of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

from tests.proof.results import ROOT
from tests.simulation.__main__ import replay
from tests.simulation.campaign import OUTCOMES, SEEDS_ENOUGH, Totals, campaign
from tests.simulation.faults import Fault

_SEEDS = 200  # CI runs more of them by the command
_TRACED = 20


def _traces(hash_seed: str) -> str:
    """The events of some runs, in a process of its own."""
    command = [sys.executable, "-m", "tests.simulation", "--trace", "--first", "0"]
    done = subprocess.run(
        [*command, "--seeds", str(_TRACED)],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_seed_makes_the_same_events_each_time_whatever_python_hashes_to() -> None:
    first = _traces("1")
    assert first.count(": trace ") == _TRACED
    assert _traces("2") == first


def test_every_promise_is_kept_under_every_fault() -> None:
    totals = Totals()
    for part in campaign(0, _SEEDS):
        totals.add(part)
    assert totals.seeds == _SEEDS
    assert not {replay(seed): found for seed, found in totals.failed.items()}


def test_a_long_campaign_without_some_fault_has_shown_too_little() -> None:
    totals = Totals(
        seeds=SEEDS_ENOUGH,
        fired=Counter({str(fault): 1 for fault in Fault if fault is not Fault.DRAIN}),
        covered=Counter(dict.fromkeys(OUTCOMES[1:], 1)),
    )
    assert totals.missing() == [Fault.DRAIN, OUTCOMES[0]]
