"""The store on AWS: one table of DynamoDB. Create-only writes and sets of numbers, no transactions.

What has parts is written parts first, then the head that names them; what is forgotten goes head
first. So no head is ever without its parts, and what a crash leaves behind is never read: it
carries another nonce, and ends by itself.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final

from logweir.backends.aws import keys, letters, parts, recorded
from logweir.backends.aws.calls import Exists, Missing, Unmet
from logweir.backends.aws.partition import Partition, Partitions
from logweir.backends.aws.table import Table
from logweir.clock import Clock
from logweir.errors import StoreUnavailable
from logweir.pipeline.fields import Fields, document_fields, plan_fields, plan_of
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.pipeline.store import Found, Stored

# Twice the time that SQS can keep a message. DynamoDB's TTL removes what is older.
_KEPT: Final = timedelta(days=28)
_PLAN_TRIES: Final = 3
_HEAD: Final = ("log_id", "nonce", "chunks", "text_parts")


class DynamoStore:
    """Store and DeathCounter."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._partitions = Partitions(table)
        self._clock = clock

    async def find(self, key: TextKey) -> Found:
        """One read, of the hash alone."""
        head = await self._of(key).read(keys.document(key.log), ["sha256"])
        if head is None:
            return Found.ABSENT
        return Found.SAME if head["sha256"] == key.sha256 else Found.OTHER

    async def create(self, document: Document) -> Stored:
        """The parts, if there must be some; then the head, which only one can create."""
        partition = self._of(document.key)
        fields = document_fields(document)
        texts = {
            "original_text": document.original_text,
            "modified_data": document.modified_data,
        }
        if parts.fit(*texts.values()):
            fields |= texts
        else:
            fields |= await parts.save_by_content(partition, document.log_id, texts)
        try:
            await partition.create(keys.document(document.log_id), fields)
        except Exists:
            # Perhaps by a try of ours whose answer was lost: then it is the same.
            found = await self.find(document.key)
            return Stored.SAME if found is Found.SAME else Stored.OTHER
        return Stored.CREATED

    async def plan(self, plan: Plan) -> Plan:
        """The parts; then the head, which only one can create, and which every chunk reads."""
        partition = self._of(plan.key)
        for _ in range(_PLAN_TRIES):  # where it is forgotten between a write and a read
            if stored := await self.load(plan.key):  # parts are not written in vain
                return stored
            # Before the head, so that no plan is without it; what a crash leaves ends by itself.
            await partition.work.note(plan.key, len(plan.text), marks=self._expiring())
            if await parts.create_whole(
                partition,
                keys.plan(plan.key),
                plan_fields(plan),
                plan.text,
                inline=False,
                marks=self._expiring(),
            ):
                return plan
        raise StoreUnavailable("the plan comes and goes")

    async def load(self, key: TextKey) -> Plan | None:
        """The head, and its parts."""
        partition = self._of(key)
        head = await partition.read(keys.plan(key))
        if head is None:
            return None
        try:
            return plan_of(key.tenant, head, await parts.text_of(partition, head))
        except Missing:
            # Forgotten meanwhile, or the TTL took its parts first: then nobody could plan again.
            await parts.delete_head(partition, keys.plan(key), head)
            return None

    async def mark_sent(self, key: TextKey) -> None:
        """One field of the head."""
        with suppress(Unmet):
            await self._of(key).update(keys.plan(key), {"sent": True})

    async def recorded(self, key: TextKey) -> frozenset[int] | None:
        """Those of this plan: an earlier one of the text may have left some."""
        partition = self._of(key)
        head = await self._head(partition, key)
        return None if head is None else await recorded.indexes(partition, key, head["nonce"])

    async def is_recorded(self, key: TextKey, index: int) -> bool | None:
        """Two reads, of small items."""
        partition = self._of(key)
        head = await self._head(partition, key)
        if head is None:
            return None
        return await recorded.is_recorded(partition, key, head["nonce"], index)

    async def record(self, key: TextKey, index: int) -> bool | None:
        """One read and one write; who fills a set looks at the others."""
        partition = self._of(key)
        head = await self._head(partition, key)
        if head is None:
            return None
        return await recorded.record(partition, key, head, index, marks=self._expiring())

    async def forget(self, key: TextKey) -> None:
        """Its work, and the head: what a crash leaves has a nonce that nobody asks for, and ends.

        So whoever finds no head finds no work either, and no head is left behind without a message
        that forgets it again.
        """
        partition = self._of(key)
        head = await self._head(partition, key)
        if head is None:
            return
        await partition.work.forget(key)
        await parts.delete_head(partition, keys.plan(key), head)
        await partition.delete_many([*recorded.places(key, head), *parts.places(head)])

    async def bury(self, letter: DeadLetter) -> None:
        """A create-only write, and its parts before."""
        await letters.bury(self._of(letter.key), letter)

    async def buried(self, key: TextKey) -> bool:
        """One read, of a small item."""
        return await letters.is_there(self._of(key), key)

    async def begin(self, key: TextKey, chunk: int | None) -> int:
        """One more; an answer that is lost may count twice."""
        item = await self._of(key).add(keys.deaths(key, chunk), "begun", 1, marks=self._expiring())
        begun: int = item["begun"]
        return max(0, begun - 1)

    async def answer(self, key: TextKey, chunk: int | None, *, done: bool) -> None:
        """One less, or the end of it."""
        partition, deaths = self._of(key), keys.deaths(key, chunk)
        if done:
            await partition.delete(deaths)
        else:
            await partition.add(deaths, "begun", -1, marks=self._expiring())

    def _of(self, key: TextKey) -> Partition:
        return self._partitions.of(key.tenant)

    async def _head(self, partition: Partition, key: TextKey) -> Fields | None:
        return await partition.read(keys.plan(key), _HEAD)

    def _expiring(self) -> Fields:
        """What is of use only while its message can come."""
        return {"expires_at": int((self._clock.now() + _KEPT).timestamp())}
