"""PORTS Publisher, BacklogReader and Session, on every back end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.contract.backends import (
    CLAIMS_EXACTLY,
    COUNTS_QUARANTINE,
    LEASES_EXPIRE,
    OUTLIVES,
    TELLS_BACKLOG,
    TELLS_DEATHS,
    Backend,
    Kind,
    MovableClock,
    Opener,
    needs,
    slow_on_clouds,
)
from tests.contract.conftest import expect_what_lacks
from tests.support.logs import ACME, GLOBEX, LOG, a_chunk, a_log, a_plan

from logweir.bootstrap import Ports
from logweir.envelope import Envelope, decode, encode
from logweir.errors import LeaseLost
from logweir.ids import LogId
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.broker import Backlog, Whereabouts
from logweir.pipeline.source import Session
from logweir.reasons import Quarantine

ANY_SIZE = 1 << 30


# ---- Publisher -----------------------------------------------------------------------------------


async def test_what_is_published_is_delivered_as_it_was(ports: Ports) -> None:
    plan = a_plan("0123456789" * 3, 10)
    sent = [
        *(a_log("NUL \0 ESC \x1b emoji 🙂 \ufffe"), a_log(tenant=GLOBEX, attempt=3)),
        *(plan.envelope(), plan.chunk(0), plan.chunk(2)),
    ]
    await ports.publisher.publish(sent)
    assert by_bytes(await claimed(await ports.session(), len(sent))) == by_bytes(sent)


async def test_nothing_at_all_may_be_published(backend: Backend) -> None:
    await backend.ports.publisher.publish([])
    assert await backend.undone() == (0, 0)


async def test_publishing_twice_delivers_twice(ports: Ports) -> None:
    for _ in range(2):
        await ports.publisher.publish([a_log()])
    assert await claimed(await ports.session(), 2) == [a_log(), a_log()]


async def test_many_may_publish_at_once(ports: Ports) -> None:
    logs = [a_log(log=f"log-{number}") for number in range(200)]
    await asyncio.gather(*(ports.publisher.publish([log]) for log in logs))
    assert by_bytes(await claimed(await ports.session(), 200)) == by_bytes(logs)


async def test_a_message_may_be_as_large_as_the_broker_says(ports: Ports) -> None:
    most = ports.publisher.message_bytes_max
    log = a_log("x" * (most - ports.publisher.size(a_log("x" * 100_000)) + 100_000 - 10))
    assert most - 20 <= ports.publisher.size(log) <= most
    await ports.publisher.publish([log])
    assert await claimed(await ports.session(), 1) == [log]


def test_the_size_of_an_envelope_is_that_of_its_bytes(ports: Ports) -> None:
    for envelope in (a_log(), a_log("🙂"), a_chunk("abc", 0, 0, 2)):
        assert ports.publisher.size(envelope) >= len(encode(envelope))


async def test_what_is_quarantined_is_never_delivered(backend: Backend) -> None:
    await backend.ports.publisher.quarantine(b"\xff\0what", Quarantine.UNREADABLE)
    await backend.ports.publisher.quarantine(b"", Quarantine.PLAN_MISSING)
    await assert_nothing_comes(await backend.ports.session(), backend)
    assert await backend.undone() == (0, 0)


@needs(COUNTS_QUARANTINE)
async def test_what_is_quarantined_is_counted(ports: Ports) -> None:
    await ports.publisher.quarantine(b"\xff\0what", Quarantine.UNREADABLE)
    await ports.publisher.quarantine(b"", Quarantine.PLAN_MISSING)
    assert await ports.backlog.quarantined() == 2


# ---- Session -------------------------------------------------------------------------------------


@needs(CLAIMS_EXACTLY)
async def test_what_one_has_not_claimed_another_gets(backend: Backend) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log(log=f"{number}") for number in range(4)])
    one = await ports.session()
    assert len(await take(one, 3)) == 3
    two = await ports.session()
    await asyncio.sleep(backend.arrival_seconds)
    assert len(await two.claim(3, ANY_SIZE, 0)) == 1


async def test_what_one_holds_no_other_gets(backend: Backend) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log(log=f"{number}") for number in range(4)])
    one, two = await ports.session(), await ports.session()
    held: list[Any] = []
    while len(held) < 4:
        held += await one.claim(3, ANY_SIZE, 0)
        held += await two.claim(3, ANY_SIZE, 0)
        await asyncio.sleep(0.01)
    assert len({claim.delivery.raw for claim in held}) == 4
    await assert_nothing_comes(one, backend)
    await assert_nothing_comes(two, backend)


async def test_what_is_acknowledged_is_gone(backend: Backend) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log()])
    session = await ports.session()
    (held,) = await take(session, 1)
    assert held.delivery.deliveries == 1
    assert held.delivery.unanswered in (0, None)
    await session.acknowledge(held)
    with pytest.raises(LeaseLost):
        await session.acknowledge(held)
    with pytest.raises(LeaseLost):
        await session.delay(held, 1)
    await session.end()
    await assert_nothing_comes(await ports.session(), backend)


async def test_what_is_delayed_comes_again_when_its_time_is_over(
    backend: Backend, clock: MovableClock
) -> None:
    await backend.ports.publisher.publish([a_log()])
    session = await backend.ports.session()
    (held,) = await take(session, 1)
    await session.delay(held, 5.0)
    with pytest.raises(LeaseLost):
        await session.acknowledge(held)
    await clock.advance(4.5)
    assert list(await session.claim(1, ANY_SIZE, 0)) == []
    await clock.advance(0.6)
    (again,) = await take(session, 1)
    assert again.delivery.deliveries == 2
    assert again.delivery.unanswered in (0, None)
    assert again.delivery.raw == held.delivery.raw


@slow_on_clouds
async def test_what_a_session_hands_back_counts_no_death(ports: Ports) -> None:
    await ports.publisher.publish([a_log()])
    session = await ports.session()
    (held,) = await take(session, 1)
    await session.end()
    other = await ports.session()
    (again,) = await take(other, 1)
    assert again.delivery.unanswered in (0, None)
    with pytest.raises(LeaseLost):
        await session.acknowledge(held)
    await other.acknowledge(again)


@needs(TELLS_DEATHS)
async def test_what_a_dead_worker_held_is_delivered_again_and_counts_a_death(
    backend: Backend,
) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log()])
    for death in range(3):
        session = await ports.session()
        (held,) = await take(session, 1)
        assert (held.delivery.deliveries, held.delivery.unanswered) == (death + 1, death)
        backend.die(session)
        await ports.reap()


@slow_on_clouds
async def test_what_a_dead_worker_had_answered_stays_answered(backend: Backend) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log(log=f"{number}") for number in range(3)])
    session = await ports.session()
    held = await take(session, 3)
    await session.acknowledge(held[0])
    await session.delay(held[1], 500)
    backend.die(session)
    await ports.reap()
    other = await ports.session()
    (again,) = await take(other, 1)
    assert again.delivery.raw == held[2].delivery.raw
    await assert_nothing_comes(other, backend)


@slow_on_clouds
@needs(LEASES_EXPIRE)
async def test_a_silent_session_loses_its_lease(ports: Ports, clock: MovableClock) -> None:
    await ports.publisher.publish([a_log()])
    silent = await ports.session()
    (held,) = await take(silent, 1)
    await clock.advance(DEFAULT_LIMITS.lease_seconds)
    other = await ports.session()
    (again,) = await take(other, 1)
    for call in (silent.acknowledge(held), silent.delay(held, 1), silent.heartbeat()):
        with pytest.raises(LeaseLost):
            await call
    silent.abandon()
    await other.acknowledge(again)


@slow_on_clouds
async def test_a_heartbeat_keeps_what_is_held(backend: Backend, clock: MovableClock) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log()])
    session = await ports.session()
    (held,) = await take(session, 1)
    for _ in range(7):
        await clock.advance(DEFAULT_LIMITS.heartbeat_seconds)
        await session.heartbeat()
        await ports.reap()
    await assert_nothing_comes(await ports.session(), backend)
    await session.acknowledge(held)


async def test_a_claim_is_bounded_by_slots_and_bytes(backend: Backend) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log("x" * 10_000, log=f"{number}") for number in range(10)])
    session = await ports.session()
    await asyncio.sleep(backend.arrival_seconds)
    assert list(await session.claim(0, ANY_SIZE, 0)) == []
    assert list(await session.claim(5, 0, 0)) == []
    assert len(await session.claim(2, ANY_SIZE, 0)) == 2
    assert len(await session.claim(10, 15_000, 0)) == 2, "of the size, or one more"
    assert len(await session.claim(100, ANY_SIZE, 0)) == 6


# ---- BacklogReader -------------------------------------------------------------------------------


@needs(TELLS_BACKLOG)
async def test_the_backlog_says_what_waits_and_what_is_in_flight(
    ports: Ports, clock: MovableClock
) -> None:
    await ports.publisher.publish([a_log(log="1"), a_log(log="2")])
    await clock.advance(3)
    await ports.publisher.publish([a_log(tenant=GLOBEX), a_chunk("abc", 0, 0, 2)])
    assert list(await ports.backlog.backlog()) == [
        Backlog(tenant=ACME, waiting=3, in_flight=0, oldest_seconds=3.0),
        Backlog(tenant=GLOBEX, waiting=1, in_flight=0, oldest_seconds=0.0),
    ]
    session = await ports.session()
    held = await session.claim(100, ANY_SIZE, 0)
    assert list(await ports.backlog.backlog()) == [
        Backlog(tenant=ACME, waiting=0, in_flight=3, oldest_seconds=None),
        Backlog(tenant=GLOBEX, waiting=0, in_flight=1, oldest_seconds=None),
    ]
    for claim in held:
        await session.acknowledge(claim)
    assert list(await ports.backlog.backlog()) == []


@needs(TELLS_BACKLOG)
async def test_what_is_delayed_waits_also_for_those_who_only_look(ports: Ports) -> None:
    await ports.publisher.publish([a_log()])
    session = await ports.session()
    (held,) = await session.claim(1, ANY_SIZE, 0)
    await session.delay(held, 50)
    for _ in range(2):
        assert list(await ports.backlog.backlog()) == [
            Backlog(tenant=ACME, waiting=1, in_flight=0, oldest_seconds=0.0)
        ]
        await ports.session()  # a worker that starts forgets nobody


@needs(TELLS_BACKLOG)
async def test_a_log_can_be_located(ports: Ports) -> None:
    plan = a_plan("0123456789" * 3, 10, log="long")
    await ports.publisher.publish([a_log(), *(plan.chunk(index) for index in range(3))])
    await ports.publisher.publish([a_log(tenant=GLOBEX, log="long")])
    nowhere = Whereabouts(waiting=0, in_flight=0)
    assert await ports.backlog.locate(ACME, LogId("long")) == Whereabouts(waiting=3, in_flight=0)
    assert await ports.backlog.locate(ACME, LOG) == Whereabouts(waiting=1, in_flight=0)
    assert await ports.backlog.locate(GLOBEX, LOG) == nowhere
    session = await ports.session()
    held = await session.claim(100, ANY_SIZE, 0)
    assert await ports.backlog.locate(ACME, LogId("long")) == Whereabouts(waiting=0, in_flight=3)
    for claim in held:
        await session.acknowledge(claim)
    assert await ports.backlog.locate(ACME, LogId("long")) == nowhere


@slow_on_clouds
@needs(OUTLIVES)
async def test_what_was_published_outlives_the_process(
    opener: Opener, tmp_path: Path, clock: MovableClock, request: pytest.FixtureRequest
) -> None:
    async with opener(tmp_path, clock) as before:
        expect_what_lacks(request, before)
        await before.ports.publisher.publish([a_log(log="1"), a_log(log="2")])
        session = await before.ports.session()
        await take(session, 1)
        before.die(session)
    async with opener(tmp_path, clock) as after:
        assert len(await claimed(await after.ports.session(), 2)) == 2


# ---- what the tests say in words -----------------------------------------------------------------


@pytest.fixture(autouse=True)
def patience(kind: Kind) -> None:
    """How long ``take`` waits on this back end."""
    Patience.seconds = kind.patience_seconds


class Patience:
    """Of the test that runs."""

    seconds = 0.0


async def take(session: Session, count: int) -> list[Any]:
    """So many claims, once they have come: at the latest when a dead worker's lease is over."""
    claims: list[Any] = []
    deadline = time.monotonic() + Patience.seconds
    while len(claims) < count and time.monotonic() < deadline:
        claims += await session.claim(count - len(claims), ANY_SIZE, 0)
        await asyncio.sleep(0.001)
    assert len(claims) == count
    return claims


async def claimed(session: Session, count: int) -> list[Envelope]:
    """What so many claims hold; and no more comes at once."""
    claims = await take(session, count)
    assert list(await session.claim(1, ANY_SIZE, 0)) == []
    return [decode(claim.delivery.raw) for claim in claims]


async def assert_nothing_comes(session: Session, backend: Backend) -> None:
    """Nothing, as long as it takes to come."""
    await asyncio.sleep(backend.arrival_seconds)
    assert list(await session.claim(1, ANY_SIZE, 0)) == []


def by_bytes(envelopes: Sequence[Envelope]) -> list[bytes]:
    """In an order of their own: a broker promises none."""
    return sorted(encode(envelope) for envelope in envelopes)
