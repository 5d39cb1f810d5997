"""A fault at every call of every port, for every kind of delivery; then the invariants.

A process crashes before or after the call; or the port does not answer, before or after having
done what it was asked; or it throttles, or does it twice. What was in flight is delivered again,
to a new process, until all is done. For the pairs of faults see ``tests/pairs``.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator

import pytest
import structlog
from tests.pairs.run import Run
from tests.pairs.stories import (
    KILLER,
    LONG,
    OTHER_LONG,
    POISON,
    STORIES,
    Story,
    cuts,
    with_a_chunk_of,
)
from tests.support.faults import Fault, Faults
from tests.support.logs import ACME, GLOBEX


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_without_a_fault_nothing_is_worked_on_twice(story: Story) -> None:
    run = Run(story, Faults({}))
    await run.to_the_end()
    run.assert_all_is_well()
    tenants = len({log.tenant for log in story.logs})
    for text, times in run.work.started.items():
        assert times <= tenants or POISON in text or KILLER in text


@pytest.mark.parametrize("share", [3, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_a_fault_at_any_call_loses_and_doubles_nothing(
    story: Story, fault: Fault, share: int
) -> None:
    without = Run(story, Faults({}))
    await without.to_the_end()
    for call in range(random.randrange(share), without.faults.calls, share):
        print(f"call {call}")
        run = Run(story, Faults({call: fault}))
        await run.to_the_end()
        run.assert_all_is_well()


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_a_worker_that_dies_with_all_in_flight_loses_and_doubles_nothing(
    story: Story,
) -> None:
    without = Run(story, Faults({}), side_by_side=100)
    await without.to_the_end()
    without.assert_all_is_well(in_turn=False)
    for call in range(without.faults.calls):
        for fault in (Fault.CRASH_BEFORE, Fault.UNKNOWN):
            run = Run(story, Faults({call: fault}), side_by_side=100)
            await run.to_the_end()
            run.assert_all_is_well(in_turn=False)


@pytest.mark.parametrize("seed", range(40))
async def test_many_faults_at_random_lose_and_double_nothing(seed: int) -> None:
    draw = random.Random(seed)
    # So many unanswered calls would be a crash loop to a DeathCounter.
    stories = [story for story in STORIES.values() if not story.buried and story.tells_deaths]
    story = draw.choice(stories)
    kinds = [Fault.REFUSED, Fault.UNKNOWN, Fault.THROTTLED, Fault.TWICE]
    faults = Faults(lambda _: draw.choice(kinds) if draw.random() < 0.2 else None)
    run = Run(story, faults, side_by_side=draw.choice([1, 3, 100]))
    await run.to_the_end()
    run.assert_all_is_well(in_turn=False)


def test_every_long_text_of_these_stories_has_five_chunks_of_its_own() -> None:
    for text in (LONG, OTHER_LONG, with_a_chunk_of(POISON)):
        assert len(set(cuts(text))) == 5
    assert {log.tenant for story in STORIES.values() for log in story.logs} == {ACME, GLOBEX}
