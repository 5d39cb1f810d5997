"""A sandbox of Lambda's: one loop and one set of open ports, from its start to its end.

    init ──▶ frozen ──invoke──▶ running ──answer──▶ frozen ──▶ … ──▶ killed, without a word

Between two invocations nothing runs, so what one has begun must have ended when it answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Final, Protocol, TypeVar

import structlog

from logweir.bootstrap import Ports, open_ports
from logweir.entrypoints import logs
from logweir.errors import Misconfigured
from logweir.settings import Backend, LogLevel, Settings, load

T = TypeVar("T")

# What is left over is of a request that was given up, and its answer waits for this.
_STRAGGLERS_SECONDS: Final = 0.1
_STRAGGLERS_ROUNDS: Final = 3  # what is cancelled may begin the next

Open = Callable[[Settings], AbstractAsyncContextManager[Ports]]
Check = Callable[[Settings], None]


class Context(Protocol):
    """What Lambda tells of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Until it is cut off."""
        ...


class Sandbox:
    """Runs one invocation after the other on a loop of its own."""

    def __init__(self, settings: Settings, opened: AbstractAsyncContextManager[Ports]) -> None:
        """``opened`` is entered, and never left: a sandbox is killed. Raises Misconfigured."""
        self.settings = settings
        self.loop = asyncio.new_event_loop()
        self._opened = opened  # what nobody holds would be closed
        try:
            self.ports = self.loop.run_until_complete(opened.__aenter__())
        except BaseException:
            self.loop.close()
            raise

    def run(self, invocation: Coroutine[Any, Any, T]) -> T:
        """What it returns, once all that it has begun has ended."""
        return self.loop.run_until_complete(_whole(invocation))


def start(
    role: str, environment: Mapping[str, str], check: Check | None = None, open_: Open = open_ports
) -> Sandbox:
    """Open the ports that the environment names, and set up the logs.

    Raises Misconfigured once it has logged it: Lambda fails the start then, and tells who invokes.
    """
    logs.configure(LogLevel.INFO, role)
    with saying_what_is_misconfigured():
        settings = load(environment)
        if settings.backend is not Backend.AWS:
            raise Misconfigured("LOGWEIR_BACKEND: a function has no other back end than aws")
        logs.configure(settings.log_level, role, settings.backend)
        if check is not None:
            check(settings)
        return Sandbox(settings, open_(settings))


@contextmanager
def saying_what_is_misconfigured() -> Iterator[None]:
    """For what a function makes at its start: a line in its logs, before it fails."""
    try:
        yield
    except Misconfigured as error:
        structlog.get_logger().error("misconfigured", error=str(error))
        raise


def seconds_left(context: Context) -> float:
    """Until Lambda cuts this invocation off."""
    return context.get_remaining_time_in_millis() / 1000


async def _whole(invocation: Coroutine[Any, Any, T]) -> T:
    try:
        return await invocation
    finally:
        for _ in range(_STRAGGLERS_ROUNDS):
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if not left:
                break
            _, late = await asyncio.wait(left, timeout=_STRAGGLERS_SECONDS)
            for task in late:
                task.cancel()
