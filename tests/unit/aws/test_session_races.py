"""What a session does while something else is under way: nothing is extended that was let go."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

pytest.importorskip("botocore", reason="comes with the extra aws")

from tests.support.awsjson import Answer, Request, in_turn, raises
from tests.support.sqs import (
    ANY_SIZE,
    HIDE,
    LEASE_SECONDS,
    RECEIVE,
    TAKEN,
    judged,
    messages,
    nothing,
    session_of,
    take,
)

from logweir.backends.aws import polls
from logweir.errors import BrokerUnavailable

LEASE = int(LEASE_SECONDS)


def slowly(answer: Answer, seconds: float) -> Answer:
    """The same, later."""

    def slow(request: Request) -> Request:
        time.sleep(seconds)
        return answer(request)

    return slow


class Visibilities:
    """SQS's own view: what was set last of each message. What ``slow`` sets takes its time."""

    def __init__(self, slow: int | None, judge: Answer = TAKEN) -> None:
        self.slow = slow
        self.judge = judge
        self.last: dict[str, int] = {}
        self.sets: list[tuple[str, int]] = []
        self.began = threading.Event()

    def __call__(self, request: Request) -> Request:
        if any(entry["VisibilityTimeout"] == self.slow for entry in request["Entries"]):
            self.began.set()
            time.sleep(0.2)
        answer = self.judge(request)
        taken = {each["Id"] for each in answer["Successful"]}
        for entry in request["Entries"]:
            if entry["Id"] in taken:
                self.last[entry["ReceiptHandle"]] = entry["VisibilityTimeout"]
                self.sets.append((entry["ReceiptHandle"], entry["VisibilityTimeout"]))
        return answer


async def begun(visibilities: Visibilities) -> None:
    """The slow request is under way."""
    assert await asyncio.to_thread(visibilities.began.wait, 5)


async def test_a_delay_is_not_undone_by_a_heartbeat_that_is_under_way() -> None:
    sqs = Visibilities(slow=LEASE)
    async with session_of(in_turn(messages("a"), then=nothing), {HIDE: sqs}) as (session, _):
        [claim] = await take(session, 1)
        heartbeat = asyncio.create_task(session.heartbeat())
        await begun(sqs)
        await session.delay(claim, 300)
        await heartbeat
        assert sqs.last == {"a": 300}


async def test_a_delay_is_not_undone_by_a_heartbeat_that_begins_meanwhile() -> None:
    sqs = Visibilities(slow=300)
    async with session_of(in_turn(messages("a"), then=nothing), {HIDE: sqs}) as (session, _):
        [claim] = await take(session, 1)
        delay = asyncio.create_task(session.delay(claim, 300))
        await begun(sqs)
        await session.heartbeat()
        await delay
        assert sqs.sets == [("a", 300)]


async def test_a_delay_that_failed_is_held_on_to_and_can_be_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("logweir.backends.aws.entries._SECONDS", 0.0)
    down = judged(lambda _: "ServiceUnavailable")
    sqs = Visibilities(None, in_turn(down, then=TAKEN))
    async with session_of(in_turn(messages("a"), then=nothing), {HIDE: sqs}) as (session, _):
        [claim] = await take(session, 1)
        with pytest.raises(BrokerUnavailable):
            await session.delay(claim, 300)
        await session.heartbeat()
        await session.delay(claim, 300)
        assert sqs.sets == [("a", LEASE), ("a", 300)]


async def test_what_an_end_hands_back_is_not_extended_by_a_heartbeat_that_is_under_way() -> None:
    sqs = Visibilities(slow=LEASE)
    async with session_of(in_turn(messages("a", "b"), then=nothing), {HIDE: sqs}) as (session, _):
        await take(session, 1)
        heartbeat = asyncio.create_task(session.heartbeat())
        await begun(sqs)
        await session.end()
        await heartbeat
        assert sqs.last == {"a": 0, "b": 0}


async def test_nor_by_one_that_was_cancelled_and_goes_on_in_its_thread() -> None:
    sqs = Visibilities(slow=LEASE)
    async with session_of(in_turn(messages("a", "b"), then=nothing), {HIDE: sqs}) as (session, _):
        await take(session, 1)
        heartbeat = asyncio.create_task(session.heartbeat())
        await begun(sqs)
        heartbeat.cancel()
        await session.end()
        await asyncio.sleep(0.3)
        assert sqs.last == {"a": 0, "b": 0}


async def test_nor_by_one_that_begins_while_it_hands_back() -> None:
    sqs = Visibilities(slow=0)
    async with session_of(in_turn(messages("a", "b"), then=nothing), {HIDE: sqs}) as (session, _):
        await take(session, 1)
        end = asyncio.create_task(session.end())
        await begun(sqs)
        await session.heartbeat()
        await end
        assert sorted(sqs.sets) == [("a", 0), ("b", 0)]


async def test_an_end_that_failed_in_part_hands_back_only_the_rest_when_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("logweir.backends.aws.entries._SECONDS", 0.0)
    busy = judged(lambda e: "ServiceUnavailable" if e["ReceiptHandle"] == "a" else None)
    sqs = Visibilities(None, in_turn(busy, then=TAKEN))
    async with session_of(in_turn(messages("a", "b"), then=nothing), {HIDE: sqs}) as (session, _):
        await take(session, 2)
        with pytest.raises(BrokerUnavailable):
            await session.end()
        await session.heartbeat()
        await session.end()
        # "b" may be somebody else's by then.
        assert sqs.sets == [("b", 0), ("a", 0)]


async def test_an_end_hands_back_also_what_polls_bring_that_outlast_a_failed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polls, "_OUTAGE_SECONDS", 0.05)
    sqs = Visibilities(None)
    full = messages(*"abcdefghij")
    late = slowly(messages("late"), 0.4)
    receive = in_turn(full, lambda _: raises("AccessDenied"), late, then=slowly(nothing, 0.1))
    async with session_of(receive, {HIDE: sqs}) as (session, service):
        with pytest.raises(BrokerUnavailable):
            await take(session, 100)
        await session.end()
        polled = service.times(RECEIVE)
        assert polled in (4, 5)  # one, and as many as there was room for
        await asyncio.sleep(0.5)
        assert service.times(RECEIVE) == polled
        assert sqs.last == dict.fromkeys([*"abcdefghij", "late"], 0)


async def test_what_is_gone_is_not_claimed_any_more() -> None:
    gone = judged(lambda e: "ReceiptHandleIsInvalid" if e["ReceiptHandle"] == "b" else None)
    receive = in_turn(messages("a", "b", "c"), then=nothing)
    async with session_of(receive, {HIDE: Visibilities(None, gone)}) as (session, _):
        await take(session, 1)
        await session.heartbeat()
        assert [claim.ticket for claim in await session.claim(5, ANY_SIZE, 0)] == ["c"]


async def test_no_more_is_polled_while_much_is_not_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polls, "_ROOM_BYTES", 1000)
    full = messages(*(letter * 200 for letter in "abcdefghij"))
    async with session_of(full, {HIDE: Visibilities(None)}) as (session, service):
        await asyncio.sleep(0.3)
        assert service.times(RECEIVE) == 1
        assert len(await session.claim(10, ANY_SIZE, 0)) == 10
        await asyncio.sleep(0.3)
        assert service.times(RECEIVE) > 1
