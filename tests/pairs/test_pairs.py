"""Every pair of faults of a log of five chunks; ``python -m tests.pairs`` has more stories."""

from __future__ import annotations

import os

import pytest
from tests.pairs.__main__ import every_pair
from tests.pairs.enumeration import explore, firsts, parsed, replay, replay_command
from tests.pairs.stories import STORIES, cuts
from tests.support.faults import Fault


@pytest.mark.slow  # and in `make pairs`
@pytest.mark.timeout(300)
def test_no_pair_of_faults_loses_or_doubles_or_repeats_anything() -> None:
    name = "a long log"
    assert len(cuts(STORIES[name].logs[0].text or "")) == 5
    ((_, tally),) = every_pair([name], os.cpu_count() or 1)
    assert tally.broken == []
    assert tally.runs["with one fault"] == len(firsts(name)) - 1
    assert tally.runs["with two faults"] > 100 * tally.runs["with one fault"]
    assert set(tally.faults) == {fault.value for fault in Fault}
    assert min(tally.faults.values()) > 1000


@pytest.mark.parametrize(
    "name",
    [
        "a short log",
        pytest.param("a conflict", marks=pytest.mark.slow),
        pytest.param("a claimed log without chunks", marks=pytest.mark.slow),
    ],
)
def test_no_pair_of_faults_harms_what_has_no_chunks(name: str) -> None:
    for at in firsts(name):
        assert explore(name, at, further=int(bool(at))).broken == []


def test_a_run_that_branched_is_the_run_from_the_beginning() -> None:
    name, at = "a claimed log", {17: Fault.CRASH_AFTER}
    tally = explore(name, at, further=1)
    again = replay(name, at).faults.calls
    for call in range(18, again):
        for fault in Fault:
            again += replay(name, {**at, call: fault}).faults.calls
    assert tally.calls == again


def test_what_was_broken_comes_with_the_command_that_does_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.pairs.run.Run._repeats", lambda _: ["said so"])
    at = {3: Fault.TWICE, 5: Fault.CRASH_BEFORE}
    (broken,) = explore("a short log", at, further=0).broken
    assert broken == f"said so; again: {replay_command('a short log', at)}"
    assert broken.endswith('--story "a short log" --replay 3:TWICE,5:CRASH_BEFORE')
    assert parsed("3:TWICE,5:CRASH_BEFORE") == at


def test_a_fault_that_never_fires_is_a_finding() -> None:
    (broken,) = explore("a short log", {999: Fault.TWICE}, further=0).broken
    assert broken.startswith("a planned fault did not fire")
