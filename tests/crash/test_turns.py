"""What the kill tests found in the sessions of the local broker, each shown in one process."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.leases import SUSPECT_DEATHS
from logweir.backends.local.session import Session
from logweir.clock import ManualClock
from logweir.envelope import Envelope, Source, decode, sha256_of
from logweir.ids import LogId, TenantId
from logweir.limits import DEFAULT_LIMITS, MIB

LEASE_SECONDS: Final = DEFAULT_LIMITS.lease_seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def broker(tmp_path: Path, clock: ManualClock) -> AsyncIterator[LocalBroker]:
    broker = LocalBroker(tmp_path, clock, DEFAULT_LIMITS)
    yield broker
    await broker.close()


def log(name: str, clock: ManualClock) -> Envelope:
    return Envelope(
        tenant=TenantId("acme"),
        log=LogId(name),
        source=Source.JSON,
        received_at=clock.now(),
        sha256=sha256_of(name),
        characters=len(name),
        text=name,
    )


async def claimed(session: Session, in_flight: int = 0) -> list[str]:
    claims = await session.claim(10, MIB, in_flight)
    return [decode(claim.delivery.raw).log for claim in claims]


def die(session: Session) -> None:
    """As the kernel sees it: the lock is let go of."""
    assert session._lock is not None
    fcntl.flock(session._lock, fcntl.LOCK_UN)


async def test_a_heartbeat_hands_back_what_a_frozen_worker_held_too_long(
    broker: LocalBroker, clock: ManualClock
) -> None:
    frozen, living = await broker.session(), await broker.session()
    await broker.publish([log("a", clock)])
    assert await claimed(frozen) == ["a"]
    await clock.advance(LEASE_SECONDS - 1)
    await living.heartbeat()
    assert await claimed(living) == []
    await clock.advance(2)
    await living.heartbeat()
    assert await claimed(living) == ["a"]


async def test_a_heartbeat_hands_back_what_a_dead_worker_held(
    broker: LocalBroker, clock: ManualClock
) -> None:
    dead, living = await broker.session(), await broker.session()
    await broker.publish([log("a", clock)])
    assert await claimed(dead) == ["a"]
    die(dead)
    await living.heartbeat()
    assert await claimed(living) == ["a"]


async def test_a_session_begins_with_those_that_are_no_suspects(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await broker.publish([log("sick", clock)])
    for _ in range(SUSPECT_DEATHS):
        session = await broker.session()
        assert await claimed(session) == ["sick"]
        die(session)
    await broker.publish([log("healthy", clock)])
    session = await broker.session()
    (healthy,) = await session.claim(10, MIB, 0)
    assert decode(healthy.delivery.raw).log == "healthy"
    assert await claimed(session, in_flight=1) == []
    await session.acknowledge(healthy)
    assert await claimed(session) == ["sick"]
