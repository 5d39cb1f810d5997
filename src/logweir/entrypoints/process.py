"""What long-running processes do alike: umask, limits, logs, signals, a watch on the parent."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import uvloop

from logweir.entrypoints import logs
from logweir.errors import Misconfigured
from logweir.settings import Settings

EXIT_MISCONFIGURED: Final = 2  # starting it again cannot help
DESCRIPTORS_MAX: Final = 8192 + 512  # the gateway's connections, and files
_GC_OBJECTS: Final = 50_000  # at Python's 700, collections are 6 % of the gateway's time
_ORPHAN_SECONDS: Final = 0.5  # from the parent's death to the end of its children

Stop = Callable[[Callable[[], None]], None]


def run(
    role: str, settings: Settings, main: Callable[[Stop], Awaitable[None]], *, supervised: bool
) -> None:
    """Run ``main`` until it returns. It is given a function that takes what SIGTERM must call.

    A supervised process leaves SIGINT to its supervisor, and ends soon after it: its standard
    input is a pipe whose other end only the supervisor holds.
    """
    os.umask(0o077)
    raise_descriptor_limit()
    sys.stderr = cast(Any, _LossyStream(sys.stderr))
    logs.configure(settings.log_level, role, settings.backend)
    if supervised:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    # What is here now stays: no collection needs to look at it again, nor that often at the rest.
    gc.freeze()
    gc.set_threshold(_GC_OBJECTS)
    uvloop.run(_main(main, supervised))


def raise_descriptor_limit() -> int:
    """Raise it as far as we want and may; how many descriptors may be open then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < DESCRIPTORS_MAX:
        soft = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(DESCRIPTORS_MAX, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def cannot_listen(host: str, port: int, error: OSError) -> Misconfigured:
    """What to raise where the address is not to be had."""
    return Misconfigured(
        f"LOGWEIR_HOST, LOGWEIR_PORT: cannot listen on {host} port {port}: {error.strerror}"
    )


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until it is time to stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def _main(main: Callable[[Stop], Awaitable[None]], supervised: bool) -> None:
    loop = asyncio.get_running_loop()
    if supervised:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def on_stop(stop: Callable[[], None]) -> None:
        loop.add_signal_handler(signal.SIGTERM, stop)
        if not supervised:
            loop.add_signal_handler(signal.SIGINT, stop)

    await main(on_stop)


class _LossyStream:
    """A stream that loses what it cannot write.

    Where stderr is a file on a disk that is full, a line about it must not become a 500.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    signal.raise_signal(signal.SIGTERM)
    time.sleep(_ORPHAN_SECONDS)
    os._exit(1)
