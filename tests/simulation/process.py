"""A process of the simulation: it can be killed or paused between any two of its awaits."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.simulation.loop import PROCESS, SimulatedLoop

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Process:
    """A gateway or a worker: its tasks, its wall clock, and whether it runs.

    ``held`` keeps the callbacks that did not run. Those of a dead process stay there until the
    world ends: were they garbage, Python would run the ``finally`` blocks that they wait in.
    """

    def __init__(self, loop: SimulatedLoop, name: str, skew_seconds: float) -> None:
        self.loop = loop
        self.name = name
        self.skew_seconds = skew_seconds
        self.runs = True
        self.dead = False
        self.held: list[asyncio.Handle] = []
        self.on_death: list[Callable[[], None]] = []
        self._pauses = 0
        self._context = contextvars.copy_context()
        self._context.run(PROCESS.set, self)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Begin a task of this process."""
        task = self.loop.create_task(coroutine, context=self._context.copy())
        del task  # the loop keeps it

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        """A callback of this process, such as that of a signal."""
        self.loop.call_soon(function, *args, context=self._context)

    def kill(self) -> None:
        """SIGKILL."""
        if self.dead:
            return
        self.dead, self.runs = True, False
        for callback in self.on_death:
            callback()

    def pause(self) -> None:
        """SIGSTOP."""
        self._pauses += 1
        self.runs = False

    def go_on(self) -> None:
        """SIGCONT: what became ready meanwhile is ready now."""
        self._pauses -= 1
        if self._pauses == 0 and not self.dead:
            self.runs = True
            held, self.held = self.held, []
            self.loop.hold_again(held)

    @property
    def paused(self) -> bool:
        """Is it stopped, and alive?"""
        return self._pauses > 0 and not self.dead


class SimulatedClock:
    """A process's clock: the wall time is its own and may jump, monotonic time is the machine's."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def now(self) -> datetime:
        """The wall time, as wrong as this process's is."""
        return _START + timedelta(seconds=self.monotonic() + self._process.skew_seconds)

    def monotonic(self) -> float:
        """Virtual seconds."""
        return self._process.loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait; the others go on."""
        await asyncio.sleep(seconds)
