"""Group sending: everything once, within the limits, and nothing waits while a flight is free."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import chain, count, cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logweir.pipeline.batching import Batcher, PartlyFailed

Item = tuple[int, int]  # which one, and its bytes


class Line:
    """The other side: it takes batches, and answers each when the test says so."""

    def __init__(self, items_max: int = 10, bytes_max: int = 100, flights_max: int = 2) -> None:
        self.batches: list[list[Item]] = []
        self.answers: list[asyncio.Future[None]] = []
        self.at_once_max = 0
        self.batcher = Batcher(
            self._send,
            lambda item: item[1],
            items_max=items_max,
            bytes_max=bytes_max,
            flights_max=flights_max,
        )

    @property
    def open(self) -> list[int]:
        """The batches that are not answered."""
        return [number for number, answer in enumerate(self.answers) if not answer.done()]

    def sending(self, *items: Item) -> asyncio.Task[None]:
        """A caller."""

        async def call() -> None:
            await self.batcher(items)

        return asyncio.create_task(call())

    async def _send(self, items: Sequence[Item]) -> None:
        self.batches.append(list(items))
        self.answers.append(asyncio.get_running_loop().create_future())
        self.at_once_max = max(self.at_once_max, len(self.open))
        await self.answers[-1]


async def settled() -> None:
    """Whatever is ready has run."""
    for _ in range(10):
        await asyncio.sleep(0)


@given(
    callers=st.lists(st.lists(st.integers(0, 150), max_size=8), max_size=12),
    items_max=st.integers(1, 5),
    bytes_max=st.integers(1, 120),
    flights_max=st.integers(1, 4),
    steps=st.lists(st.integers(0, 255), min_size=1, max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_every_item_is_sent_once_in_batches_within_the_limits_and_each_caller_hears_of_its_own(
    callers: list[list[int]], items_max: int, bytes_max: int, flights_max: int, steps: list[int]
) -> None:
    numbers = count()
    items = [[(next(numbers), size) for size in caller] for caller in callers]

    async def main() -> None:
        line = Line(items_max, bytes_max, flights_max)
        failed: set[int] = set()
        tasks: list[asyncio.Task[None]] = []
        for step in cycle(steps):
            pause, starts, answers_well, which = step & 1, step & 2, step & 4, step >> 3
            if len(tasks) < len(items) and (starts or not line.open):
                tasks.append(line.sending(*items[len(tasks)]))
            elif line.open:
                number = line.open[which % len(line.open)]
                if answers_well:
                    line.answers[number].set_result(None)
                else:
                    line.answers[number].set_exception(OSError(number))
                    failed.add(number)
            if pause or not line.open:
                await settled()
                # Nothing waits while a flight is free.
                assert len(line.open) == flights_max or not line.batcher._waiting
            else:
                await asyncio.sleep(0)
            if len(tasks) == len(items) and not line.open:
                break
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

        assert list(chain(*line.batches)) == sorted(chain(*items)), "each once, in their order"
        assert line.at_once_max <= flights_max
        for batch in line.batches:
            assert 1 <= len(batch) <= items_max
            assert len(batch) == 1 or sum(size for _, size in batch) <= bytes_max
        flights = {item: number for number, batch in enumerate(line.batches) for item in batch}
        for caller, outcome in zip(items, outcomes, strict=True):
            theirs = [flights[item] for item in caller if flights[item] in failed]
            if theirs:
                assert isinstance(outcome, OSError)
                assert outcome.args == (theirs[0],), "of its first item that failed"
            else:
                assert outcome is None

    asyncio.run(main())


async def test_what_is_ready_at_the_same_moment_goes_together() -> None:
    line = Line()
    callers = [line.sending((number, 1)) for number in range(5)]
    await settled()
    assert line.batches == [[(number, 1) for number in range(5)]]
    line.answers[0].set_result(None)
    await asyncio.gather(*callers)


async def test_what_comes_while_all_flights_are_out_goes_together_in_the_next_one() -> None:
    line = Line(flights_max=2)
    first = line.sending((1, 1))
    await settled()
    second = line.sending((2, 1))
    await settled()
    rest = [line.sending((number, 1)) for number in (3, 4, 5)]
    await settled()
    assert line.batches == [[(1, 1)], [(2, 1)]]
    line.answers[1].set_result(None)
    await settled()
    assert line.batches[2:] == [[(3, 1), (4, 1), (5, 1)]]
    line.answers[0].set_result(None)
    line.answers[2].set_result(None)
    await asyncio.gather(first, second, *rest)


async def test_an_item_that_alone_is_too_large_goes_alone() -> None:
    line = Line(bytes_max=100, flights_max=9)
    caller = line.sending((1, 60), (2, 40), (3, 101), (4, 1), (5, 1000))
    await settled()
    assert line.batches == [[(1, 60), (2, 40)], [(3, 101)], [(4, 1)], [(5, 1000)]]
    for answer in line.answers:
        answer.set_result(None)
    await caller


async def test_a_batch_that_fails_fails_exactly_its_callers_with_its_own_error() -> None:
    line = Line(items_max=2)
    callers = [line.sending((number, 1)) for number in range(4)]
    await settled()
    error = OSError("the second one")
    line.answers[0].set_result(None)
    line.answers[1].set_exception(error)
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert outcomes == [None, None, error, error]
    after = line.sending((9, 1))
    await settled()
    line.answers[2].set_result(None)
    await after


async def test_a_caller_hears_of_a_failure_only_when_all_its_items_are_through() -> None:
    line = Line(items_max=1)
    caller = line.sending((1, 1), (2, 1))
    await settled()
    line.answers[0].set_exception(OSError())
    await settled()
    assert not caller.done()
    line.answers[1].set_result(None)
    with pytest.raises(OSError):  # noqa: PT011
        await caller


async def test_a_caller_that_is_cancelled_disturbs_nobody() -> None:
    line = Line(flights_max=1)
    flying, mate = line.sending((1, 1)), line.sending((2, 1))
    await settled()
    waiting, behind = line.sending((3, 1)), line.sending((4, 1))
    await settled()
    for caller in (flying, waiting):
        caller.cancel()
    await settled()
    assert flying.cancelled()
    assert waiting.cancelled()
    line.answers[0].set_result(None)
    await mate
    await settled()
    assert (4, 1) in line.batches[1]
    line.answers[1].set_result(None)
    await behind


async def test_nobody_s_cancelling_ends_a_flight_that_others_are_on() -> None:
    line = Line(flights_max=1)
    callers = [line.sending((number, 1)) for number in range(3)]
    await settled()
    for caller in callers[:2]:
        caller.cancel()
    await settled()
    assert line.open == [0]
    line.answers[0].set_exception(OSError("late"))
    with pytest.raises(OSError, match="late"):
        await callers[2]


async def test_sending_nothing_sends_nothing() -> None:
    line = Line()
    await line.batcher([])
    await settled()
    assert line.batches == []


async def test_closing_waits_for_what_is_under_way_and_for_what_waits_behind_it() -> None:
    line = Line(flights_max=1, items_max=1)
    callers = [line.sending((number, 1)) for number in range(2)]
    await settled()
    closing = asyncio.create_task(line.batcher.close())
    await settled()
    line.answers[0].set_result(None)
    await settled()
    assert not closing.done()
    line.answers[1].set_exception(OSError())
    await closing
    first, second = await asyncio.gather(*callers, return_exceptions=True)
    assert first is None
    assert isinstance(second, OSError)


async def test_closing_waits_also_for_what_was_given_at_the_same_moment() -> None:
    line = Line()
    caller = line.sending((1, 1))
    await asyncio.sleep(0)  # it has given its item, and the flight has not begun
    asyncio.get_running_loop().call_later(0.01, lambda: line.answers[0].set_result(None))
    await line.batcher.close()
    assert line.batches == [[(1, 1)]]
    assert line.open == []
    await caller


async def test_closing_what_was_never_used_ends_at_once() -> None:
    await asyncio.wait_for(Line().batcher.close(), 1)


async def test_where_some_fail_each_caller_hears_of_its_own() -> None:
    line = Line()
    callers = [line.sending((number, 1)) for number in range(3)]
    both = line.sending((3, 1), (4, 1))
    await settled()
    line.answers[0].set_exception(PartlyFailed({1: OSError("one"), 4: OSError("four")}))
    results = await asyncio.gather(*callers, both, return_exceptions=True)
    assert [str(result) for result in results] == ["None", "one", "None", "four"]
