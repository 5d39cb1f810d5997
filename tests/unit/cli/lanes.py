"""A broker that tells sums by lane, or nothing, and finds no message, as a cloud's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Backlog, Lane, Whereabouts


@dataclass
class Sums:
    """A broker that sees into no message."""

    lanes: Sequence[Backlog]
    dead: int | None
    asked: int = 0

    async def backlog(self) -> Sequence[Backlog]:
        """As the test said."""
        return self.lanes

    async def locate(self, tenant: TenantId, log: LogId) -> Whereabouts | None:
        """It cannot."""
        self.asked += 1
        return None

    async def quarantined(self) -> int | None:
        """As the test said."""
        return self.dead


def lane(
    which: Lane, waiting: int | None, in_flight: int | None = None, oldest: float | None = None
) -> Backlog:
    """A lane's numbers."""
    return Backlog(lane=which, waiting=waiting, in_flight=in_flight, oldest_seconds=oldest)
