"""Long texts: how they are cut, handed over and sent out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.logs import RECEIVED, a_key, a_log, a_plan
from tests.support.world import World

from logweir.envelope import encode
from logweir.pipeline.plan import chunk_characters
from logweir.settings import Settings

MIB = 1 << 20
FITS = (MIB - 1024) // 6


@pytest.mark.parametrize(
    ("chunk_seconds", "seconds_per_character", "characters"),
    [
        (60.0, 0.05, 1200),
        (59.999, 0.05, 1199),
        (0.05, 0.05, 1),
        (0.01, 0.05, 1),
        (60.0, 60.0, 1),
        (60.0, 3600.0, 1),
        (0.3, 0.1, 3),
        (0.7, 0.1, 7),
        (1.1, 0.1, 11),
        (4.35, 0.05, 87),
        (60.0, 0.0, FITS),
        (86400.0, 1e-9, FITS),
        (60.0, 1e-300, FITS),
        (0.0, 0.05, None),
        (0.0, 0.0, None),
    ],
)
def test_a_chunk_is_so_much_work_but_no_more_than_a_message_holds(
    chunk_seconds: float, seconds_per_character: float, characters: int | None
) -> None:
    assert chunk_characters(chunk_seconds, seconds_per_character, MIB) == characters


def test_no_quotient_of_two_decimal_fractions_falls_a_hair_short() -> None:
    for hundredths in range(1, 200):
        for count in (1, 3, 7, 29, 57, 1200, 12_345):
            cost = hundredths / 100
            assert chunk_characters(count * hundredths / 100, cost, MIB) == count


def test_a_chunk_has_1200_characters_by_default() -> None:
    settings = Settings()
    assert chunk_characters(settings.chunk_seconds, settings.seconds_per_character, MIB) == 1200


def test_a_full_chunk_of_the_widest_characters_fits_into_a_message_even_as_base64() -> None:
    text = "\U0010ffff" * FITS
    plan = a_plan(text + "x", FITS)
    assert len(encode(plan.chunk(0), base64_text=True)) <= MIB


@given(st.text(min_size=1, max_size=100), st.integers(1, 30))
def test_the_chunks_of_a_plan_are_the_whole_text_each_character_once(text: str, size: int) -> None:
    plan = a_plan(text, size)
    chunks = [plan.chunk(index) for index in range(plan.count)]
    assert "".join(chunk.text or "" for chunk in chunks) == text
    assert all(chunk.text for chunk in chunks)
    assert {(chunk.sha256, chunk.characters) for chunk in chunks} == {(plan.sha256, len(text))}
    ranges = [chunk.chunk for chunk in chunks if chunk.chunk]
    assert [(r.index, text[r.first : r.end]) for r in ranges] == [
        (index, chunk.text) for index, chunk in enumerate(chunks)
    ]


async def test_a_short_log_is_handed_over_whole() -> None:
    world = World()
    await world.planner.hand_over(a_log("a" * 1000))
    assert world.queued == [a_log("a" * 1000)]
    assert await world.plans() == 0


async def test_a_log_that_is_too_large_for_a_message_is_handed_over_as_its_plan() -> None:
    world = World(message_bytes_max=1500, chunk_size=10)
    log = a_log("a" * 2000)
    await world.planner.hand_over(log)
    (queued,) = world.queued
    assert queued.text is None
    assert len(encode(queued)) < 1500
    plan = await world.store.load(a_key("a" * 2000))
    assert plan is not None
    assert (plan.text, plan.count, plan.received_at) == (log.text, 200, RECEIVED)


async def test_the_largest_message_is_still_handed_over_whole() -> None:
    log = a_log("a" * 2000)
    fits = World(message_bytes_max=len(encode(log)))
    await fits.planner.hand_over(log)
    assert fits.queued == [log]
    too_small = World(message_bytes_max=len(encode(log)) - 1)
    await too_small.planner.hand_over(log)
    assert too_small.queued[0].text is None


async def test_without_chunks_a_large_log_is_one_uninterrupted_piece_of_work() -> None:
    world = World(message_bytes_max=1500, chunk_size=None)
    await world.planner.hand_over(a_log("a" * 2000))
    plan = await world.store.load(a_key("a" * 2000))
    assert plan is not None
    assert plan.count == 1
    assert not world.planner.is_long(a_log("a" * 2000))


async def test_who_plans_second_follows_the_first() -> None:
    world = World(chunk_size=10)
    first = await world.store.plan(a_plan("a" * 100, 7))
    assert await world.planner.plan(a_log("a" * 100)) == first


async def test_only_chunks_that_are_not_recorded_are_sent() -> None:
    world = World(chunk_size=10)
    plan = await world.planner.plan(a_log("0123456789" * 3))
    await world.store.record(plan.key, 1)
    assert await world.planner.send_missing(plan)
    assert world.queued == [plan.chunk(0), plan.chunk(2)]
    for index in (0, 2):
        await world.store.record(plan.key, index)
    assert not await world.planner.send_missing(plan)


@pytest.mark.parametrize(("characters", "is_long"), [(9, False), (10, False), (11, True)])
async def test_a_log_is_long_if_it_is_more_than_one_chunk(characters: int, is_long: bool) -> None:
    assert World(chunk_size=10).planner.is_long(a_log("a" * characters)) is is_long


async def test_an_envelope_without_its_text_cannot_be_planned() -> None:
    with pytest.raises(ValueError, match="planned already"):
        await World().planner.plan(a_plan("abc", 1).envelope())
