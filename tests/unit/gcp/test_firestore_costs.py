"""What a log costs on Firestore, which bills documents read, written and deleted.

The numbers stand in the documentation too: whoever changes one changes the other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support.costs import Costs
from tests.support.firestore import Meter, databases_at
from tests.support.logs import a_log

from logweir.backends.gcp.store import FirestoreStore
from logweir.clock import SystemClock

CHUNK = 25


@pytest.fixture
async def metered(firestore: str, project: str) -> AsyncIterator[tuple[FirestoreStore, Meter]]:
    """A store in an empty database."""
    meter = Meter()
    async with databases_at(firestore, project) as databases:
        meter.attach(databases)
        yield FirestoreStore(databases, SystemClock()), meter


@pytest.fixture
def costs(metered: tuple[FirestoreStore, Meter]) -> Costs:
    """Of a consumer that works in chunks."""
    store, meter = metered
    return Costs(store, meter.billed, CHUNK)


@pytest.fixture
def whole(metered: tuple[FirestoreStore, Meter]) -> Costs:
    """Of a consumer that does not."""
    store, meter = metered
    return Costs(store, meter.billed, None)


async def test_a_short_log_is_one_read_and_one_write(costs: Costs) -> None:
    assert await costs.of(a_log("short")) == (1, 1, 0)


async def test_an_identical_repeat_is_one_read(costs: Costs) -> None:
    await costs.of(a_log("short"))
    assert await costs.of(a_log("short")) == (1, 0, 0)


async def test_a_conflict_is_three_reads_and_one_write(costs: Costs) -> None:
    await costs.of(a_log("short"))
    assert await costs.of(a_log("other")) == (3, 1, 0)
    assert await costs.of(a_log("other")) == (3, 0, 0)


@pytest.mark.parametrize("chunks", [2, 7])
async def test_a_text_in_chunks_costs_by_their_number(costs: Costs, chunks: int) -> None:
    text = "x" * CHUNK * chunks
    assert await costs.of(a_log(text)) == (5 * chunks + 5, chunks + 3, chunks + 1)


async def test_chunks_that_come_after_the_last_one_are_a_read_more_each(costs: Costs) -> None:
    text = "x" * CHUNK * 7
    assert await costs.of(a_log(text), backwards=True) == (5 * 7 + 5 + 6, 7 + 3, 7 + 1)


async def test_a_text_in_chunks_is_read_once_by_who_finishes_it(
    costs: Costs, metered: tuple[FirestoreStore, Meter]
) -> None:
    _, meter = metered
    await costs.of(a_log("x" * CHUNK * 7))
    await costs.of(a_log("x" * CHUNK * 7))
    await costs.of(a_log("a conflict"))
    assert meter.whole == 1


async def test_from_the_eleventh_delivery_on_two_more_operations_count_deaths(costs: Costs) -> None:
    assert await costs.of(a_log("short"), deliveries=11) == (1, 2, 1)


@pytest.mark.parametrize(("size", "own_parts"), [(600_000, 1), (1_000_000, 2)])
async def test_texts_above_one_mebibyte_are_one_write_more_for_each_part(
    whole: Costs, size: int, own_parts: int
) -> None:
    assert await whole.of(a_log("x" * size)) == (1, 1 + own_parts, 0), "both texts are equal"
    text = "password=hunter2 " + "x" * size
    assert await whole.of(a_log(text, log="log-2")) == (1, 1 + 2 * own_parts, 0)
