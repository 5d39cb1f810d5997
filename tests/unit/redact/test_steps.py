"""The bound on the steps of one try holds, and what a step costs is measured."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.redact.patterns import PATTERNS, TEXTS

from logweir.redact.subset import hurt
from logweir.redact.subset.parser import parse
from logweir.redact.subset.steps import check_steps
from logweir.redact.subset.tree import Chars, Edge, Either, Group, Node, Repeat, Sequence
from logweir.redact.subset.trial import shapes

Then = Callable[[int], bool]


class Tries:
    """`re` as it is written down: tries each way in its order, and counts what it looks at."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = 0

    def match(self, node: Node, place: int, then: Then) -> bool:
        match node:
            case Chars(text=written):
                self.steps += 1
                if place < len(self.text) and re.match(written, self.text[place], re.ASCII):
                    return then(place + 1)
                return False
            case Edge(written):
                self.steps += 1
                found = re.compile(written, re.ASCII).match(self.text, place)
                return found is not None and then(place)
            case Group(body):
                return self.match(body, place, then)
            case Either(branches):
                return any(self.match(branch, place, then) for branch in branches)
            case Sequence(items):
                return self.follow(items, place, then)
            case Repeat():
                return self.repeat(node, 0, place, then)

    def follow(self, items: tuple[Node, ...], place: int, then: Then) -> bool:
        if not items:
            return then(place)
        return self.match(items[0], place, lambda end: self.follow(items[1:], end, then))

    def repeat(self, node: Repeat, times: int, place: int, then: Then) -> bool:
        def once_more() -> bool:
            if node.most is not None and times >= node.most:
                return False
            return self.match(node.body, place, lambda end: self.repeat(node, times + 1, end, then))

        if times < node.least:
            return once_more()
        return then(place) or once_more() if node.lazy else once_more() or then(place)


@settings(max_examples=100)
@given(PATTERNS, st.sampled_from(["", "", "[a-b]+", "-?[ab1]*", r"(?:-\d+)?"]), TEXTS)
def test_no_try_takes_more_steps_than_are_reckoned(pattern: str, tail: str, text: str) -> None:
    tree = parse(pattern + tail)
    try:
        bound = check_steps(tree)
    except ValueError:
        return
    for place in range(len(text)):
        tries, ends = Tries(text), [place]

        def matched(end: int, ends: list[int] = ends) -> bool:
            ends.append(end)
            return True

        tries.match(tree, place, matched)
        # What a run without an end has taken is not looked at again.
        assert tries.steps <= bound + (ends[-1] - place if tail else 0)


def reckoned(pattern: str) -> int:
    return check_steps(parse(pattern))


def test_steps_add_up_where_parts_are_told_apart_and_multiply_where_they_are_not() -> None:
    assert reckoned("[a-z]{1,30}[0-9]{1,30}!") < 130
    assert reckoned("[a-z]{1,30}[a-z]{1,30}!") > 900
    assert reckoned("(?:[0-9]{1,3}[.]){3}[0-9]{1,3}") < 40


def test_loops_of_nothing_are_reckoned_in_no_time() -> None:
    nested = "(?:" * 6 + "a?" + "){0,1000}" * 6 + "b"
    with pytest.raises(ValueError, match="steps"):
        reckoned(nested)
    with pytest.raises(ValueError, match="steps"):
        reckoned(nested.replace("a?", ""))


QUICK = ["EMP-[0-9]{6}", "[a-zA-Z0-9._]{1,64}@corp", r"\b[A-Z]{2}[0-9]{2,30}\b", "user=[^ ]+"]
SLOW = {
    "[a-z]+@": "its time grows with the length of a log to the power of (1[.][5-9]|2)",
    "[a-z]{0,90}[a-z]{0,90}!": "ns for each character of a log, and 4,000 is the limit",
}


@pytest.mark.parametrize("pattern", QUICK)
def test_what_is_quick_is_not_hurt(pattern: str) -> None:
    assert hurt(pattern, parse(pattern)) is None


@pytest.mark.parametrize(("pattern", "why"), SLOW.items())
def test_what_is_slow_is_hurt_though_nobody_has_counted_its_steps(pattern: str, why: str) -> None:
    assert re.search(why, hurt(pattern, parse(pattern)) or "")


@pytest.mark.parametrize("pattern", QUICK)
def test_a_machine_that_stalls_does_not_refuse_a_pattern(pattern: str) -> None:
    calls = 0
    stalled = 0.0

    def clock() -> float:
        nonlocal calls, stalled
        calls += 1
        stalled += 0.5 if calls % 5 == 2 else 0
        return time.thread_time() + stalled

    assert hurt(pattern, parse(pattern), clock) is None


def scripted(milliseconds: list[float]) -> Callable[[], float]:
    """A clock by which searches take so long: of the short text, of the long one, and so on."""
    # Before the first search it is asked once, and after the last it is late.
    steps = [0.0, *(step for took in milliseconds for step in (0.0, took / 1000)), 1.0]
    times = itertools.accumulate(steps)
    return lambda: next(times)


@pytest.mark.parametrize(
    ("milliseconds", "why"),
    [
        ([2, 4], ""),
        ([1.5, 6.5, 3.2, 6.4], ""),  # the processor was quick once
        ([2, 9, 2, 9, 2, 4, 2, 4], ""),  # it was slow for a while
        ([2, 8] * 9, "its time grows with the length of a log to the power of 2.0"),
        ([20, 80] * 9, "its time grows with the length of a log to the power of 2.0"),
        ([16, 32] * 9, "it takes 7,812 ns for each character of a log, and 4,000 is the limit"),
    ],
)
def test_a_pattern_is_judged_by_how_it_fares_mostly(milliseconds: list[float], why: str) -> None:
    told = hurt("a[0-9]", parse("a[0-9]"), scripted(milliseconds)) or ""
    assert told.partition(", on ")[0] == why


def test_the_shapes_nearly_match_and_go_on_for_long() -> None:
    tried = shapes(parse("EMP-[0-9]{6}x"))
    assert {"EMP-999999", "EMP-999999x", "9"} <= set(tried)
    assert any(shape.startswith("EMP-999999" + "9" * 1000) for shape in tried)


@settings(max_examples=30)
@given(PATTERNS)
def test_every_pattern_has_shapes(pattern: str) -> None:
    assert all(shapes(parse(pattern)))
