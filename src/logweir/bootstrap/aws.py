"""AWS: SQS and DynamoDB, or an emulator of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from logweir.backends.aws.backlog import SqsBacklog
from logweir.backends.aws.clients import Clients
from logweir.backends.aws.ledger import DynamoLedger
from logweir.backends.aws.names import Names
from logweir.backends.aws.publisher import SqsPublisher
from logweir.backends.aws.queues import Queues
from logweir.backends.aws.reader import DynamoReader
from logweir.backends.aws.store import DynamoStore
from logweir.backends.aws.table import Table
from logweir.backends.aws.visibility import Visibility
from logweir.bootstrap.ports import Ports, longest_chunk
from logweir.clock import SystemClock
from logweir.pipeline.source import Session
from logweir.settings import Settings


@asynccontextmanager
async def open_aws(settings: Settings) -> AsyncIterator[Ports]:
    """The queues and the table of ``aws_prefix``. Nothing is connected to before it is used.

    Raises Misconfigured.
    """
    clock, names = SystemClock(), Names.of(settings)
    clients = Clients(settings)
    queues = Queues(clients.sqs, settings.aws_queue_url)
    table = Table(clients.dynamodb, names.table)
    publisher = SqsPublisher(clients.sqs, queues, names)
    store = DynamoStore(table, clock)
    backlog = SqsBacklog(clients.sqs, queues, names)

    async def session() -> Session:
        # Only workers that poll load it.
        from logweir.backends.aws.session import SqsSession

        return SqsSession(
            clients.sqs, queues, names, clock, settings.limits, (*names.queues, names.dead)
        )

    async def returned() -> Session:
        from logweir.backends.aws.session import SqsSession

        return SqsSession(clients.sqs, queues, names, clock, settings.limits, (names.dead,))

    async def reap() -> int:
        """SQS itself hands back what dead workers held."""
        return 0

    async def provision(_push_to: str | None) -> None:
        if settings.on_emulators:
            from logweir.backends.aws.emulator import provision

            await provision(clients, names)

    try:
        yield Ports(
            clock=clock,
            publisher=publisher,
            store=store,
            reader=DynamoReader(table),
            backlog=backlog,
            ledger=DynamoLedger(table, backlog, longest_chunk(settings, publisher)),
            session=session,
            reap=reap,
            deaths=store,
            provision=provision,
            returned=returned,
            hide=Visibility(clients.sqs, queues).hide,
            warm_up_store=clients.dynamodb.warm_up,
        )
    finally:
        await publisher.close()
        clients.close()
