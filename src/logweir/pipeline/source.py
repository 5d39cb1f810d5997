"""PORT: a broker that is polled. Only the brokers of one machine and streaming clients have one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from logweir.pipeline.broker import Delivery


class Claim(Protocol):
    """A message that a session holds."""

    @property
    def delivery(self) -> Delivery:
        """What is to be consumed."""
        ...

    @property
    def weight_bytes(self) -> int:
        """What it costs in memory while it is in work."""
        ...


class Session(Protocol):
    """One run of one worker, which holds its messages by one lease.

    Every call may raise BrokerUnavailable, and after that be made again.
    """

    async def claim(self, slots: int, bytes_max: int, in_flight: int) -> Sequence[Any]:
        """Take up to ``slots`` messages, of ``bytes_max`` by weight or a little more; Claims.

        ``in_flight`` is how many this worker has. Raises LeaseLost.
        """
        ...

    async def acknowledge(self, claim: Any) -> None:
        """Take a message off the broker. Raises LeaseLost."""
        ...

    async def delay(self, claim: Any, after_seconds: float) -> None:
        """Have a message delivered again later. Raises LeaseLost."""
        ...

    async def heartbeat(self) -> None:
        """Extend the lease. Raises LeaseLost."""
        ...

    async def end(self) -> None:
        """Hand back what is still held, as if it had never been handed out."""
        ...

    def abandon(self) -> None:
        """Let go of a lease that is lost."""
        ...
