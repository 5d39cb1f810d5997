"""PORTS Publisher, BacklogReader and Session, on every back end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.contract.backends import Backend, Opener
from tests.support.logs import ACME, GLOBEX, LOG, a_chunk, a_log, a_plan

from logweir.bootstrap import Ports
from logweir.clock import ManualClock
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
    session = await ports.session()
    assert by_bytes(await claimed(session)) == by_bytes(sent)


async def test_nothing_at_all_may_be_published(ports: Ports) -> None:
    await ports.publisher.publish([])
    assert list(await ports.backlog.backlog()) == []


async def test_publishing_twice_delivers_twice(ports: Ports) -> None:
    for _ in range(2):
        await ports.publisher.publish([a_log()])
    assert await claimed(await ports.session()) == [a_log(), a_log()]


async def test_many_may_publish_at_once(ports: Ports) -> None:
    logs = [a_log(log=f"log-{number}") for number in range(200)]
    await asyncio.gather(*(ports.publisher.publish([log]) for log in logs))
    assert by_bytes(await claimed(await ports.session())) == by_bytes(logs)


async def test_a_message_may_be_as_large_as_the_broker_says(ports: Ports) -> None:
    most = ports.publisher.message_bytes_max
    log = a_log("x" * (most - ports.publisher.size(a_log("x" * 100_000)) + 100_000 - 10))
    assert most - 20 <= ports.publisher.size(log) <= most
    await ports.publisher.publish([log])
    assert await claimed(await ports.session()) == [log]


def test_the_size_of_an_envelope_is_that_of_its_bytes(ports: Ports) -> None:
    for envelope in (a_log(), a_log("🙂"), a_chunk("abc", 0, 0, 2)):
        assert ports.publisher.size(envelope) >= len(encode(envelope))


async def test_what_is_quarantined_is_kept_and_never_delivered(ports: Ports) -> None:
    await ports.publisher.quarantine(b"\xff\0what", Quarantine.UNREADABLE)
    await ports.publisher.quarantine(b"", Quarantine.PLAN_MISSING)
    assert await ports.backlog.quarantined() == 2
    assert await claimed(await ports.session()) == []
    assert list(await ports.backlog.backlog()) == []


# ---- Session -------------------------------------------------------------------------------------


async def test_what_one_holds_no_other_gets(ports: Ports) -> None:
    await ports.publisher.publish([a_log(log=f"{number}") for number in range(4)])
    one, two = await ports.session(), await ports.session()
    assert len(await one.claim(3, ANY_SIZE, 0)) == 3
    assert len(await two.claim(3, ANY_SIZE, 0)) == 1
    assert list(await one.claim(3, ANY_SIZE, 3)) == []


async def test_what_is_acknowledged_is_gone(backend: Backend) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log()])
    session = await ports.session()
    (held,) = await session.claim(1, ANY_SIZE, 0)
    assert (held.delivery.deliveries, held.delivery.unanswered) == (1, 0)
    await session.acknowledge(held)
    with pytest.raises(LeaseLost):
        await session.acknowledge(held)
    with pytest.raises(LeaseLost):
        await session.delay(held, 1)
    await session.end()
    assert await claimed(await ports.session()) == []


async def test_what_is_delayed_comes_again_when_its_time_is_over(
    ports: Ports, clock: ManualClock
) -> None:
    await ports.publisher.publish([a_log()])
    session = await ports.session()
    (held,) = await session.claim(1, ANY_SIZE, 0)
    await session.delay(held, 5.0)
    with pytest.raises(LeaseLost):
        await session.acknowledge(held)
    await clock.advance(4.9)
    assert list(await session.claim(1, ANY_SIZE, 0)) == []
    await clock.advance(0.2)
    (again,) = await session.claim(1, ANY_SIZE, 0)
    assert (again.delivery.deliveries, again.delivery.unanswered) == (2, 0)
    assert again.delivery.raw == held.delivery.raw


async def test_what_a_session_hands_back_counts_no_death(ports: Ports) -> None:
    await ports.publisher.publish([a_log()])
    session = await ports.session()
    (held,) = await session.claim(1, ANY_SIZE, 0)
    await session.end()
    other = await ports.session()
    (again,) = await other.claim(1, ANY_SIZE, 0)
    assert again.delivery.unanswered == 0
    with pytest.raises(LeaseLost):
        await session.acknowledge(held)
    await other.acknowledge(again)


async def test_what_a_dead_worker_held_is_delivered_again_and_counts_a_death(
    backend: Backend,
) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log()])
    for death in range(3):
        session = await ports.session()
        (held,) = await session.claim(1, ANY_SIZE, 0)
        assert (held.delivery.deliveries, held.delivery.unanswered) == (death + 1, death)
        backend.die(session)
        await ports.reap()


async def test_what_a_dead_worker_had_answered_stays_answered(backend: Backend) -> None:
    ports = backend.ports
    await ports.publisher.publish([a_log(log=f"{number}") for number in range(3)])
    session = await ports.session()
    held = await session.claim(3, ANY_SIZE, 0)
    await session.acknowledge(held[0])
    await session.delay(held[1], 50)
    backend.die(session)
    await ports.reap()
    again = await claimed(await ports.session())
    assert by_bytes(again) == [held[2].delivery.raw]


async def test_a_silent_session_loses_its_lease(backend: Backend, clock: ManualClock) -> None:
    if not backend.differences.leases_expire:
        pytest.skip("declared: leases of this back end end only with the worker")
    ports = backend.ports
    await ports.publisher.publish([a_log()])
    silent = await ports.session()
    (held,) = await silent.claim(1, ANY_SIZE, 0)
    await clock.advance(DEFAULT_LIMITS.lease_seconds)
    other = await ports.session()
    (again,) = await other.claim(1, ANY_SIZE, 0)
    for call in (silent.acknowledge(held), silent.delay(held, 1), silent.heartbeat()):
        with pytest.raises(LeaseLost):
            await call
    silent.abandon()
    await other.acknowledge(again)


async def test_a_heartbeat_keeps_what_is_held(ports: Ports, clock: ManualClock) -> None:
    await ports.publisher.publish([a_log()])
    session = await ports.session()
    (held,) = await session.claim(1, ANY_SIZE, 0)
    for _ in range(20):
        await clock.advance(DEFAULT_LIMITS.heartbeat_seconds)
        await session.heartbeat()
        await ports.reap()
    await session.acknowledge(held)


async def test_a_claim_is_bounded_by_slots_and_bytes(ports: Ports) -> None:
    await ports.publisher.publish([a_log("x" * 10_000, log=f"{number}") for number in range(10)])
    session = await ports.session()
    assert list(await session.claim(0, ANY_SIZE, 0)) == []
    assert list(await session.claim(5, 0, 0)) == []
    assert len(await session.claim(2, ANY_SIZE, 0)) == 2
    assert len(await session.claim(10, 15_000, 0)) == 2, "of the size, or one more"
    assert len(await session.claim(100, ANY_SIZE, 0)) == 6


# ---- BacklogReader -------------------------------------------------------------------------------


async def test_the_backlog_says_what_waits_and_what_is_in_flight(
    ports: Ports, clock: ManualClock
) -> None:
    await ports.publisher.publish([a_log(log="1"), a_log(log="2")])
    await clock.advance(30)
    await ports.publisher.publish([a_log(tenant=GLOBEX), a_chunk("abc", 0, 0, 2)])
    assert list(await ports.backlog.backlog()) == [
        Backlog(tenant=ACME, waiting=3, in_flight=0, oldest_seconds=30.0),
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


async def test_what_was_published_outlives_the_process(
    opener: Opener, tmp_path: Path, clock: ManualClock
) -> None:
    async with opener(tmp_path, clock) as before:
        if not before.differences.outlives_its_process:
            pytest.skip("declared: nothing outlives the process")
        await before.ports.publisher.publish([a_log(log="1"), a_log(log="2")])
        await before.ports.publisher.quarantine(b"?", Quarantine.UNREADABLE)
        session = await before.ports.session()
        await session.claim(1, ANY_SIZE, 0)
        before.die(session)
    async with opener(tmp_path, clock) as after:
        assert len(await claimed(await after.ports.session())) == 2
        assert await after.ports.backlog.quarantined() == 1


async def claimed(session: Session) -> list[Envelope]:
    """All that waits."""
    claims: Sequence[Any] = await session.claim(1000, ANY_SIZE, 0)
    return [decode(claim.delivery.raw) for claim in claims]


def by_bytes(envelopes: Sequence[Envelope]) -> list[bytes]:
    """In an order of their own: a broker promises none."""
    return sorted(encode(envelope) for envelope in envelopes)
