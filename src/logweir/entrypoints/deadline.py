"""One deadline for many tasks: a timer for each request would cost more than its parsing."""

from __future__ import annotations

import asyncio
from typing import Any, Final

_SWEEP_SECONDS: Final = 0.25


class Deadline:
    """``with deadline:`` raises TimeoutError in a task that takes longer than ``seconds``.

    One object serves every task of a loop, also at the same time; it is a quarter of a second
    late at most.
    """

    def __init__(self, seconds: float) -> None:
        """Only inside of a loop, which is kept: Python 3.11 asks for it by a system call."""
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        # In the order of their times, since all have as long.
        self._due: dict[asyncio.Task[Any], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._due[self._current_task()] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        task = self._current_task()
        if self._due.pop(task, None) is not None:
            return
        task.uncancel()
        if kind is asyncio.CancelledError:
            raise TimeoutError from None

    def _sweep(self) -> None:
        now = self._loop.time()
        late = []
        for task, due in self._due.items():
            if due > now:
                break
            late.append(task)
        for task in late:
            del self._due[task]
            task.cancel()
        self._timer = self._loop.call_later(_SWEEP_SECONDS, self._sweep) if self._due else None

    def _current_task(self) -> asyncio.Task[Any]:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a deadline is for a task")
        return task
