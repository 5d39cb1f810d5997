"""A round's arithmetic: what is asked for is shared out, added up and can be asked for again."""

from __future__ import annotations

import random
from itertools import islice

from tests.crash.backends import Backend
from tests.crash.campaign import Round, replay_of, run_of
from tests.crash.faults import ALL_FAULTS, Fault, endless
from tests.crash.kills import Stormed
from tests.crash.outcome import Outcome

from logweir.verify.findings import Report

ROUND = Round(backend=Backend.EMBEDDED, kills=10, logs=1001, first=7, services=4)


def stormed(number: int, *findings: str) -> Stormed:
    report = Report(
        findings=[], requests=30, accepted=20, unknown=10, documents=15, letters={"conflict": 5}
    )
    return Stormed(
        storm=ROUND.storms()[number],
        outcome=Outcome(name=str(number), report=report, kills=3, resumed=()),
        logs=20,
        processes=4,
        faults={Fault.WORKER: 2, Fault.DRAIN: number},
        seconds={"resumed": [0.1 * (number + 1)]},
        findings=findings,
    )


def test_the_services_of_a_round_share_its_kills_and_logs_and_have_seeds_of_their_own() -> None:
    storms = ROUND.storms()
    assert sum(storm.kills for storm in storms) == 10
    assert sum(storm.logs for storm in storms) == 1001
    assert [storm.seed for storm in storms] == [7, 8, 9, 10]


def test_every_fault_comes_once_before_any_comes_again() -> None:
    faults = list(islice(endless(ALL_FAULTS, random.Random(1)), 300))
    assert set(faults[: len(Fault)]) == set(Fault)
    assert faults.count(Fault.WORKER) > faults.count(Fault.BOTH)


def test_a_round_adds_up_what_its_storms_have_shown() -> None:
    run = run_of(ROUND, [stormed(0), stormed(1)], 60.0)
    assert (run.suite, run.seeds) == ("kills embedded", (7, 10))
    assert run.counts["kills"] == 6
    assert run.counts["accepted 202"] == 40
    assert run.counts["dead letters"] == 10
    assert run.faults == {Fault.WORKER: 4, Fault.DRAIN: 1}
    assert run.maxima == {"resumed, p50, s": 0.1, "resumed, p99, s": 0.2, "resumed, max, s": 0.2}
    assert not run.findings


def test_a_finding_comes_with_the_command_for_its_seed_alone() -> None:
    broken = stormed(2, "lost: acme/log-1")
    run = run_of(ROUND, [stormed(0), broken], 60.0)
    command = replay_of(ROUND, broken)
    assert run.findings == [f"lost: acme/log-1; again: {command}"]
    assert "--first 9 --services 1" in command
    assert f"--kills {broken.storm.kills} --logs {broken.storm.logs}" in command
