"""The back ends that every suite here runs on. A new one adds an entry to BACK_ENDS.

What a back end need not have is said as data, in Backend.lacks: a test names what it needs by
``@needs(...)``, and where that lacks it is a strict xfail, with the reason that stands here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from tests.support.counted import CountedPublisher, CountedSession, Counts
from tests.support.shared import running_now

from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.reader import LocalReader
from logweir.backends.local.store import LocalStore
from logweir.backends.memory import MemoryBroker, MemoryLedger, MemoryStore
from logweir.bootstrap import Ports, open_ports
from logweir.clock import Clock, ManualClock, SystemClock
from logweir.limits import DEFAULT_LIMITS
from logweir.settings import load

LEASES_EXPIRE: Final = "a session that is silent for lease_seconds is lost, and refused"
OUTLIVES: Final = "what was kept outlives the process"
TELLS_DEATHS: Final = "the broker tells a worker's death from a retry"
COUNTS_QUARANTINE: Final = "the broker counts what is quarantined"
TELLS_BACKLOG: Final = "the broker tells what waits, by tenant and by log"
COUNTS_SHORT: Final = "the ledger counts texts of a single chunk too, from their 202 on"
TELLS_TOTAL: Final = "the ledger adds up exactly what all tenants have"
CLAIMS_EXACTLY: Final = "a session holds what it has claimed and nothing else"

needs = pytest.mark.needs
slow_on_clouds = pytest.mark.slow_on_clouds


class MovableClock(Clock, Protocol):
    """A clock that a test can move on; a cloud's cannot be moved, so there it waits."""

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        ...


class WallClock(SystemClock):
    """The machine's, for back ends that have a time of their own."""

    async def advance(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Backend:
    """A back end under test: its ports, and how a worker of it dies."""

    ports: Ports
    die: Callable[[Any], None]  # a session's process is gone; ``ports.reap`` hands back after it
    undone: Callable[[], Awaitable[tuple[int, int]]]  # messages that wait, and in flight
    arrival_seconds: float = 0.0  # what was published may take so long to be there
    lacks: Mapping[str, str] = field(default_factory=dict)  # what it need not have, and why


@asynccontextmanager
async def memory(_directory: Path, clock: Clock) -> AsyncIterator[Backend]:
    """Dictionaries."""
    broker, store = MemoryBroker(clock), MemoryStore()

    async def reap() -> int:
        return 0

    ports = Ports(
        clock=clock,
        publisher=broker,
        store=store,
        reader=store,
        backlog=broker,
        session=broker.session,
        reap=reap,
        deaths=store,
        ledger=MemoryLedger(broker),
    )
    in_dictionaries = "its dictionaries end with the process"
    yield Backend(
        ports=ports,
        die=lambda session: session.die(),
        undone=lambda: _undone(ports),
        lacks={LEASES_EXPIRE: in_dictionaries, OUTLIVES: in_dictionaries},
    )


@asynccontextmanager
async def local(directory: Path, clock: Clock) -> AsyncIterator[Backend]:
    """SQLite files."""
    broker, store = LocalBroker(directory, clock, DEFAULT_LIMITS), LocalStore(directory)
    ports = Ports(
        clock=clock,
        publisher=broker,
        store=store,
        reader=LocalReader(directory),
        backlog=broker,
        session=broker.session,
        reap=broker.reap,
        ledger=broker.ledger,
    )
    yield Backend(ports=ports, die=lambda session: session.abandon(), undone=lambda: _undone(ports))
    await broker.close()
    await store.close()


@asynccontextmanager
async def gcp(directory: Path, clock: Clock) -> AsyncIterator[Backend]:
    """Google's emulators; the fixture sees to it that they run."""
    named = {"LOGWEIR_BACKEND": "gcp", "LOGWEIR_GCP_PROJECT": _name_for(directory)}
    async with open_ports(load(named | running_now())) as ports:
        await ports.provision(None)
        lacks = {
            LEASES_EXPIRE: "Pub/Sub takes an acknowledgement whose deadline is over",
            TELLS_DEATHS: "Pub/Sub counts deliveries alone; a DeathCounter counts deaths",
            COUNTS_QUARANTINE: "Pub/Sub does not; Cloud Monitoring does",
            TELLS_BACKLOG: "Pub/Sub tells neither; Cloud Monitoring has sums by subscription",
            COUNTS_SHORT: "Firestore knows plans alone; Pub/Sub tells nothing of its messages",
            CLAIMS_EXACTLY: "a streaming pull brings messages before they are claimed",
        }
        yield _counted(ports, clock, lacks)


@asynccontextmanager
async def aws(directory: Path, clock: Clock) -> AsyncIterator[Backend]:
    """ministack; the fixture sees to it that it runs."""
    named = {"LOGWEIR_BACKEND": "aws", "LOGWEIR_AWS_PREFIX": _name_for(directory)}
    lease = {"LOGWEIR_LEASE_SECONDS": str(DEFAULT_LIMITS.lease_seconds)}
    async with open_ports(load(named | lease | running_now())) as ports:
        await ports.provision(None)
        lacks = {
            LEASES_EXPIRE: "SQS takes a deletion whose visibility is over",
            TELLS_DEATHS: "SQS counts deliveries alone; a DeathCounter counts deaths",
            TELLS_BACKLOG: "SQS tells sums by queue",
            COUNTS_SHORT: "the table knows plans alone; SQS tells nothing of its messages",
            TELLS_TOTAL: "SQS tells about how many chunks there are, and not how long they are",
            CLAIMS_EXACTLY: "a poll brings messages before they are claimed",
        }
        yield _counted(ports, clock, lacks)


def _name_for(directory: Path) -> str:
    return "test-" + hashlib.sha256(str(directory).encode()).hexdigest()[:20]


def _counted(ports: Ports, clock: Clock, lacks: Mapping[str, str]) -> Backend:
    """Of a broker that tells little: the tests count its messages themselves."""
    counts = Counts()

    async def undone() -> tuple[int, int]:
        return counts.undone - counts.claimed, counts.claimed

    return Backend(
        ports=replace(
            ports,
            clock=clock,
            publisher=CountedPublisher(ports.publisher, counts),
            session=CountedSession.maker(ports.session, counts),
        ),
        die=lambda session: session.abandon(),
        undone=undone,
        arrival_seconds=0.3,
        lacks=lacks,
    )


async def _undone(ports: Ports) -> tuple[int, int]:
    backlog = await ports.backlog.backlog()
    return sum(b.waiting or 0 for b in backlog), sum(b.in_flight or 0 for b in backlog)


Opener = Callable[[Path, Clock], AbstractAsyncContextManager[Backend]]


@dataclass(frozen=True)
class Kind:
    """How a back end is opened, and its time."""

    open: Opener
    clock: Callable[[], MovableClock]
    fixtures: tuple[str, ...] = ()  # what must run
    patience_seconds: float = 2.0  # until what should come does not


# The emulator of Pub/Sub goes on to hand messages to a session that is gone, every second time or
# oftener, and each stays there for a lease: nine in a row were seen.
PATIENCE_WITH_PUBSUB: Final = 24.0 * DEFAULT_LIMITS.lease_seconds

BACK_ENDS: Final = {
    "memory": Kind(memory, ManualClock),
    "local": Kind(local, ManualClock),
    "gcp": Kind(gcp, WallClock, ("emulators",), PATIENCE_WITH_PUBSUB),
    "aws": Kind(aws, WallClock, ("ministack",), 6 * DEFAULT_LIMITS.lease_seconds),
}
