"""(d) Publishing and claiming with a million envelopes waiting, beside an empty broker."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from bench.logs import envelopes
from logweir.backends.local.broker import LocalBroker
from logweir.clock import SystemClock
from logweir.envelope import Envelope
from logweir.limits import DEFAULT_LIMITS

_TENANTS = 100
_CHARACTERS = 100
_PUBLISHERS = 64
_CLAIM = 500


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages a second, the median of the rounds."""

    publishes_per_second: float
    claims_per_second: float


def measure(work: Path, *, waiting: int, rounds: int, messages: int) -> tuple[Depth, Depth]:
    """(with ``waiting`` envelopes, empty): the rounds alternate."""
    return asyncio.run(_measure(work, waiting, rounds, messages))


async def _measure(work: Path, waiting: int, rounds: int, messages: int) -> tuple[Depth, Depth]:
    brokers = []
    for name in ("deep", "empty"):
        (work / name).mkdir()
        brokers.append(LocalBroker(work / name, SystemClock(), DEFAULT_LIMITS))
    for first in range(0, waiting, 50_000):
        await brokers[0].publish(
            envelopes(50_000, tenants=_TENANTS, characters=_CHARACTERS, first=first)
        )
    batch = envelopes(messages, tenants=_TENANTS, characters=_CHARACTERS)
    results: list[list[Depth]] = [[], []]
    for _ in range(rounds):
        for broker, result in zip(brokers, results, strict=True):
            published = await _publish(broker, batch)
            result.append(Depth(messages / published, messages / await _claim(broker, messages)))
    for broker in brokers:
        await broker.close()
    deep, empty = (_median(result) for result in results)
    return deep, empty


async def _publish(broker: LocalBroker, batch: list[Envelope]) -> float:
    async def publish(mine: list[Envelope]) -> None:
        for envelope in mine:
            await broker.publish([envelope])

    started = time.perf_counter()
    await asyncio.gather(*(publish(batch[n::_PUBLISHERS]) for n in range(_PUBLISHERS)))
    return time.perf_counter() - started


async def _claim(broker: LocalBroker, messages: int) -> float:
    session = await broker.session()
    started = time.perf_counter()
    for _ in range(messages // _CLAIM):
        claims = await session.claim(_CLAIM, DEFAULT_LIMITS.in_flight_bytes_max, 0)
        await asyncio.gather(*(session.acknowledge(claim) for claim in claims))
    seconds = time.perf_counter() - started
    await session.end()
    return seconds


def _median(depths: list[Depth]) -> Depth:
    def middle(values: list[float]) -> float:
        return sorted(values)[len(values) // 2]

    return Depth(
        middle([depth.publishes_per_second for depth in depths]),
        middle([depth.claims_per_second for depth in depths]),
    )
