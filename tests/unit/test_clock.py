"""The clocks, and how a time is written."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logweir.clock import ManualClock, SystemClock, parse_timestamp, timestamp


async def test_sleepers_wake_in_the_order_of_their_times_and_not_before() -> None:
    clock = ManualClock()
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    tasks = [asyncio.create_task(sleep(n, s)) for n, s in (("c", 3.0), ("a", 1.0), ("b", 1.0))]
    await clock.advance(0.999)
    assert woken == []
    await clock.advance(5)
    assert woken == [("a", 1.0), ("b", 1.0), ("c", 3.0)]
    assert all(task.done() for task in tasks)
    assert clock.monotonic() == 5.999


async def test_who_sleeps_again_on_the_way_wakes_on_the_way() -> None:
    clock = ManualClock()

    async def sleep_twice() -> float:
        await clock.sleep(1)
        await clock.sleep(1)
        return clock.monotonic()

    task = asyncio.create_task(sleep_twice())
    await clock.advance(10)
    assert await task == 2.0


async def test_a_cancelled_sleeper_disturbs_nobody() -> None:
    clock = ManualClock()
    tasks = [asyncio.create_task(clock.sleep(1)) for _ in range(2)]
    await clock.advance(0)
    tasks[0].cancel()
    await clock.advance(1)
    assert tasks[0].cancelled()
    assert tasks[1].done()


async def test_the_wall_time_moves_with_the_clock() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    await clock.advance(90)
    assert clock.now() == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)


async def test_the_systems_clock_moves_by_itself() -> None:
    clock = SystemClock()
    started = clock.monotonic()
    await clock.sleep(0.01)
    assert 0.009 < clock.monotonic() - started < 5
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 31, 9, 26, 53, 589793, UTC), "2026-01-31T09:26:53.589793Z"),
        (datetime(2026, 1, 31, 9, 26, 53, 0, UTC), "2026-01-31T09:26:53.000000Z"),
        (
            datetime(2026, 1, 31, 23, 0, 0, 1, timezone(timedelta(hours=-5))),
            "2026-02-01T04:00:00.000001Z",
        ),
    ],
)
def test_a_time_is_written_in_utc_with_microseconds(moment: datetime, text: str) -> None:
    assert timestamp(moment) == text
    assert parse_timestamp(text) == moment


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_time_comes_back(moment: datetime) -> None:
    assert parse_timestamp(timestamp(moment)) == moment


@pytest.mark.parametrize("text", ["", "now", "2026-01-31T09:26:53", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|offset|month"):
        parse_timestamp(text)
