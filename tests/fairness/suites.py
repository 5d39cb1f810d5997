"""What is measured on each back end, and the bound that its code promises: docs/fairness.md."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.fairness import places
from tests.fairness.measure import Flood, Measured, measure
from tests.support.cloud import AnyCloud, amazon, google
from tests.support.emulators import emulators_running
from tests.support.functions import deployed
from tests.support.ministack import ministack_running

from logweir.entrypoints.supervisor import _BACKOFF_SECONDS_MAX
from logweir.entrypoints.worker import POLL_SECONDS
from logweir.settings import Settings

WORK_SECONDS: Final = 0.5  # of a log of 50 characters, and of a chunk
NOISE: Final = 4.0  # machines have other things to do; without fairness it would be twenty times
_WORK: Final[dict[str, object]] = {
    "seconds_per_character": WORK_SECONDS / 50,
    "chunk_seconds": WORK_SECONDS,
    "drain_seconds": 0.2,
}
_START_SECONDS: Final = 1.0  # of a worker's process
_PLACES: Final = 250  # at work at once on one machine
_CLOUD_PLACES: Final = 50

SHORT: Final = Flood(name="short logs", logs=10_000)
LONG: Final = Flood(name="long logs, 20 chunks each", logs=500, characters=1000, singles=20)
POISON: Final = Flood(name="short logs, and poison", logs=2000, poisons=3, every_seconds=1.0)
CLOUD: Final = Flood(name="short logs", logs=600, singles=20, every_seconds=0.2, alone=3)
FUNCTIONS: Final = replace(CLOUD, logs=200)

Suite = Callable[[Path], AsyncIterator[Measured]]


async def embedded(home: Path) -> AsyncIterator[Measured]:
    """A claim goes to the tenant with the fewest in flight: the next free place is the quiet's."""
    for flood in (SHORT, LONG):
        yield await one_machine(home / flood.name[:5], flood)


async def one_machine(home: Path, flood: Flood) -> Measured:
    """One flood on one machine."""
    work = {**_WORK, "concurrency": _PLACES}
    return await measure(
        places.embedded(home / "quiet", work),
        places.embedded(home / "flooded", work),
        flood,
        bound_seconds=WORK_SECONDS + POLL_SECONDS,
        noise=NOISE,
    )


async def poisoned(home: Path) -> AsyncIterator[Measured]:
    """Emptying its hands, a company of suspects, its death, and another worker."""
    settings = Settings(
        seconds_per_character=WORK_SECONDS / 50,
        chunk_seconds=WORK_SECONDS,
        drain_seconds=0.2,
        concurrency=_PLACES,
    )
    measured = await measure(
        places.embedded_with_poison(home / "quiet", settings),
        places.embedded_with_poison(home / "flooded", settings),
        POISON,
        bound_seconds=2 * WORK_SECONDS + _BACKOFF_SECONDS_MAX + _START_SECONDS,
        noise=NOISE,
    )
    said = (home / "flooded" / "stderr.log").read_text()
    yield replace(measured, deaths=said.count('"process_died"'))


async def gcp(home: Path) -> AsyncIterator[Measured]:
    """Pub/Sub knows no tenants: a log waits behind those before it."""
    with emulators_running(home / "emulators") as addresses:
        yield await on_cloud(lambda: google(addresses, home))


async def aws(home: Path) -> AsyncIterator[Measured]:
    """The emulator knows no fair queues: a log waits behind those before it."""
    with ministack_running(home / "ministack") as address:
        yield await on_cloud(lambda: amazon(address, home))


async def functions(home: Path) -> AsyncIterator[Measured]:
    """The functions of AWS's template, on its emulator."""
    with (
        ministack_running(home / "ministack") as address,
        deployed(address, home, SecondsPerCharacter="0.01", ChunkSeconds="1") as lambdas,
    ):
        place = places.Lambdas(lambdas)
        yield await measure(place, place, FUNCTIONS, bound_seconds=None, noise=NOISE)


async def on_cloud(new: Callable[[], AnyCloud]) -> Measured:
    """``logweir serve --backend …``, in two places of their own."""
    work = {**_WORK, "concurrency": _CLOUD_PLACES}
    quiet, flooded = (places.cloud(new(), work) for _ in range(2))
    return await measure(quiet, flooded, CLOUD, bound_seconds=None, noise=NOISE)


SUITES: Final[dict[str, Suite]] = {
    "embedded": embedded,
    "poison": poisoned,
    "gcp": gcp,
    "aws": aws,
    "functions": functions,
}


async def run(name: str) -> list[Measured]:
    """All of a suite."""
    with tempfile.TemporaryDirectory(prefix="logweir-fair-") as home:
        return [measured async for measured in SUITES[name](Path(home))]


def assert_fair(measured: Measured) -> None:
    print(measured.flood.name, *measured.spreads, f"bound {measured.bound_seconds:.2f} s")
    assert measured.findings == ()
