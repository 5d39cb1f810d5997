"""The composition root: Settings -> ports. The only module that names back ends.

gateway  ->  Planner                            accepts, and hands over
worker   ->  Consumer, and a maker of sessions  claims, and consumes
commands ->  Reader, BacklogReader, Planner     look, and publish again
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from logweir.clock import Clock, SystemClock
from logweir.errors import Misconfigured
from logweir.pipeline.broker import BacklogReader, Publisher
from logweir.pipeline.consume import Consumer
from logweir.pipeline.plan import Planner, chunk_characters
from logweir.pipeline.source import Session
from logweir.pipeline.store import Reader, Store
from logweir.pipeline.work import PooledWork, SimulatedWork, Work
from logweir.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """A back end, ready for use."""

    clock: Clock
    publisher: Publisher
    store: Store
    reader: Reader
    backlog: BacklogReader
    session: Callable[[], Awaitable[Session]]
    reap: Callable[[], Awaitable[int]]


@asynccontextmanager
async def open_ports(settings: Settings, *, create: bool = True) -> AsyncIterator[Ports]:
    """The back end that the settings name; closed on leaving. Raises Misconfigured.

    Without ``create`` it must have data: who only looks makes none.
    """
    from logweir.backends.local.broker import LocalBroker
    from logweir.backends.local.reader import LocalReader
    from logweir.backends.local.store import LocalStore

    clock = SystemClock()
    if create:
        _make_private(settings.data_dir)
    elif not settings.data_dir.is_dir():
        raise Misconfigured(
            f"LOGWEIR_DATA_DIR, --data-dir: there is no directory {settings.data_dir.absolute()}"
        )
    elif not _has_data(settings.data_dir):
        raise Misconfigured(
            "LOGWEIR_DATA_DIR, --data-dir: there is no Logweir data in"
            f" {settings.data_dir.absolute()}"
        )
    try:
        broker = LocalBroker(settings.data_dir, clock, settings.limits)
        store = LocalStore(settings.data_dir)
    except OSError as error:
        raise _unusable(settings.data_dir, error) from error
    try:
        yield Ports(
            clock=clock,
            publisher=broker,
            store=store,
            reader=LocalReader(settings.data_dir),
            backlog=broker,
            session=broker.session,
            reap=broker.reap,
        )
    finally:
        await broker.close()
        await store.close()


def planner(settings: Settings, store: Store, publisher: Publisher) -> Planner:
    """What cuts long texts, by the settings and by what the broker can hold."""
    return Planner(
        store,
        publisher,
        chunk_characters(
            settings.chunk_seconds, settings.seconds_per_character, publisher.message_bytes_max
        ),
    )


def consumer(settings: Settings, ports: Ports, work: Work) -> Consumer:
    """What becomes of deliveries."""
    return Consumer(
        store=ports.store,
        publisher=ports.publisher,
        planner=planner(settings, ports.store, ports.publisher),
        work=work,
        clock=ports.clock,
        limits=settings.limits,
    )


@contextmanager
def closing_work(settings: Settings, clock: Clock) -> Iterator[Work]:
    """The simulated job, or the user's function. Raises Misconfigured where there is none."""
    if settings.work is None:
        yield SimulatedWork(clock, settings.seconds_per_character)
        return
    work = PooledWork(settings.work)
    try:
        yield work
    finally:
        work.close()


def _has_data(data_dir: Path) -> bool:
    # A gateway that has accepted nothing yet has only made the two directories.
    return (data_dir / "broker.sqlite3").exists() or all(
        (data_dir / name).is_dir() for name in ("leases", "tenants")
    )


def _make_private(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(data_dir, error) from error


def _unusable(data_dir: Path, error: OSError) -> Misconfigured:
    return Misconfigured(
        f"LOGWEIR_DATA_DIR, --data-dir: {data_dir.absolute()} cannot be used: {error.strerror}"
    )
