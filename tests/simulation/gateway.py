"""A gateway's process: the product's Ingest, without a server around it."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.simulation.oracle import Oracle
from tests.simulation.process import Process, SimulatedClock
from tests.simulation.traffic import Request

from logweir.entrypoints.deadline import Deadline
from logweir.entrypoints.ingest import Answer, Ingest
from logweir.errors import Rejection
from logweir.limits import Limits
from logweir.pipeline.plan import Planner

Answered = asyncio.Future[Answer | None]  # None: the connection broke


class SimulatedGateway:
    """Takes requests until it is killed."""

    def __init__(self, process: Process, planner: Planner, limits: Limits, oracle: Oracle) -> None:
        self._process = process
        self._oracle = oracle
        self._ingest = Ingest(planner, SimulatedClock(process), limits)
        self._publishing = Deadline(limits.publish_seconds_max)
        self._connections: dict[int, Answered] = {}
        self._requests = 0
        process.on_death.append(self._break_connections)

    def take(self, request: Request, answered: Answered) -> None:
        """Answer it, some time."""
        self._requests += 1
        number = self._requests
        self._connections[number] = answered
        self._process.spawn(self._serve(number, request, answered))

    async def _serve(self, number: int, request: Request, answered: Answered) -> None:
        try:
            answer = await self._answer(request)
        except Exception as error:  # noqa: BLE001  # the server would answer 500
            return self._oracle.found("500", f"{type(error).__name__}: {error}")
        finally:
            self._connections.pop(number, None)
        if not answered.done():
            answered.set_result(answer)
        return None

    async def _answer(self, request: Request) -> Answer:
        ingest = self._ingest
        try:
            opening = ingest.open(
                request.method, request.path, request.headers, len(self._connections)
            )
        except Rejection as rejection:
            return ingest.refuse(rejection)
        publishing: Any = self._publishing
        return await ingest.take(opening, request.body, publishing)

    def _break_connections(self) -> None:
        for answered in self._connections.values():
            if not answered.done():
                answered.set_result(None)
