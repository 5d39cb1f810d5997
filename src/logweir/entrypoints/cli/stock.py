"""What the checker is to be told of the store and the broker, through the ports alone.

It is read when the backlog is drained. One that counts by tenant knows that; one that counts by
lane counts other tenants' messages too, and a cloud's numbers may be a minute old. Then all that
was accepted must be there, or the time be over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from logweir.errors import Misconfigured
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, TextKey
from logweir.pipeline.store import Found
from logweir.verify.accepted import unfinished
from logweir.verify.evidence import Answer, Leftovers, Letter, Sent
from logweir.verify.evidence import Document as StoredDocument
from logweir.verify.inspection import Inspection
from logweir.verify.read_history import History
from logweir.verify.rules import Rules

if TYPE_CHECKING:
    from logweir.bootstrap import Ports

_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Where a history's logs went. ``others``: look at the other tenants' places too."""

    ports: Ports
    history: History
    rules: Rules
    others: bool

    async def drained(
        self, wait_seconds: float, show: Callable[[str], None]
    ) -> tuple[Inspection, Leftovers]:
        """What is stored once nothing is under way, or after so long. Raises Unavailable."""
        clock = self.ports.clock
        deadline = clock.monotonic() + wait_seconds
        missing = [sent for sent in self.history.sent if sent.answer is Answer.OK]
        while True:
            began = clock.monotonic()
            is_over = began >= deadline
            messages, are_ours = await self._messages()
            # The whole store is read where that may be the end of it: it may be large, and cost.
            may_be_done = not messages if are_ours else await self._is_kept(missing[-1:])
            if is_over or may_be_done:
                seen = await self._inspected(show)
                missing = unfinished(self.history.sent, seen)
                if not missing and not are_ours:
                    messages = 0  # whatever there is in the lanes is others'
                if is_over or not missing or are_ours:
                    return seen, Leftovers(messages=messages, looked_at=clock.now())
            show(f"waiting for the backlog: {'' if messages is None else f'{messages:,} '}messages")
            # A look at a large store takes long: it must not do so all the time.
            now = clock.monotonic()
            pause = max(_POLL_SECONDS, 2 * (now - began))
            await clock.sleep(max(0.0, min(pause, deadline - now)))

    async def _is_kept(self, sent: Sequence[Sent]) -> bool:
        """Are these done, each as a document or a dead letter?"""
        for each in sent:
            if each.log is not None:
                key = TextKey(TenantId(each.tenant), LogId(each.log), each.sha256)
                if await self.ports.store.find(key) is Found.SAME:
                    continue
                if not await self.ports.store.buried(key):
                    return False
        return True

    async def _messages(self) -> tuple[int | None, bool]:
        """How many are under way, None where the broker does not tell; are they our tenants'?"""
        backlog = await self.ports.backlog.backlog()
        if any(each.lane for each in backlog):
            counts = [n for each in backlog for n in (each.waiting, each.in_flight)]
            return (None if None in counts else sum(filter(None, counts))), False
        ours = [each for each in backlog if each.tenant in self.history.tenants]
        return sum((each.waiting or 0) + (each.in_flight or 0) for each in ours), True

    async def _inspected(self, show: Callable[[str], None]) -> Inspection:
        seen = Inspection(self.rules, self.history.sent)
        for tenant in sorted(await self._tenants()):
            show(f"reading what {tenant} has")
            try:
                async for document in self.ports.reader.documents(tenant):
                    seen.see([_document(tenant, document)])
            except Misconfigured as error:  # a damaged one ends the list
                if not await self._see_one_by_one(seen, tenant):
                    seen.damaged(tenant, None, str(error))
            async for summary in self.ports.reader.letters(tenant):
                try:
                    letter = await self.ports.reader.letter(summary.key)
                except Misconfigured as error:
                    seen.damaged(tenant, summary.key.log, str(error))
                    continue
                if letter:
                    seen.see([_letter(tenant, letter)])
        return seen

    async def _see_one_by_one(self, seen: Inspection, tenant: TenantId) -> int:
        """What a tenant has of the history, by the ids: how many of these are damaged?"""
        damaged = 0
        known = {record.log for record in seen.documents if record.place == tenant}
        sent = {each.log for each in self.history.sent if each.log and each.tenant == tenant}
        for log in sorted(sent - known):
            try:
                document = await self.ports.reader.document(tenant, LogId(log))
            except Misconfigured as error:
                seen.damaged(tenant, log, str(error))
                damaged += 1
                continue
            if document:
                seen.see([_document(tenant, document)])
        return damaged

    async def _tenants(self) -> Collection[TenantId]:
        if not self.others:
            return self.history.tenants
        return [summary.tenant_id async for summary in self.ports.reader.tenants()]


def _document(place: TenantId, document: Document) -> StoredDocument:
    return StoredDocument(
        place=place,
        tenant=document.tenant_id,
        log=document.log_id,
        source=document.source.value,
        text=document.original_text,
        modified=document.modified_data,
        sha256=document.sha256,
        characters=document.characters,
        received_at=document.received_at,
        processed_at=document.processed_at,
        rules_version=document.rules_version,
    )


def _letter(place: TenantId, letter: DeadLetter) -> Letter:
    return Letter(
        place=place,
        tenant=letter.tenant_id,
        log=letter.log_id,
        source=letter.source.value,
        text=letter.text,
        sha256=letter.sha256,
        characters=letter.characters,
        reason=letter.reason.value,
    )
