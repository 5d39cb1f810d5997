"""How long a quiet tenant's single logs take, alone and while a noisy tenant's flood waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.crash.texts import POISON
from tests.fairness.places import Place

from logweir.envelope import Source
from logweir.ids import LogId, TenantId
from logweir.pipeline.store import Reader
from logweir.verify.post import Poster
from logweir.verify.tally import Spread, spread
from logweir.verify.traffic import Request

NOISY: Final = TenantId("noisy")
QUIET: Final = TenantId("quiet")
_LOOK_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 100.0  # then a single log counts as lost, which is a finding too


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """What the noisy tenant has waiting, and when the quiet one sends its single logs."""

    name: str
    logs: int
    characters: int = 50
    poisons: int = 0
    singles: int = 25
    every_seconds: float = 0.5
    single_characters: int = 10
    alone: int = 10  # single logs before the flood

    def requests(self) -> Iterator[Request]:
        """The flood, its poison first."""
        for number in range(self.poisons):
            yield _log(NOISY, f"poison-{number}", POISON.ljust(self.characters, "."))
        for number in range(self.logs):
            yield _log(NOISY, f"noisy-{number}", f"{number:<{self.characters}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Seconds from 202 to document, of the quiet tenant's logs."""

    flood: Flood
    alone: Sequence[float]
    among: Sequence[float]
    waiting: int  # logs of the flood that were not done when the last of these was sent
    bound_seconds: float
    deaths: int = 0  # of workers, by poison
    findings: Sequence[str] = ()

    @property
    def spreads(self) -> tuple[Spread, Spread]:
        """Alone, and among the flood; in milliseconds."""
        return spread(self.alone), spread(self.among)

    @property
    def delay_seconds_max(self) -> float:
        """What the flood cost: the slowest with it, less the usual one without."""
        return max(self.among) - sorted(self.alone)[len(self.alone) // 2]


async def measure(
    quiet: Place, flooded: Place, flood: Flood, *, bound_seconds: float | None, noise: float
) -> Measured:
    """In a place that has nothing else to do, then in one where the flood waits.

    ``bound_seconds``: what the flood may cost a log; None: as much as the flood itself takes, at
    the rate at which it was seen to be worked on.
    """
    async with quiet.open_ports() as ports:
        await quiet.provision(ports)
        with quiet.working():
            await _singles(quiet.url, ports.reader, "warm", 1, flood)
            alone = await _singles(quiet.url, ports.reader, "alone", flood.alone, flood)
    async with flooded.open_ports() as ports:
        await flooded.provision(ports)
        with flooded.filling():
            await _post_all(flooded, flood.requests())
        with flooded.working():
            waiting = asyncio.create_task(_waiting(ports.reader, flood))
            among = await _singles(flooded.url, ports.reader, "among", flood.singles, flood)
    left = await waiting
    per_second = (flood.logs - left) / ((flood.singles - 1) * flood.every_seconds)
    measured = Measured(
        flood=flood,
        alone=alone,
        among=among,
        waiting=left,
        bound_seconds=bound_seconds or flood.logs / max(1.0, per_second),
    )
    return replace(measured, findings=tuple(_findings(measured, noise)))


def _findings(measured: Measured, noise: float) -> Iterator[str]:
    most = max(measured.alone) + noise * measured.bound_seconds
    if max(measured.among) > most:
        yield (
            f"{measured.flood.name}: a single log took {max(measured.among):.1f} s,"
            f" and must not take more than {most:.1f} s"
        )


async def _singles(
    url: str, reader: Reader, name: str, count: int, flood: Flood
) -> Sequence[float]:
    """An open loop: each is sent when it is due, whatever became of the others."""

    async def send(post: Poster, number: int) -> float:
        await asyncio.sleep(number * flood.every_seconds)
        return await _single(post, reader, f"{name}-{number}", flood)

    async with Poster(url, count) as post:
        return await asyncio.gather(*(send(post, number) for number in range(count)))


async def _waiting(reader: Reader, flood: Flood) -> int:
    await asyncio.sleep((flood.singles - 1) * flood.every_seconds)
    counts = {each.tenant_id: each.documents async for each in reader.tenants()}
    return flood.logs - counts.get(NOISY, 0)


async def _single(post: Poster, reader: Reader, name: str, flood: Flood) -> float:
    log = LogId(name)
    reply = await post(_log(QUIET, log, "x" * flood.single_characters))
    assert reply.status == 202, reply
    began = time.monotonic()
    while await reader.document(QUIET, log) is None:
        if time.monotonic() > began + _PATIENCE_SECONDS:
            return _PATIENCE_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


async def _post_all(place: Place, requests: Iterable[Request]) -> None:
    """As fast as the connections take them."""
    left = iter(requests)

    async def post_some() -> None:
        for request in left:
            reply = await post(request)
            assert reply.status == 202, reply

    at_once = place.connections
    async with Poster(place.url, at_once) as post, asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(post_some())


def _log(tenant: TenantId, log: str, text: str) -> Request:
    return Request(index=0, tenant=tenant, log=LogId(log), source=Source.TEXT, text=text, canary="")
