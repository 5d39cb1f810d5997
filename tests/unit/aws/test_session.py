"""The polling session, where SQS does what no emulator does."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("botocore", reason="comes with the extra aws")

from tests.support.awsjson import Request, in_turn, raises
from tests.support.sqs import (
    ANY_SIZE,
    DELETE,
    HIDE,
    RECEIVE,
    batches,
    judged,
    messages,
    nothing,
    session_of,
    take,
)

from logweir.clock import ManualClock
from logweir.errors import BrokerUnavailable, LeaseLost


def unavailable(_request: Request) -> Request:
    return raises("ServiceUnavailable", 503)


def denied(_request: Request) -> Request:
    return raises("AccessDenied")


async def test_a_poll_hides_what_it_brings_for_the_lease_and_counts_deliveries() -> None:
    async with session_of(in_turn(messages("a"), then=nothing)) as (session, service):
        [claim] = await take(session, 1)
        assert (claim.delivery.raw, claim.delivery.deliveries) == (b"a", 3)
        assert (claim.delivery.unanswered, claim.delivery.given_up) == (None, False)
        polled = next(request for name, request in service.asked if name == RECEIVE)
        assert (polled["VisibilityTimeout"], polled["MaxNumberOfMessages"]) == (30, 10)


async def test_what_is_settled_at_the_same_moment_goes_together() -> None:
    async with session_of(in_turn(messages("a", "b", "c"), then=nothing)) as (session, service):
        a, b, c = await take(session, 3)
        await asyncio.gather(session.acknowledge(a), session.acknowledge(b), session.delay(c, 1.2))
        assert batches(service, DELETE, "ReceiptHandle") == [["a", "b"]]
        assert batches(service, HIDE, "VisibilityTimeout") == [[2]]


async def test_a_receipt_that_sqs_does_not_know_any_more_is_a_lease_lost_and_alone() -> None:
    gone = judged(lambda e: "ReceiptHandleIsInvalid" if e["ReceiptHandle"] == "a" else None)
    receive = in_turn(messages("a", "b"), then=nothing)
    async with session_of(receive, {DELETE: gone}) as (session, _):
        a, b = await take(session, 2)
        lost, done = await asyncio.gather(
            session.acknowledge(a), session.acknowledge(b), return_exceptions=True
        )
        assert isinstance(lost, LeaseLost)
        assert done is None


async def test_a_heartbeat_extends_all_and_forgets_what_is_gone() -> None:
    gone = judged(lambda e: "InvalidParameterValue" if e["ReceiptHandle"] == "a" else None)
    receive = in_turn(messages(*"abcdefghijkl"), then=nothing)
    async with session_of(receive, {HIDE: gone}) as (session, service):
        claims = await take(session, 2)
        await session.heartbeat()
        extended = batches(service, HIDE, "VisibilityTimeout")
        assert sorted(map(len, extended)) == [2, 10]
        assert {seconds for batch in extended for seconds in batch} == {30}
        with pytest.raises(LeaseLost):
            await session.acknowledge(claims[0])
        await session.acknowledge(claims[1])


async def test_a_heartbeat_that_fails_for_longer_than_the_lease_loses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("logweir.backends.aws.entries._SECONDS", 0.1)
    clock = ManualClock()
    receive, down = in_turn(messages("a"), then=nothing), {HIDE: unavailable}
    async with session_of(receive, down, clock) as (session, _):
        await take(session, 1)
        with pytest.raises(BrokerUnavailable):
            await session.heartbeat()
        await clock.advance(31)
        with pytest.raises(LeaseLost):
            await session.heartbeat()


async def test_an_end_hands_back_what_is_held_and_what_only_came() -> None:
    receive = in_turn(messages("a", "b", "c"), then=nothing)
    async with session_of(receive) as (session, service):
        [claim] = await take(session, 1)
        await session.end()
        [handles], [seconds] = (
            batches(service, HIDE, "ReceiptHandle"),
            batches(service, HIDE, "VisibilityTimeout"),
        )
        assert (sorted(handles), set(seconds)) == (["a", "b", "c"], {0})
        with pytest.raises(LeaseLost):
            await session.acknowledge(claim)


async def test_an_outage_is_told_once_and_polls_go_on() -> None:
    async with session_of(in_turn(denied, messages("a"), then=nothing)) as (session, _):
        with pytest.raises(BrokerUnavailable):
            await take(session, 1)
        assert [claim.delivery.raw for claim in await take(session, 1)] == [b"a"]


async def test_a_full_queue_is_polled_side_by_side_until_there_is_no_more_room() -> None:
    async with session_of(messages(*"abcdefghij")) as (session, service):
        await asyncio.sleep(0.5)
        assert service.times(RECEIVE) == 4
        assert len(await session.claim(100, ANY_SIZE, 0)) == 40
        await asyncio.sleep(0.5)
        assert service.times(RECEIVE) == 8
