"""What the commands list from DynamoDB: by queries, never by a scan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from logweir.backends.aws import keys, letters, parts, recorded
from logweir.backends.aws.calls import Missing
from logweir.backends.aws.partition import Partition, Partitions
from logweir.backends.aws.table import Table
from logweir.errors import StoreUnavailable
from logweir.ids import LogId, TenantId
from logweir.pipeline.fields import (
    LETTER_SUMMARY,
    Fields,
    document_of,
    letter_summary_of,
)
from logweir.pipeline.records import DeadLetter, Document, TextKey
from logweir.pipeline.store import LetterSummary, Progress, TenantSummary


class DynamoReader:
    """The Reader over DynamoDB."""

    def __init__(self, table: Table) -> None:
        self._partitions = Partitions(table)

    async def tenants(self) -> AsyncIterator[TenantSummary]:
        """Counted by reading all, as DynamoDB counts; whoever has only leftovers has nothing."""
        async for tenant in self._partitions.tenants():
            partition = self._partitions.of(tenant)
            documents, dead_letters, plans = await asyncio.gather(
                *(partition.count(each) for each in (keys.DOCUMENTS, keys.LETTERS, keys.PLANS))
            )
            if documents or dead_letters or plans:
                yield TenantSummary(
                    tenant_id=tenant, documents=documents, dead_letters=dead_letters, plans=plans
                )

    async def document(self, tenant: TenantId, log: LogId) -> Document | None:
        """The head, and its parts."""
        partition = self._partitions.of(tenant)
        head = await partition.read(keys.document(log))
        return None if head is None else await _whole(partition, head)

    async def documents(self, tenant: TenantId) -> AsyncIterator[Document]:
        """In pages, so that a large tenant fits into memory."""
        partition = self._partitions.of(tenant)
        async for page in partition.pages(keys.DOCUMENTS):
            for head in page:
                yield await _whole(partition, head)

    async def progress(self, tenant: TenantId, log: LogId) -> Sequence[Progress]:
        """The plans of the log, and a count for each."""
        partition = self._partitions.of(tenant)
        return [
            Progress(
                sha256=plan["sha256"],
                chunks_done=await recorded.count(
                    partition, TextKey(tenant, log, plan["sha256"]), plan["nonce"]
                ),
                chunks=plan["chunks"],
            )
            async for page in partition.pages(keys.plans(log), ["sha256", "chunks", "nonce"])
            for plan in page
        ]

    async def letters(self, tenant: TenantId) -> AsyncIterator[LetterSummary]:
        """In pages without their texts, and the hashes of their documents beside them."""
        partition = self._partitions.of(tenant)
        async for page in partition.pages(keys.LETTERS, LETTER_SUMMARY):
            of_logs = {letter["log_id"]: keys.document(LogId(letter["log_id"])) for letter in page}
            heads = await partition.read_many(of_logs.values(), ["sha256"])
            for letter in page:
                head = heads.get(of_logs[letter["log_id"]])
                resolved = head is not None and head["sha256"] == letter["sha256"]
                yield letter_summary_of(tenant, letter, resolved=resolved)

    async def letter(self, key: TextKey) -> DeadLetter | None:
        """The head, and its parts."""
        return await letters.find(self._partitions.of(key.tenant), key)

    async def purge(self, key: TextKey) -> bool:
        """Delete the letter and its parts."""
        return await letters.purge(self._partitions.of(key.tenant), key)


async def _whole(partition: Partition, head: Fields) -> Document:
    try:
        original, modified = [
            await parts.text_by_content(partition, head, name)
            for name in ("original_text", "modified_data")
        ]
    except Missing as error:
        # Nothing of ours deletes one: somebody's hand, or a restore that is under way.
        raise StoreUnavailable(f"{head['log_id']}: {error} is missing") from None
    return document_of(head, original, modified)
