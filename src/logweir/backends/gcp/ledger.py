"""How much work Firestore knows of: the characters of all plans, added up by Firestore itself.

A plan is there from when a worker has begun with a long text until that is done, and counts whole
until then. What is still in the queue is not seen: each short log is a chunk of work at most, and
a long one is planned as soon as a worker has it. A sum is billed as a read for each thousand plans.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Final

from logweir.backends.gcp import paths
from logweir.backends.gcp.databases import Databases
from logweir.ids import TenantId

_CHARACTERS: Final = "characters"


class FirestoreLedger:
    """The WorkLedger of Google Cloud. The total is of the database that most tenants share."""

    period_seconds = 10.0
    counts_short = False

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._is_loaded = False

    async def total(self) -> int:
        """One request, of the collection group."""
        await self._load()
        return await self._databases.sum(paths.PLANS, _CHARACTERS)

    async def of(self, tenant: TenantId) -> int:
        """One request, of the tenant's plans."""
        await self._load()
        return await self._databases.of(tenant).sum(paths.PLANS, _CHARACTERS)

    async def _load(self) -> None:
        """Half a second, and a gateway has others to answer: beside the loop."""
        if not self._is_loaded:
            await asyncio.to_thread(import_module, "logweir.backends.gcp.client")
            self._is_loaded = True
