"""``logweir push`` on the memory back end, as a process: python -m tests.support.push_in_memory.

Its settings come from the environment, as the command's do.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from logweir.backends.memory import MemoryBroker, MemoryStore
from logweir.bootstrap import Ports
from logweir.clock import SystemClock
from logweir.entrypoints import process, push
from logweir.settings import Settings, load


@asynccontextmanager
async def open_in_memory(_settings: Settings) -> AsyncIterator[Ports]:
    """Ports that are gone with the process."""
    clock, store = SystemClock(), MemoryStore()
    broker = MemoryBroker(clock)

    async def reap() -> int:
        return 0

    async def provision(push_to: str | None) -> None:
        print(push_to, flush=True)

    yield Ports(
        clock=clock,
        publisher=broker,
        store=store,
        reader=store,
        backlog=broker,
        session=broker.session,
        reap=reap,
        deaths=store,
        provision=provision,
    )


def main() -> None:
    """Run until it is stopped."""
    push.open_ports = open_in_memory  # type: ignore[assignment,attr-defined]
    settings = load(os.environ)
    process.run(
        "push", settings, lambda on_stop: push.serve_push(settings, on_stop), supervised=False
    )


if __name__ == "__main__":
    main()
