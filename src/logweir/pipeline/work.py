"""The slow work that each log costs. A seam: text in, an awaitable out, nothing comes back."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import connection, resource_tracker
from typing import Final, Protocol, cast

from logweir.clock import Clock
from logweir.errors import Misconfigured

_LOOK_SECONDS: Final = 1.0  # between two looks whether a silent process is still there


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

    Each process works on one text at a time. One that dies takes only its own text's attempt along,
    and one whose text is given up is killed: no text runs that nobody waits for.
    """

    def __init__(self, function: str, processes: int | None = None) -> None:
        """``function``: package.module:name. Raises Misconfigured where there is none."""
        load_function(function)
        self._function = function
        processes = processes or os.cpu_count() or 1
        self._places = asyncio.Semaphore(processes)
        self._threads = ThreadPoolExecutor(processes)  # each waits for one process
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()

    async def __call__(self, text: str) -> None:
        """Wait for a free process, and for the function to return in it."""
        async with self._places:
            process = self._take()
            self._busy.add(process)
            try:
                loop = asyncio.get_running_loop()
                error = await loop.run_in_executor(self._threads, process.run, text)
            except BaseException:  # it is dead, or nobody waits for it any more
                process.kill()
                raise
            else:
                self._idle.append(process)
            finally:
                self._busy.discard(process)
        if error:
            raise error

    def close(self) -> None:
        """Kill the processes, whatever they are at."""
        self._threads.shutdown(wait=False)
        for process in (*self._idle, *self._busy):
            process.kill()

    def _take(self) -> _Process:
        while self._idle:
            process = self._idle.pop()
            if process.is_alive():
                return process
        return _Process(self._function)


class _Process:
    """A process that runs the function on one text after another.

    A ProcessPoolExecutor's cannot be killed by public means before Python 3.14.
    """

    def __init__(self, function: str) -> None:
        # Spawned and not forked: a forked one would keep the worker's lock on its lease alive.
        context = multiprocessing.get_context("spawn")
        self._pipe, its_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(function, its_end))
        # Python's tracker unblocks SIGINT when it starts; so it starts first.
        resource_tracker.ensure_running()
        # The process inherits the mask: a Ctrl-C while it starts is no KeyboardInterrupt in it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            its_end.close()

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        # The pipe is left to the garbage: a thread may be reading, and its number be given away.
        self._process.kill()

    def run(self, text: str) -> Exception | None:
        """What the function raised. Blocks; raises ChildProcessError where the process dies."""
        try:
            self._pipe.send(text)
            # What the function has forked may hold the pipe open beyond the process's death.
            while not self._pipe.poll(_LOOK_SECONDS):
                if not self.is_alive():
                    raise EOFError
            return cast("Exception | None", self._pipe.recv())
        except (EOFError, OSError):
            self._process.join(_LOOK_SECONDS)
            code = self._process.exitcode
            raise ChildProcessError(f"its process died with exit code {code}") from None


def load_function(name: str) -> Callable[[str], object]:
    """The function that ``package.module:name`` names. Raises Misconfigured."""
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # the user's module may raise anything
        raise Misconfigured(
            f"LOGWEIR_WORK: {name} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not callable(function):
        raise Misconfigured(f"LOGWEIR_WORK: {name} is not a function")
    return cast("Callable[[str], object]", function)


# ---- in the process --------------------------------------------------------------------------


def _serve(function: str, pipe: connection.Connection) -> None:
    # Ctrl-C goes to every process of the terminal; the worker decides what becomes of this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            text = pipe.recv()
        except EOFError:
            return
        pipe.send(_raised_by(function, text))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _raised_by(function: str, text: str) -> Exception | None:
    try:
        load_function(function)(text)
    except Exception as error:  # noqa: BLE001  # the user's own function may raise anything
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
        except Exception:  # noqa: BLE001  # nor does every error survive the way to the worker
            return RuntimeError("".join(traceback.format_exception_only(error)).strip())
        return error
    return None
