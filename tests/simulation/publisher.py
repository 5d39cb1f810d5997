"""The broker of a simulation as one process sees it: it publishes, and begins sessions."""

from __future__ import annotations

from collections.abc import Sequence

from tests.simulation.broker import Broker
from tests.simulation.faults import Port
from tests.simulation.loop import PROCESS, at_once
from tests.simulation.part import Part
from tests.simulation.session import Session

from logweir.envelope import Envelope, encode
from logweir.pipeline.broker import Lane
from logweir.reasons import Quarantine


class BrokerPort:
    """Publisher and maker of sessions, as one process sees them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._network = broker.network

    @property
    def message_bytes_max(self) -> int:
        """As the seed says."""
        return self._network.settings.message_bytes_max

    def size(self, envelope: Envelope) -> int:
        """How many bytes the envelope takes."""
        return len(encode(envelope))

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """See Publisher."""

        def publish(count: int | None = None) -> None:
            for envelope in envelopes[:count]:
                self._broker.enqueue(envelope)

        about = [str(Part.of(envelope)) for envelope in envelopes]
        await self._network.call(
            Port.BROKER,
            "publish",
            about,
            publish,
            (lambda: publish(len(envelopes) // 2)) if len(envelopes) > 1 else None,
        )

    async def quarantine(self, raw: bytes, reason: Quarantine) -> None:
        """See Publisher."""

        def quarantine() -> None:
            at_once(self._broker.lanes[Lane.LOG].quarantine(raw, reason))

        await self._network.call(Port.BROKER, "quarantine", reason, quarantine)

    async def session(self) -> Session:
        """See Ports."""
        await self._network.call(Port.BROKER, "session", "", lambda: None)
        process = PROCESS.get()
        assert process is not None
        return Session(self._broker, process)
