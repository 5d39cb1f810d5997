"""What the commands list from Firestore."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from logweir.backends.gcp import letters, parts, paths
from logweir.backends.gcp.calls import Missing
from logweir.backends.gcp.databases import Databases
from logweir.backends.gcp.subtree import Subtree
from logweir.errors import StoreUnavailable
from logweir.ids import LogId, TenantId
from logweir.pipeline.fields import (
    LETTER_SUMMARY,
    Fields,
    document_of,
    letter_of,
    letter_summary_of,
)
from logweir.pipeline.records import DeadLetter, Document, TextKey
from logweir.pipeline.store import LetterSummary, Progress, TenantSummary

_DOCUMENTS_PAGE: Final = 50  # of up to 1 MiB
_LETTERS_PAGE: Final = 300


class FirestoreReader:
    """The Reader over Firestore."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def tenants(self) -> AsyncIterator[TenantSummary]:
        """Counted by the server; whoever has only leftovers has nothing."""
        for tenant in await self._databases.tenants():
            subtree = self._databases.of(tenant)
            documents, dead_letters, plans = await asyncio.gather(
                *(subtree.count(each) for each in (paths.DOCUMENTS, paths.LETTERS, paths.PLANS))
            )
            if documents or dead_letters or plans:
                yield TenantSummary(
                    tenant_id=tenant, documents=documents, dead_letters=dead_letters, plans=plans
                )

    async def document(self, tenant: TenantId, log: LogId) -> Document | None:
        """The head, and its parts."""
        subtree = self._databases.of(tenant)
        head = await subtree.read(paths.document(log))
        return None if head is None else await _whole(subtree, head)

    async def documents(self, tenant: TenantId) -> AsyncIterator[Document]:
        """In pages, so that a large tenant fits into memory."""
        subtree = self._databases.of(tenant)
        async for page in subtree.pages(paths.DOCUMENTS, _DOCUMENTS_PAGE):
            for head in page:
                yield await _whole(subtree, head)

    async def progress(self, tenant: TenantId, log: LogId) -> Sequence[Progress]:
        """The plans of the log, and a count for each."""
        subtree = self._databases.of(tenant)
        plans = await subtree.select(
            paths.PLANS, ("log_id", str(log)), ["sha256", "chunks", "nonce"]
        )
        return [
            Progress(
                sha256=plan["sha256"],
                chunks_done=await subtree.count(
                    paths.recorded(TextKey(tenant, log, plan["sha256"])), ("plan", plan["nonce"])
                ),
                chunks=plan["chunks"],
            )
            for plan in plans.values()
        ]

    async def letters(self, tenant: TenantId) -> AsyncIterator[LetterSummary]:
        """In pages without their texts, and the hashes of their documents beside them."""
        subtree = self._databases.of(tenant)
        # Ordered by the field: of the paths that of `a-b` comes before that of `a`.
        async for page in subtree.pages(
            paths.LETTERS, _LETTERS_PAGE, order="log_id", fields=LETTER_SUMMARY
        ):
            of_logs = {letter["log_id"]: paths.document(LogId(letter["log_id"])) for letter in page}
            heads = await subtree.read_all(list(of_logs.values()), ["sha256"])
            for letter in page:
                head = heads.get(of_logs[letter["log_id"]])
                resolved = head is not None and head["sha256"] == letter["sha256"]
                yield letter_summary_of(tenant, letter, resolved=resolved)

    async def letter(self, key: TextKey) -> DeadLetter | None:
        """The head, and its parts."""
        subtree = self._databases.of(key.tenant)
        found = await letters.find(subtree, key)
        if found is None:
            return None
        _, head = found
        try:
            return letter_of(key.tenant, head, await parts.text_of(subtree, head))
        except Missing:
            return None  # purged meanwhile

    async def purge(self, key: TextKey) -> bool:
        """Delete the letter and its parts."""
        return await letters.purge(self._databases.of(key.tenant), key)


async def _whole(subtree: Subtree, head: Fields) -> Document:
    try:
        original, modified = [
            await parts.text_of(subtree, head, name) for name in ("original_text", "modified_data")
        ]
    except Missing as error:
        # Nothing of ours deletes one: somebody's hand, or a restore that is under way.
        raise StoreUnavailable(f"{head['log_id']}: {error} is missing") from None
    return document_of(head, original, modified)
