"""How much work the broker's file holds: sums that are kept with its messages, exact to the commit.

A log counts whole until it is acknowledged, and its chunks count by themselves: while a long text
is being cut, both do for a moment.
"""

from __future__ import annotations

from typing import Any

from logweir.backends.local.commit import GroupCommit
from logweir.ids import TenantId


class LocalLedger:
    """The WorkLedger of one machine. Two look-ups by a key, whatever waits."""

    period_seconds = 1.0
    counts_short = True

    def __init__(self, commit: GroupCommit[Any, Any]) -> None:
        self._commit = commit

    async def total(self) -> int:
        """The one row of the sum."""
        total: int = await self._commit.read(
            lambda db: db.execute("SELECT characters FROM backlog").get
        )
        return total

    async def of(self, tenant: TenantId) -> int:
        """The tenant's counter, if it has one."""
        query = "SELECT characters FROM tenants WHERE tenant = ?"
        mine: int | None = await self._commit.read(lambda db: db.execute(query, (tenant,)).get)
        return mine or 0
