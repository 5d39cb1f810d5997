"""What a worker has of a broker that brings messages by itself: received, then held, then gone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from logweir.errors import LeaseLost
from logweir.pipeline.broker import Delivery


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """A message that a session holds."""

    ticket: str  # the broker's name of this one delivery
    queue: str
    delivery: Delivery
    weight_bytes: int


class Held:
    """The messages of one session: those that only came, by queue, and those that are claimed."""

    def __init__(self, queues: Iterable[str]) -> None:
        self.received: Mapping[str, deque[HeldClaim]] = {queue: deque() for queue in queues}
        self._held: dict[str, HeldClaim] = {}

    def take(self, slots: int, bytes_max: int) -> list[HeldClaim]:
        """Claim up to ``slots`` of those that came, from each queue in turn; of ``bytes_max`` by
        weight, or a little more."""
        claims: list[HeldClaim] = []
        while len(claims) < slots and bytes_max > 0:
            lanes = [lane for lane in self.received.values() if lane]
            if not lanes:
                break
            for lane in lanes[: slots - len(claims)]:
                claim = lane.popleft()
                self._held[claim.ticket] = claim
                bytes_max -= claim.weight_bytes
                claims.append(claim)
        return claims

    def check(self, claim: HeldClaim) -> None:
        """Raises LeaseLost unless it is claimed, and not released."""
        if claim.ticket not in self._held:
            raise LeaseLost("the message is not held any more")

    def release(self, claim: HeldClaim) -> None:
        """It is the session's no more, whether it was claimed or only came."""
        if self._held.pop(claim.ticket, None) is None:
            with suppress(ValueError):
                self.received[claim.queue].remove(claim)

    def keep(self, claim: HeldClaim) -> None:
        """It is claimed all the same."""
        self._held[claim.ticket] = claim

    def all(self) -> list[HeldClaim]:
        """Those that are claimed, and those that only came."""
        return [*self._held.values(), *(c for lane in self.received.values() for c in lane)]

    def forget(self) -> None:
        """Have nothing any more."""
        self._held.clear()
        for lane in self.received.values():
            lane.clear()
