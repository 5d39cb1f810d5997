"""How a run is set up, drawn from its seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from logweir.limits import DEFAULT_LIMITS, Limits

SECONDS_PER_CHARACTER: Final = 0.05
TEXT_BYTES_MAX: Final = 2000
_DELIVERIES_UNCOUNTED: Final = 10  # of the product, where the store counts deaths


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What differs from run to run besides faults and traffic."""

    limits: Limits
    chunk_characters: int | None
    message_bytes_max: int
    lanes: int
    gateways: int
    workers: int
    concurrency: int
    batch: int  # most messages in one answer to a claim
    poll_seconds: float  # a claim waits so long for messages
    counts_deaths: bool  # does the store count deaths, since the broker cannot tell them?
    backstop: int | None  # deliveries after which the broker gives a message up
    notices_deaths: bool  # at once, as a kernel does, or when the lease is over
    faulty_seconds: float
    late_seconds: float  # most that a message or a lost request is late


def draw_settings(rng: random.Random) -> Settings:
    """Small worlds: a few seconds of work, and limits that a few faults reach."""
    counts_deaths = rng.random() < 0.3
    lease_seconds = rng.choice((5.0, 10.0, 20.0))
    deliveries_max = _DELIVERIES_UNCOUNTED + 2 if counts_deaths else rng.randint(3, 6)
    return Settings(
        limits=replace(
            DEFAULT_LIMITS,
            text_bytes_max=TEXT_BYTES_MAX,
            attempts_max=rng.randint(2, 4),
            deliveries_max=deliveries_max,
            lease_seconds=lease_seconds,
            heartbeat_seconds=lease_seconds / 5,
            drain_seconds=rng.choice((0.5, 2.0)),
            publish_seconds_max=rng.choice((2.0, 5.0)),
        ),
        chunk_characters=rng.choice((None, 16, 25, 40, 40, 60)),
        message_bytes_max=rng.choice((440, 480, 1 << 20)),
        lanes=rng.randint(1, 2),
        gateways=rng.randint(1, 2),
        workers=rng.choice((1, 1, 2, 3)),
        concurrency=rng.choice((1, 6, 20, 20)),
        batch=rng.choice((1, 3, 10)),
        poll_seconds=rng.choice((2.0, 6.0)),
        counts_deaths=counts_deaths,
        backstop=deliveries_max + rng.randint(2, 5) if counts_deaths else None,
        notices_deaths=rng.random() < 0.5,
        faulty_seconds=rng.uniform(5.0, 25.0),
        late_seconds=rng.choice((1.0, 5.0, 15.0)),
    )
