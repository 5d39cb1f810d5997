"""A worker's session over streaming pull: what it holds, how long, and what it says of outages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

pytest.importorskip("google.pubsub_v1", reason="comes with the extra gcp")

import grpc.aio
from google.api_core.exceptions import ServiceUnavailable
from scripts.emulators import Emulator
from tests.contract.backends import PATIENCE_WITH_PUBSUB
from tests.support.logs import a_chunk, a_log
from tests.support.pubsub import channel_to, provisioned, until

from logweir.backends.gcp import session as session_module
from logweir.backends.gcp.names import Names
from logweir.backends.gcp.publish import PublishCall
from logweir.backends.gcp.publisher import PubSubPublisher
from logweir.backends.gcp.session import PubSubSession
from logweir.clock import Clock, ManualClock, SystemClock
from logweir.envelope import Envelope, decode, encode
from logweir.errors import BrokerUnavailable, LeaseLost
from logweir.limits import DEFAULT_LIMITS, Limits
from logweir.pipeline.held import HeldClaim

ANY_SIZE = 1 << 30


@dataclass
class Place:
    """Topics and subscriptions of the test's own, and a channel to them."""

    channel: grpc.aio.Channel
    names: Names

    async def publish(self, *envelopes: Envelope) -> None:
        """Publish them."""
        await PubSubPublisher(self.channel, self.names).publish(envelopes)

    @asynccontextmanager
    async def session(
        self, clock: Clock | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> AsyncIterator[PubSubSession]:
        """A session that lets go of everything at the end."""
        session = PubSubSession(self.channel, self.names, clock or SystemClock(), limits, 1000)
        try:
            yield session
        finally:
            session.abandon()
            await asyncio.sleep(0)


@pytest.fixture
async def place(pubsub: str, project: str) -> AsyncIterator[Place]:
    """A place on the emulator."""
    async with channel_to(pubsub) as channel:
        names = Names(project, "logweir")
        await provisioned(channel, names)
        yield Place(channel, names)


class Modified:
    """What is asked of the deadlines, instead of asking it: (subscription, ids, seconds)."""

    def __init__(self, session: PubSubSession) -> None:
        self.calls: list[tuple[str, list[str], int]] = []
        self.error: Exception | None = None
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        session._client.modify_ack_deadline = self._modify  # type: ignore[method-assign, assignment]

    @property
    def ids(self) -> set[str]:
        """All that were named."""
        return {ack_id for _, ids, _ in self.calls for ack_id in ids}

    async def _modify(
        self, *, subscription: str, ack_ids: list[str], ack_deadline_seconds: int, **_: Any
    ) -> None:
        self.calls.append((subscription, ack_ids, ack_deadline_seconds))
        if self.meanwhile:
            await self.meanwhile()
        if self.error:
            raise self.error


def received(session: PubSubSession) -> list[HeldClaim]:
    """What has come and is not claimed."""
    return [claim for lane in session._held.received.values() for claim in lane]


async def take(session: PubSubSession, count: int, seconds: float = 5.0) -> list[HeldClaim]:
    """So many claims, once they have come."""
    await until(lambda: len(received(session)) >= count, seconds)
    claims = await session.claim(count, ANY_SIZE, 0)
    assert len(claims) == count
    return list(claims)


# ---- deliveries ----------------------------------------------------------------------------------


async def test_deliveries_are_counted_and_deaths_are_not(place: Place) -> None:
    await place.publish(a_log())
    async with place.session() as session:
        for delivery in (1, 2, 3):
            [claim] = await take(session, 1)
            assert claim.delivery.deliveries == delivery
            assert claim.delivery.unanswered is None
            assert not claim.delivery.given_up
            await session.delay(claim, 0)
        [claim] = await take(session, 1)
        await session.acknowledge(claim)


async def test_what_pub_sub_has_put_aside_says_so(place: Place) -> None:
    dead = PublishCall(place.channel)
    await dead(place.names.topic(place.names.dead), [(encode(a_log()), {})], 5)
    await place.publish(a_log(log="alive"))
    async with place.session() as session:
        claims = await take(session, 2)
        told = {str(decode(claim.delivery.raw).log): claim.delivery for claim in claims}
        assert {log: delivery.given_up for log, delivery in told.items()} == {
            "log-1": True,
            "alive": False,
        }
        assert told["log-1"].deliveries == 1  # Pub/Sub counts only under a dead-letter policy
        for claim in claims:
            await session.acknowledge(claim)


async def test_what_is_quarantined_is_never_delivered(place: Place) -> None:
    names = place.names
    async with place.session() as session:
        assert names.subscription(names.quarantine) not in session._held.received


async def test_short_logs_and_chunks_are_claimed_in_turn(place: Place) -> None:
    logs = [a_log(log=f"log-{number}") for number in range(4)]
    chunks = [a_chunk("x" * 40, number, number, number + 1) for number in range(40)]
    await place.publish(*chunks, *logs)
    async with place.session() as session:
        await until(lambda: len(received(session)) == 44)
        claims = await session.claim(8, ANY_SIZE, 0)
        kinds = [decode(claim.delivery.raw).chunk is None for claim in claims]
        assert sum(kinds) == 4, "no log waits behind the chunks"


async def test_many_acknowledgements_share_few_requests(place: Place) -> None:
    await place.publish(*(a_log(log=f"log-{number}") for number in range(500)))
    async with place.session() as session:
        claims = await take(session, 500)
        acknowledge: Any = session._client.acknowledge
        counted = []

        async def counting(**request: Any) -> None:
            counted.append(len(request["ack_ids"]))
            await acknowledge(**request)

        session._client.acknowledge = counting  # type: ignore[method-assign, assignment]
        await asyncio.gather(*(session.acknowledge(claim) for claim in claims))
        assert sum(counted) == 500
        assert len(counted) <= 4
        with pytest.raises(LeaseLost):
            await session.acknowledge(claims[0])


# ---- deadlines -----------------------------------------------------------------------------------


async def test_a_heartbeat_extends_what_is_held_and_what_is_not_claimed_yet(place: Place) -> None:
    await place.publish(a_log(), a_log(log="log-2"), a_chunk("abc", 0, 0, 2))
    async with place.session() as session:
        await until(lambda: len(received(session)) == 3)
        [held] = await session.claim(1, ANY_SIZE, 0)
        modified = Modified(session)
        await session.heartbeat()
        assert modified.ids == {held.ticket, *(claim.ticket for claim in received(session))}
        assert {seconds for _, _, seconds in modified.calls} == {10}
        for subscription, ids, _ in modified.calls:
            lane = [held, *received(session)]
            assert {c.ticket for c in lane if c.queue == subscription} == set(ids)


async def test_a_heartbeat_names_no_more_than_a_request_may(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_IDS_MAX", 7)
    await place.publish(*(a_log(log=f"log-{number}") for number in range(20)))
    async with place.session() as session:
        await until(lambda: len(received(session)) == 20)
        modified = Modified(session)
        await session.heartbeat()
        assert [len(ids) for _, ids, _ in modified.calls] == [7, 7, 6]
        assert len(modified.ids) == 20


async def test_an_idle_heartbeat_asks_nothing(place: Place) -> None:
    async with place.session() as session:
        modified = Modified(session)
        await session.heartbeat()
        assert modified.calls == []


@pytest.mark.parametrize(
    ("after_seconds", "deadline"), [(0.0, 0), (0.2, 1), (5.0, 5), (599.5, 600), (86_400.0, 600)]
)
async def test_a_delay_is_whole_seconds_and_ten_minutes_at_most(
    place: Place, after_seconds: float, deadline: int
) -> None:
    await place.publish(a_log())
    async with place.session() as session:
        [claim] = await take(session, 1)
        modified = Modified(session)
        await session.delay(claim, after_seconds)
        assert modified.calls == [(claim.queue, [claim.ticket], deadline)]


@pytest.mark.parametrize(("lease", "deadline"), [(0.5, 10), (10.0, 10), (60.5, 61), (9000.0, 600)])
async def test_a_lease_is_a_deadline_that_pub_sub_takes(
    place: Place, lease: float, deadline: int
) -> None:
    await place.publish(a_log())
    async with place.session(limits=replace(DEFAULT_LIMITS, lease_seconds=lease)) as session:
        await take(session, 1)
        modified = Modified(session)
        await session.heartbeat()
        assert [seconds for _, _, seconds in modified.calls] == [deadline]


async def test_the_lease_is_lost_once_heartbeats_have_failed_for_longer_than_it_lasts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_SECONDS", 0.0)
    clock = ManualClock()
    await place.publish(a_log())
    async with place.session(clock) as session:
        await take(session, 1)
        modified = Modified(session)
        await session.heartbeat()
        modified.error = ServiceUnavailable("no")  # type: ignore[no-untyped-call]
        for _ in range(5):
            await clock.advance(2)
            with pytest.raises(BrokerUnavailable):
                await session.heartbeat()
        modified.error = None
        await session.heartbeat()
        modified.error = ServiceUnavailable("no")  # type: ignore[no-untyped-call]
        await clock.advance(10)
        with pytest.raises(BrokerUnavailable):
            await session.heartbeat()
        await clock.advance(0.1)
        with pytest.raises(LeaseLost):
            await session.heartbeat()


async def test_a_lease_is_counted_from_the_moment_before_it_was_asked_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_SECONDS", 0.0)
    clock = ManualClock()
    await place.publish(a_log())
    async with place.session(clock) as session:
        await take(session, 1)
        modified = Modified(session)
        modified.meanwhile = lambda: clock.advance(4)  # Pub/Sub may have answered at once
        await session.heartbeat()
        modified.meanwhile = None
        modified.error = ServiceUnavailable("no")  # type: ignore[no-untyped-call]
        await clock.advance(6.1)
        with pytest.raises(LeaseLost):
            await session.heartbeat()


async def test_the_end_hands_back_what_is_held_and_what_is_not_claimed_yet(place: Place) -> None:
    await place.publish(a_log(), a_log(log="log-2"), a_chunk("abc", 0, 0, 2))
    async with place.session() as session:
        await until(lambda: len(received(session)) == 3)
        [held] = await session.claim(1, ANY_SIZE, 0)
        every = {held.ticket, *(claim.ticket for claim in received(session))}
        modified = Modified(session)
        await session.end()
        assert modified.ids == every
        assert {seconds for _, _, seconds in modified.calls} == {0}
        with pytest.raises(LeaseLost):
            await session.acknowledge(held)


async def test_an_end_that_failed_can_be_made_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_SECONDS", 0.0)
    await place.publish(a_log())
    async with place.session() as session:
        [held] = await take(session, 1)
        modified = Modified(session)
        modified.error = ServiceUnavailable("no")  # type: ignore[no-untyped-call]
        with pytest.raises(BrokerUnavailable):
            await session.end()
        modified.error = None
        modified.calls.clear()
        await session.heartbeat()
        assert modified.calls == [], "nothing is extended any more"
        await session.end()
        assert modified.calls == [(held.queue, [held.ticket], 0)]


async def test_what_is_abandoned_is_neither_extended_nor_handed_back(place: Place) -> None:
    await place.publish(a_log(), a_log(log="log-2"))
    async with place.session() as session:
        [held] = await take(session, 1)
        modified = Modified(session)
        session.abandon()
        await session.heartbeat()
        await session.end()
        assert modified.calls == []
        for call in (session.acknowledge(held), session.delay(held, 1)):
            with pytest.raises(LeaseLost):
                await call


@pytest.mark.timeout(300)
@pytest.mark.slow
async def test_what_was_not_claimed_is_kept_by_heartbeats_and_comes_when_they_end(
    place: Place,
) -> None:
    await place.publish(a_log())
    async with place.session() as session, place.session() as other:
        sessions = [session, other]
        await until(lambda: any(map(received, sessions)))
        keeper, waiting = sessions if received(session) else sessions[::-1]
        for _ in range(8):
            await asyncio.sleep(DEFAULT_LIMITS.heartbeat_seconds)
            await keeper.heartbeat()
            assert not received(waiting)
        keeper.abandon()
        # The emulator may hand it to the abandoned stream again, each time until its deadline is
        # over: so it is not always the second delivery that comes.
        [claim] = await take(waiting, 1, PATIENCE_WITH_PUBSUB)
        assert claim.delivery.deliveries >= 2
        await waiting.acknowledge(claim)


# ---- outages -------------------------------------------------------------------------------------


async def test_a_subscription_that_is_missing_is_named_by_the_claim_and_may_come_later(
    pubsub: str, project: str
) -> None:
    names = Names(project, "logweir")
    async with channel_to(pubsub) as channel:
        place = Place(channel, names)
        async with place.session() as session:
            told: set[str] = set()
            due = time.monotonic() + 5
            while not told:
                assert time.monotonic() < due
                try:
                    assert list(await session.claim(1, ANY_SIZE, 0)) == []
                except BrokerUnavailable as error:
                    told.add(str(error))
                await asyncio.sleep(0.01)
            [words] = told
            assert words.startswith(f"there is no subscription projects/{project}/subscriptions/")
            assert words.endswith(": is it deployed?")
            await provisioned(channel, names)
            await place.publish(a_log())
            await until(lambda: bool(received(session)))
            session._streams.failure = None
            [claim] = await take(session, 1)
            await session.acknowledge(claim)


async def test_a_failure_is_told_once(place: Place) -> None:
    async with place.session() as session:
        session._streams.failure = BrokerUnavailable("a stream")
        with pytest.raises(BrokerUnavailable, match="a stream"):
            await session.claim(1, ANY_SIZE, 0)
        assert list(await session.claim(1, ANY_SIZE, 0)) == []


@pytest.mark.kill
async def test_streams_open_again_after_an_outage(own_pubsub: Emulator, project: str) -> None:
    names = Names(project, "logweir")
    async with channel_to(own_pubsub.address) as channel:
        place = Place(channel, names)
        await provisioned(channel, names)
        await place.publish(a_log("before"))
        async with place.session() as session:
            [claim] = await take(session, 1)
            await session.acknowledge(claim)
            own_pubsub.stop()
            await until(lambda: session._streams.failure is not None)
            with pytest.raises(BrokerUnavailable):
                await session.claim(1, ANY_SIZE, 0)
            await asyncio.to_thread(own_pubsub.start)
            await provisioned(channel, names)
            await place.publish(a_log("after"))
            began = time.monotonic()
            await until(lambda: bool(received(session)))
            assert time.monotonic() - began < 4
            session._streams.failure = None
            [claim] = await take(session, 1)
            assert decode(claim.delivery.raw).text == "after"
