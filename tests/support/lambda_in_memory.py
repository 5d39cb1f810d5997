"""A function on the memory back end, as Lambda runs it: python -m tests.support.lambda_in_memory.

    [gateway | worker, event, event, ...] as JSON, by standard input
    {"answers": […], "modules": […], "queued": 1}, by standard output

Settings come from the environment, as the function's do.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

from logweir.backends.memory import MemoryBroker, MemoryStore
from logweir.bootstrap.ports import Ports
from logweir.clock import SystemClock
from logweir.errors import BrokerUnavailable
from logweir.pipeline.source import Session
from logweir.settings import Settings

_clock, _store = SystemClock(), MemoryStore()
_broker = MemoryBroker(_clock)


@asynccontextmanager
async def open_in_memory(_settings: Settings) -> AsyncIterator[Ports]:
    """Ports that are gone with the process, and that nobody may provision or close before."""

    async def reap() -> int:
        raise AssertionError

    async def provision(push_to: str | None) -> None:
        raise AssertionError(push_to)

    async def returned() -> Session:
        raise BrokerUnavailable("nothing was given up")

    yield Ports(
        clock=_clock,
        publisher=_broker,
        store=_store,
        reader=_store,
        backlog=_broker,
        session=_broker.session,
        reap=reap,
        deaths=_store,
        provision=provision,
        returned=returned,
    )
    raise AssertionError("a sandbox is killed, not closed")


class Context:
    """A quarter of an hour."""

    def get_remaining_time_in_millis(self) -> int:
        """As Lambda has it."""
        return 900_000


def main() -> None:
    """Answer the events."""
    wiring: Any = ModuleType("logweir.bootstrap.aws")
    wiring.open_aws = open_in_memory
    sys.modules["logweir.bootstrap.aws"] = wiring
    role, *events = json.load(sys.stdin)
    handler = importlib.import_module(f"logweir.entrypoints.lambdas.{role}").handler
    answers = [handler(event, Context()) for event in events]
    told = {"answers": answers, "modules": [*sys.modules], "queued": len(_broker.messages)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
