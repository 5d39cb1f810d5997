"""What a back end gives: one object for gateway, workers and commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from logweir.clock import Clock
from logweir.pipeline.admission import Uncounted, WorkLedger
from logweir.pipeline.broker import BacklogReader, Publisher
from logweir.pipeline.plan import chunk_characters
from logweir.pipeline.source import Session
from logweir.pipeline.store import DeathCounter, Reader, Store
from logweir.settings import Settings


def longest_chunk(settings: Settings, publisher: Publisher) -> int | None:
    """Characters of a chunk, by the settings and by what the broker can hold; None: no chunks."""
    return chunk_characters(
        settings.chunk_seconds, settings.seconds_per_character, publisher.message_bytes_max
    )


async def _nothing_to_provision(push_to: str | None) -> None:
    """It makes its files by itself, or is deployed."""


def _nothing_to_warm_up() -> None:
    """Its first use is like any other."""


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
    # How much of what was accepted is unfinished, where the back end tells.
    ledger: WorkLedger = field(default_factory=Uncounted)
    # Make what the broker needs, to be pulled, or to push to a URL. What is deployed is left alone.
    provision: Callable[[str | None], Awaitable[None]] = _nothing_to_provision
    # A session over what the broker itself put aside, where the lanes are pushed to us.
    returned: Callable[[], Awaitable[Session]] | None = None
    # Hide a message that was pushed to us: its queue's ARN, its receipt handle, for how long.
    hide: Callable[[str, str, float], Awaitable[None]] | None = None
    # Make now what the first use of the store would make, where the start is the time for it.
    warm_up_store: Callable[[], None] = _nothing_to_warm_up
