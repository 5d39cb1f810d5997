"""The slow work that each log costs. A seam: text in, an awaitable out, nothing comes back."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol, cast

from logweir.clock import Clock
from logweir.errors import Misconfigured


class Work(Protocol):
    """Does the work of one text. It may run for many texts side by side, and twice for one text.

    What it raises counts as an attempt of that text; Unavailable means that it could not be tried.
    """

    async def __call__(self, text: str) -> None:
        """Return when the work is done."""
        ...


class SimulatedWork:
    """A job that takes its time for each character and needs no processor."""

    def __init__(self, clock: Clock, seconds_per_character: float) -> None:
        self._clock = clock
        self._seconds_per_character = seconds_per_character

    async def __call__(self, text: str) -> None:
        """Sleep ``len(text)`` times the seconds a character costs."""
        await self._clock.sleep(len(text) * self._seconds_per_character)


class PooledWork:
    """The user's own function ``(text) -> None``, in a process for each processor of the machine.

    Each process works on one text at a time. One that dies takes only its own text's attempt along.
    """

    def __init__(self, function: str, processes: int | None = None) -> None:
        """``function``: package.module:name. Raises Misconfigured where there is none."""
        self._function = load_function(function)
        self._free: asyncio.Queue[ProcessPoolExecutor] = asyncio.Queue()
        for _ in range(processes or os.cpu_count() or 1):
            self._free.put_nowait(_process())

    async def __call__(self, text: str) -> None:
        """Wait for a free process, and for the function to return in it."""
        process = await self._free.get()
        try:
            await asyncio.get_running_loop().run_in_executor(process, self._function, text)
        except (BrokenProcessPool, asyncio.CancelledError):
            # It is dead, or still at work for a text that nobody waits for any more.
            process.shutdown(wait=False)
            process = _process()
            raise
        finally:
            self._free.put_nowait(process)

    def close(self) -> None:
        """Stop the processes; what they are at is not waited for."""
        while not self._free.empty():
            self._free.get_nowait().shutdown(wait=False, cancel_futures=True)


def load_function(name: str) -> Callable[[str], object]:
    """The function that ``package.module:name`` names. Raises Misconfigured."""
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise Misconfigured(f"LOGWEIR_WORK: {name} cannot be loaded: {error}") from error
    if not callable(function):
        raise Misconfigured(f"LOGWEIR_WORK: {name} is not a function")
    return cast("Callable[[str], object]", function)


def _process() -> ProcessPoolExecutor:
    # Spawned and not forked: a forked one would keep the worker's lock on its lease alive.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
