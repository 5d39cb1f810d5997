"""What a back end gives: one object for gateway, workers and commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from logweir.clock import Clock
from logweir.pipeline.broker import BacklogReader, Publisher
from logweir.pipeline.source import Session
from logweir.pipeline.store import DeathCounter, Reader, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """A back end, ready for use."""

    clock: Clock
    publisher: Publisher
    store: Store
    reader: Reader
    backlog: BacklogReader
    session: Callable[[], Awaitable[Session]]
    reap: Callable[[], Awaitable[int]]
    deaths: DeathCounter | None = None  # where the broker cannot tell them from retries
