"""Google Cloud: Pub/Sub and Firestore, or their emulators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from logweir.backends.gcp.backlog import MonitoredBacklog, UnknownBacklog
from logweir.backends.gcp.channel import open_channel
from logweir.backends.gcp.databases import Databases
from logweir.backends.gcp.ledger import FirestoreLedger
from logweir.backends.gcp.names import Names
from logweir.backends.gcp.publisher import PubSubPublisher
from logweir.backends.gcp.reader import FirestoreReader
from logweir.backends.gcp.store import FirestoreStore
from logweir.bootstrap.ports import Ports
from logweir.clock import SystemClock
from logweir.pipeline.source import Session
from logweir.settings import Settings


@asynccontextmanager
async def open_gcp(settings: Settings) -> AsyncIterator[Ports]:
    """The project of ``gcp_project``. Nothing is connected to before it is used.

    Raises Misconfigured.
    """
    clock, names = SystemClock(), Names.of(settings)
    channel = open_channel(settings)
    databases = Databases(settings)
    publisher = PubSubPublisher(channel, names)
    store = FirestoreStore(databases, clock)

    async def session() -> Session:
        # Only workers that pull load the library.
        from logweir.backends.gcp.session import PubSubSession

        return PubSubSession(channel, names, clock, settings.limits, settings.concurrency)

    async def reap() -> int:
        """Pub/Sub itself hands back what dead workers held."""
        return 0

    async def provision(push_to: str | None) -> None:
        if settings.on_emulators:
            from logweir.backends.gcp.emulator import provision

            await provision(channel, names, push_to=push_to)

    try:
        yield Ports(
            clock=clock,
            publisher=publisher,
            store=store,
            reader=FirestoreReader(databases),
            backlog=UnknownBacklog() if settings.on_emulators else MonitoredBacklog(names, clock),
            ledger=FirestoreLedger(databases),
            session=session,
            reap=reap,
            deaths=store,
            provision=provision,
        )
    finally:
        await publisher.close()
        await channel.close(None)
        await databases.close()
