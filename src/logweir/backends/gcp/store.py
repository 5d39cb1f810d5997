"""The store on Google Cloud: Firestore. Create-only writes and counts; no transactions.

A transaction would lock the plan of a long text for each of its chunks. So a chunk that is done is
a document of its own; whoever writes one counts them afterwards, and the last one sees all.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final

from logweir.backends.gcp import letters, parts, paths
from logweir.backends.gcp.calls import Exists, Missing
from logweir.backends.gcp.databases import Databases
from logweir.clock import Clock
from logweir.errors import StoreUnavailable
from logweir.pipeline.fields import Fields, document_fields, plan_fields, plan_of
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.pipeline.store import Found, Stored

# Twice the time that Pub/Sub can keep a message. Firestore's TTL removes what is older.
_KEPT: Final = timedelta(days=62)
_PLAN_TRIES: Final = 3


class FirestoreStore:
    """Store and DeathCounter."""

    def __init__(self, databases: Databases, clock: Clock) -> None:
        self._databases = databases
        self._clock = clock

    async def find(self, key: TextKey) -> Found:
        """One read, of the hash alone."""
        subtree = self._databases.of(key.tenant)
        head = await subtree.read(paths.document(key.log), ["sha256"])
        if head is None:
            return Found.ABSENT
        return Found.SAME if head["sha256"] == key.sha256 else Found.OTHER

    async def create(self, document: Document) -> Stored:
        """The parts, if there must be some; then the head, which only one can create."""
        subtree = self._databases.of(document.tenant_id)
        fields = document_fields(document)
        texts = {
            "original_text": document.original_text,
            "modified_data": document.modified_data,
        }
        if parts.fit(*texts.values()):
            fields |= texts
        else:
            fields |= await parts.save_by_content(subtree, document.log_id, texts)
        try:
            await subtree.create(paths.document(document.log_id), fields)
        except Exists:
            # Perhaps by a try of ours whose answer was lost: then it is the same.
            found = await self.find(document.key)
            return Stored.SAME if found is Found.SAME else Stored.OTHER
        return Stored.CREATED

    async def plan(self, plan: Plan) -> Plan:
        """The parts, if there must be some; then the head, which only one can create."""
        subtree = self._databases.of(plan.tenant)
        for _ in range(_PLAN_TRIES):  # where it is forgotten between a write and a read
            # Parts are not written in vain.
            if not parts.fit(plan.text) and (stored := await self.load(plan.key)):
                return stored
            if await parts.create_whole(
                subtree,
                paths.plan(plan.key),
                plan_fields(plan),
                plan.log,
                plan.text,
                marks=self._expiring(),
            ):
                return plan
            if stored := await self.load(plan.key):
                return stored
        raise StoreUnavailable("the plan comes and goes")

    async def load(self, key: TextKey) -> Plan | None:
        """The head, and its parts."""
        subtree = self._databases.of(key.tenant)
        head = await subtree.read(paths.plan(key))
        if head is None:
            return None
        try:
            return plan_of(key.tenant, head, await parts.text_of(subtree, head))
        except Missing:
            return None  # forgotten meanwhile

    async def mark_sent(self, key: TextKey) -> None:
        """One field of the head."""
        with suppress(Missing):
            await self._databases.of(key.tenant).update(paths.plan(key), {"sent": True})

    async def recorded(self, key: TextKey) -> frozenset[int] | None:
        """Those of this plan: an earlier one of the text may have left some."""
        subtree = self._databases.of(key.tenant)
        head = await subtree.read(paths.plan(key), ["nonce"])
        if head is None:
            return None
        done = await subtree.select(paths.recorded(key), ("plan", head["nonce"]))
        return frozenset(map(int, done))

    async def is_recorded(self, key: TextKey, index: int) -> bool | None:
        """Head and chunk in one request."""
        plan, chunk = paths.plan(key), paths.chunk(key, index)
        found = await self._databases.of(key.tenant).read_all([plan, chunk], ["nonce", "plan"])
        if plan not in found:
            return None
        return chunk in found and found[chunk]["plan"] == found[plan]["nonce"]

    async def record(self, key: TextKey, index: int) -> bool | None:
        """A document for the chunk, and a count: of those who write at once, the last sees all."""
        subtree = self._databases.of(key.tenant)
        head = await subtree.read(paths.plan(key), ["nonce", "chunks"])
        if head is None:
            return None
        mine: Fields = {"plan": head["nonce"]}
        last: int = head["chunks"] - 1
        await subtree.write(paths.chunk(key, index), {**mine, **self._expiring()})
        # Chunks are sent out in order. So long as the last one is not done, nobody need count.
        if index != last and await subtree.read(paths.chunk(key, last), ["plan"]) != mine:
            return False
        return await subtree.count(paths.recorded(key), ("plan", head["nonce"])) > last

    async def forget(self, key: TextKey) -> None:
        """The chunks; then the head with its parts in one step, so that a crash is made good."""
        subtree = self._databases.of(key.tenant)
        head = await subtree.read(paths.plan(key), ["chunks", "text_parts"])
        if head is None:
            return
        await subtree.delete([paths.chunk(key, index) for index in range(head["chunks"])])
        await subtree.delete([paths.plan(key), *parts.places(head.get("text_parts", ()))])

    async def bury(self, letter: DeadLetter) -> None:
        """A create-only write, and its parts before."""
        await letters.bury(self._databases.of(letter.tenant_id), letter)

    async def buried(self, key: TextKey) -> bool:
        """One request, of the hash alone."""
        return await letters.find(self._databases.of(key.tenant), key, ["sha256"]) is not None

    async def begin(self, key: TextKey, chunk: int | None) -> int:
        """One more, by an increment; an answer that is lost may count twice."""
        begun = await self._databases.of(key.tenant).add(
            paths.deaths(key, chunk),
            "begun",
            1,
            marks=self._expiring(),
        )
        return max(0, begun - 1)

    async def answer(self, key: TextKey, chunk: int | None, *, done: bool) -> None:
        """One less, or the end of it."""
        subtree, path = self._databases.of(key.tenant), paths.deaths(key, chunk)
        if done:
            await subtree.delete([path])
        else:
            await subtree.add(path, "begun", -1, marks=self._expiring())

    def _expiring(self) -> Fields:
        """What is of use only while its message can come."""
        return {"expires_at": self._clock.now() + _KEPT}
