"""Clients: they send, wait, and send again with the same id what they do not know to be kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tests.simulation.faults import Fault
from tests.simulation.gateway import SimulatedGateway
from tests.simulation.oracle import Oracle
from tests.simulation.part import Part, named
from tests.simulation.ports import Network
from tests.simulation.traffic import Request

from logweir.entrypoints.ingest import Answer
from logweir.envelope import sha256_of
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import TextKey

_PATIENCE_SECONDS: Final = 12.0
_BETWEEN_TRIES_SECONDS: Final = 1.0
_TRIES_MAX: Final = 60
_HANG_UP_SECONDS_MAX: Final = 0.05


class Told(Enum):
    """What a client knows of one try."""

    KEPT = "202"
    REFUSED = "4xx"
    UNKNOWN = "503, a broken connection, or nothing in time"


@dataclass(slots=True)
class Sent:
    """One try of a request; ``log`` is None while the client knows no id."""

    request: Request
    sha256: str
    log: str | None
    told: Told = Told.UNKNOWN


class Clients:
    """All of them; ``history`` is what they did and were told."""

    def __init__(
        self, gateways: Sequence[SimulatedGateway | None], network: Network, oracle: Oracle
    ) -> None:
        """``gateways``: those that listen now; None at the place of one that is down."""
        self._gateways = gateways
        self._network = network
        self._oracle = oracle
        self.history: list[Sent] = []

    async def send(self, request: Request) -> None:
        """Until it is answered; most clients try again, and some do not."""
        loop, rng = self._network.loop, self._network.rng
        await asyncio.sleep(request.at)
        sha256 = sha256_of(request.text)
        if not request.bad:
            self._oracle.texts[sha256] = request.text
        tries = 1 if rng.random() < 0.1 else _TRIES_MAX
        log = request.log
        for _ in range(tries):
            gateway = rng.choice(self._gateways)
            if gateway is not None:
                sent = Sent(request, sha256, log)
                self.history.append(sent)
                answered: asyncio.Future[Answer | None] = loop.create_future()
                timer = loop.call_later(self._patience(), _hang_up, answered)
                gateway.take(request, answered)
                answer = await answered
                timer.cancel()
                self._note(sent, answer)
                if sent.told is Told.KEPT or (sent.told is Told.REFUSED and request.bad):
                    return
            await asyncio.sleep(_BETWEEN_TRIES_SECONDS)

    def _patience(self) -> float:
        if self._network.faults.happens(Fault.HUNG_UP):
            return self._network.rng.random() * _HANG_UP_SECONDS_MAX
        return _PATIENCE_SECONDS

    def _note(self, sent: Sent, answer: Answer | None) -> None:
        request, oracle = sent.request, self._oracle
        status = 0 if answer is None else answer.status
        self._network.trace.note("client", f"answered {status}", (request.tenant, sent.log))
        oracle.covered[f"answered {status}"] += 1
        if answer is None or status == 503:
            return
        told = json.loads(answer.body)
        if status != 202:
            sent.told = Told.REFUSED
            if not request.bad and status != 429:
                oracle.found("I3", f"a good request was refused: {told.get('reason')}")
            return
        sent.told, sent.log = Told.KEPT, told["log_id"]
        if request.bad:
            oracle.found("I3", f"a bad request was accepted: {request.body!r}")
        elif told["tenant_id"] != request.tenant or request.log not in (None, told["log_id"]):
            oracle.found("I5", f"{request.tenant}/{request.log} was answered {told}")
        key = TextKey(TenantId(request.tenant), LogId(told["log_id"]), sent.sha256)
        if not request.bad and not oracle.published_parts[Part(key, None, 1)]:
            oracle.found("202", f"{named(key)} was answered 202 before the broker held it")


def _hang_up(answered: asyncio.Future[Answer | None]) -> None:
    if not answered.done():
        answered.set_result(None)
