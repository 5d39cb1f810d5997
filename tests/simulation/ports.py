"""The way from a process to its broker and its store, and what goes wrong on it."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable
from typing import Final, TypeVar

from tests.simulation.faults import Fault, Faults, Port
from tests.simulation.loop import PROCESS, SimulatedLoop
from tests.simulation.process import Process
from tests.simulation.settings import Settings
from tests.simulation.trace import Trace

from logweir.errors import BrokerUnavailable, StoreUnavailable

Result = TypeVar("Result")

OUTSIDE: Final = contextvars.Context()  # of what no process does: the network, the broker's timers
_LATENCY_SECONDS_MAX: Final = 0.02
_SLOW_SECONDS_MAX: Final = 8.0
_ERRORS: Final = {Port.BROKER: BrokerUnavailable, Port.STORE: StoreUnavailable}


class Network:
    """Calls, each of which may fail in any of the ways that a seed draws."""

    def __init__(
        self,
        loop: SimulatedLoop,
        rng: random.Random,
        faults: Faults,
        trace: Trace,
        settings: Settings,
    ) -> None:
        self.loop = loop
        self.rng = rng
        self.faults = faults
        self.trace = trace
        self.settings = settings

    async def call(
        self,
        port: Port,
        name: str,
        about: object,
        operation: Callable[[], Result],
        partly: Callable[[], object] | None = None,
        repeatable: bool = True,
    ) -> Result:
        """``operation`` happens at one moment, somewhere between call and answer.

        ``partly``: a part of it, where it has parts. ``repeatable``: may the port itself send it
        again, as clients of clouds do?
        """
        if self.loop.over:
            raise asyncio.CancelledError
        process = PROCESS.get()
        assert process is not None
        impossible = () if partly else (Fault.PARTIAL,)
        fault = self.faults.of_call(port, impossible if repeatable else (*impossible, Fault.TWICE))
        if fault is None:
            # Half of the calls wait on one of their two ways, so that others come first, or after.
            turn = self.rng.random()
            if turn < 0.25:
                await self._latency()
            result = self._do(process, name, about, operation)
            if turn > 0.75:
                await self._latency()
            return result
        self.trace.note(process.name, f"{name}: {fault}", about)
        return await self._fail(process, port, name, about, operation, partly, fault)

    def _do(
        self, process: Process, name: str, about: object, operation: Callable[[], Result]
    ) -> Result:
        result = operation()
        self.trace.note(process.name, name, about)
        return result

    async def _fail(
        self,
        process: Process,
        port: Port,
        name: str,
        about: object,
        operation: Callable[[], Result],
        partly: Callable[[], object] | None,
        fault: Fault,
    ) -> Result:
        match fault:
            case Fault.REFUSED | Fault.OUTAGE | Fault.THROTTLED:
                await self._latency()
                raise _ERRORS[port](fault)
            case Fault.LOST:
                await self._latency()
                self._do(process, name, about, operation)
                await self._latency()
                raise _ERRORS[port](fault)
            case Fault.LATE:
                self._do_later(process, name, about, operation)
                await self._latency()
                raise _ERRORS[port](fault)
            case Fault.PARTIAL if partly is not None:
                self._do(process, f"{name} in part", about, partly)
                await self._latency()
                raise _ERRORS[port](fault)
            case Fault.CRASH_BEFORE | Fault.CRASH_AFTER:
                if fault is Fault.CRASH_AFTER:
                    self._do(process, name, about, operation)
                process.kill()
                await self.loop.create_future()  # nothing of this process runs any more
            case Fault.PAUSE_BEFORE:
                self.pause(process)
            case Fault.PAUSE_AFTER:
                result = self._do(process, name, about, operation)
                self.pause(process)
                await self._latency()
                return result
            case Fault.SLOW:
                await asyncio.sleep(self.rng.random() * _SLOW_SECONDS_MAX)
            case Fault.TWICE:
                self._do(process, name, about, operation)
            case _:  # none that befalls a call
                raise AssertionError(fault)
        await self._latency()
        return self._do(process, name, about, operation)

    async def _latency(self) -> None:
        await asyncio.sleep(self.rng.random() * _LATENCY_SECONDS_MAX)

    def _do_later(
        self, process: Process, name: str, about: object, operation: Callable[[], object]
    ) -> None:
        def arrive() -> None:
            try:
                self._do(process, f"{name}, late", about, operation)
            except Exception as error:  # noqa: BLE001  # nobody waits for the answer
                self.trace.note(process.name, f"{name}, late", type(error).__name__)

        self.later(self.rng.random() * self.settings.late_seconds, arrive)

    def later(self, seconds: float, function: Callable[[], object]) -> None:
        """Call it then, whatever becomes of the process that runs now."""
        self.loop.call_later(seconds, function, context=OUTSIDE)

    def pause(self, process: Process) -> None:
        """Stop a process for longer than its lease."""
        process.pause()
        self.later(self.settings.limits.lease_seconds * self.rng.uniform(1.05, 2.0), process.go_on)
