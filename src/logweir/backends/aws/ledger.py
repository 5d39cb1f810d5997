"""How much work the table knows of: an item of a few bytes for each plan, which a gateway adds up.

A plan is there from when a worker has begun with a long text until that is done, and counts whole
until then. What is still in the queue is not seen: each short log is a chunk of work at most, and
a long one is planned as soon as a worker has it. Of all tenants together, the queue of the chunks
tells how many there are, approximately.
"""

from __future__ import annotations

from logweir.backends.aws.backlog import SqsBacklog
from logweir.backends.aws.partition import Partitions
from logweir.backends.aws.table import Table
from logweir.ids import TenantId
from logweir.pipeline.broker import Lane


class DynamoLedger:
    """The WorkLedger of AWS."""

    period_seconds = 10.0
    counts_short = False

    def __init__(self, table: Table, backlog: SqsBacklog, chunk_characters: int | None) -> None:
        """``chunk_characters``: of a chunk at most; None where nothing is cut."""
        self._partitions = Partitions(table)
        self._backlog = backlog
        self._chunk_characters = chunk_characters

    async def total(self) -> int | None:
        """One request to SQS; None where chunks and logs share a queue."""
        if self._chunk_characters is None:
            return None
        messages = await self._backlog.messages_of(Lane.CHUNK)
        return None if messages is None else messages * self._chunk_characters

    async def of(self, tenant: TenantId) -> int:
        """A query, of half a read unit for each 4 KB: some 40 plans."""
        return await self._partitions.work(tenant).characters()
