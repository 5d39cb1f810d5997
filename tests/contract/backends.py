"""The back ends that every suite here runs on. A third one adds an entry to BACK_ENDS.

What back ends may differ in is said as data, in Differences; a test asks for it by name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.reader import LocalReader
from logweir.backends.local.store import LocalStore
from logweir.backends.memory import MemoryBroker, MemoryStore
from logweir.bootstrap import Ports
from logweir.clock import Clock
from logweir.limits import DEFAULT_LIMITS


@dataclass(frozen=True)
class Differences:
    """What is not equal everywhere, and need not be."""

    leases_expire: bool  # a session that is silent for lease_seconds is lost
    outlives_its_process: bool  # what was kept is there for the next process


@dataclass(frozen=True)
class Backend:
    """A back end under test: its ports, and how a worker of it dies."""

    ports: Ports
    differences: Differences
    die: Callable[[Any], None]  # a session's process is gone; ``ports.reap`` hands back after it


@asynccontextmanager
async def memory(_directory: Path, clock: Clock) -> AsyncIterator[Backend]:
    """Dictionaries."""
    broker, store = MemoryBroker(clock), MemoryStore()

    async def reap() -> int:
        return 0

    yield Backend(
        ports=Ports(
            clock=clock,
            publisher=broker,
            store=store,
            reader=store,
            backlog=broker,
            session=broker.session,
            reap=reap,
        ),
        differences=Differences(leases_expire=False, outlives_its_process=False),
        die=lambda session: session.die(),
    )


@asynccontextmanager
async def local(directory: Path, clock: Clock) -> AsyncIterator[Backend]:
    """SQLite files."""
    broker, store = LocalBroker(directory, clock, DEFAULT_LIMITS), LocalStore(directory)
    yield Backend(
        ports=Ports(
            clock=clock,
            publisher=broker,
            store=store,
            reader=LocalReader(directory),
            backlog=broker,
            session=broker.session,
            reap=broker.reap,
        ),
        differences=Differences(leases_expire=True, outlives_its_process=True),
        die=lambda session: session.abandon(),
    )
    await broker.close()
    await store.close()


Opener = Callable[[Path, Clock], AbstractAsyncContextManager[Backend]]
BACK_ENDS: Final[dict[str, Opener]] = {"memory": memory, "local": local}
