"""An event loop without sockets, threads or real time; a seed draws in which order tasks run.

    nothing ready ──▶ time jumps to the next timer
    some ready    ──▶ the seed picks one ──▶ its process is alive:  it runs
                                             it is paused:          held back until it goes on
                                             it is dead:            never runs again

So a process ends between any two awaits, as by SIGKILL: no ``except`` and no ``finally`` runs.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from tests.simulation.process import Process

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

# Whose callback it is; None: that of the world outside, such as clients and the network.
PROCESS: Final[contextvars.ContextVar[Process | None]] = contextvars.ContextVar(
    "process", default=None
)
_THREAD_SECONDS_MAX: Final = 0.01
_TURNS_MAX: Final = 200_000  # a run has thousands


class Stuck(Exception):
    """Nothing will ever happen again, or it never stops happening."""


class SimulatedTask(asyncio.Task[Any]):
    """A task whose hash is its number: the order of a set of tasks is the same in every run."""

    def __init__(self, coro: Any, number: int, **options: Any) -> None:
        self.number = number  # first, since asyncio puts the task into a set
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self.number


class SimulatedLoop(asyncio.BaseEventLoop):
    """Virtual time and seeded order; ``turns`` counts the callbacks that ran."""

    _ready: list[asyncio.Handle]  # typeshed does not know of these two
    _stopping: bool

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        self._now = 0.0
        self._ready = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_count = 0
        # All of them: a task that only waits for a process which is dead is referred to by nobody.
        self.tasks: list[SimulatedTask] = []
        # asyncio keeps the tasks of all loops in one set: those of two runs must not collide there.
        self._first_number = rng.getrandbits(60)
        self.turns = 0
        self.over = False  # then dead processes unwind too, so that nothing is left to the garbage
        self.set_task_factory(self._numbered)

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._now

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """As asyncio's; timers of the same moment keep their order."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """As asyncio's."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._timer_count += 1
        heapq.heappush(self._timers, (when, self._timer_count, timer))
        return timer

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """The call happens in one piece, some virtual milliseconds from now."""
        future = self.create_future()

        def run() -> None:
            if future.done():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001  # it is the caller's
                future.set_exception(error)

        self.call_later(self._rng.random() * _THREAD_SECONDS_MAX, run)
        return future

    def _numbered(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **options: Any,
    ) -> SimulatedTask:
        number = self._first_number + len(self.tasks)
        task = SimulatedTask(coro, number, loop=loop, **options)
        self.tasks.append(task)
        return task

    def _run_once(self) -> None:
        """One callback after the other, until the loop is stopped."""
        ready, draw = self._ready, self._rng.random
        while not self._stopping:
            if not ready:
                self._jump()
            last = len(ready) - 1
            if last:
                place = int(draw() * (last + 1))
                ready[place], ready[last] = ready[last], ready[place]
            handle = ready.pop()
            if handle._cancelled:
                continue
            process = handle._context.get(PROCESS)  # type: ignore[attr-defined]
            if process is not None and not process.runs and not self.over:
                process.held.append(handle)
                continue
            self.turns += 1
            if self.turns > _TURNS_MAX:
                raise Stuck(f"{_TURNS_MAX} callbacks, and no end")
            handle._run()

    def _jump(self) -> None:
        timers = self._timers
        while timers:
            when, _, timer = heapq.heappop(timers)
            if timer._cancelled:
                continue
            self._now = max(self._now, when)
            self._ready.append(timer)
            if not timers or timers[0][0] > self._now:
                return
        if not self._ready:
            raise Stuck("nothing is ready, and no timer runs")

    def unwind(self) -> None:
        """Cancel all that is under way, in dead processes too, and close."""
        self.over = True
        self.set_exception_handler(lambda *_: None)
        while under_way := [task for task in self.tasks if not task.done()]:
            for task in under_way:
                task.cancel()
            self.call_later(0, self.stop)
            self.run_forever()
        self.close()

    def hold_again(self, handles: list[asyncio.Handle]) -> None:
        """Let run what was held back."""
        self._ready.extend(handles)

    def _process_events(self, event_list: object) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""


def at_once(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine returns that never waits, such as those of ports in memory."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    raise AssertionError("it waits")
