"""Ranks are exact, and nothing is counted that did not happen."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from logweir.verify.flood import Reply
from logweir.verify.tally import Tally, spread
from logweir.verify.traffic import traffic


def test_the_ranks_are_the_nearest() -> None:
    times = spread([number / 1000 for number in range(1, 1001)])
    assert (times.p50_ms, times.p99_ms, times.p999_ms, times.max_ms) == (500, 990, 999, 1000)


def test_nothing_has_no_ranks() -> None:
    assert spread([]).count == 0
    assert math.isnan(spread([]).max_ms)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_every_rank_is_a_time_that_was_measured(seconds: list[float]) -> None:
    times = spread(seconds)
    measured = {value * 1000 for value in seconds}
    assert {times.p50_ms, times.p99_ms, times.p999_ms, times.max_ms} <= measured
    assert times.p50_ms <= times.p99_ms <= times.p999_ms <= times.max_ms == max(measured)


def test_answers_are_counted_by_status_and_failures_by_kind() -> None:
    tally = Tally()
    answers = [
        *(Reply(status=429), Reply(status=202), Reply(failure="ECONNRESET")),
        *(Reply(status=202), None),
    ]
    for request, answer in zip(itertools.islice(traffic(1, 1), 5), answers, strict=True):
        tally.invoked(request, 1.0, 1.001)
        if answer:
            tally.ended(request, 1.0, 1.5, answer)
    counted = [(label, times.count) for label, times in tally.answers()]
    assert counted == [("202", 2), ("429", 1), ("ECONNRESET", 1)]
    assert (tally.started_count, tally.ended_count, tally.accepted_count) == (5, 4, 2)
