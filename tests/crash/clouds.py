"""Clouds on emulators as sites: what is served, what is pushed to, and AWS's functions."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.crash.faults import ALL_FAULTS, Fault
from tests.crash.fleet import Fleet
from tests.crash.kills import SHORT_WORK
from tests.crash.service import Service, free_port, send_signal
from tests.crash.site import Site
from tests.support.cloud import AnyCloud, Google
from tests.support.functions import Functions
from tests.support.judge import judge, settled
from tests.support.outsider import dump_of

from logweir.settings import Settings, load
from logweir.verify import evidence
from logweir.verify.evidence import Document, Sent
from logweir.verify.findings import Report

_FINISHED_SECONDS_MAX: Final = 120.0
_START_SECONDS: Final = (0.2, 1.2)  # about when a worker begins to work


class CloudPlace:
    """A project or a prefix; who holds a message, only the cloud knows."""

    def __init__(self, cloud: AnyCloud, settings: Settings, *, thaws: bool = True) -> None:
        """``thaws``: a frozen process goes on; else somebody ends it."""
        self._cloud = cloud
        self._settings = settings
        self._thaws = thaws

    async def kill(self, workers: Sequence[int]) -> None:
        """SIGKILL."""
        for pid in workers:
            send_signal(pid, signal.SIGKILL)

    def disturb(self) -> None:
        """Nothing is measured."""

    async def begun(self, worker: int) -> None:
        """At some moment about then: nobody tells."""
        await asyncio.sleep(random.Random(worker).uniform(*_START_SECONDS))

    async def handing_back(self) -> None:
        """Nothing is handed back but by time."""
        await self.begun(os.getpid())

    async def freeze(self, worker: int, settings: Settings) -> None:
        """SIGSTOP, and SIGCONT after the lease."""
        send_signal(worker, signal.SIGSTOP)
        if self._thaws:
            try:
                await asyncio.sleep(1.5 * settings.limits.lease_seconds)
            finally:
                send_signal(worker, signal.SIGCONT)

    def check_handed_back(self) -> None:
        """What is not would come late, and ``finished`` waits for it."""

    async def finished(self, history: Sequence[Sent]) -> None:
        """All that was accepted is kept, and nothing is left."""
        await settled(self._cloud, history, seconds=_FINISHED_SECONDS_MAX)

    async def documents(self) -> Sequence[Document]:
        """Of everything."""
        return dump_of(await asyncio.to_thread(self._cloud.store.everything)).documents

    async def judge(
        self,
        history: Sequence[Sent],
        faults: Sequence[evidence.Fault],
        earlier: Sequence[Document],
    ) -> Report:
        """By what somebody sees who knows nothing of ours."""
        return judge(self._cloud, history, self._settings, faults=faults, earlier=earlier)

    async def samples(self) -> Mapping[str, Sequence[float]]:
        """None."""
        return {}


def served(
    cloud: AnyCloud,
    faults: Mapping[Fault, int] = ALL_FAULTS,
    *,
    workers: int = 2,
    **work: float,
) -> Site:
    """``logweir serve --backend``: workers poll."""
    settings = _settings(cloud, **{**SHORT_WORK, **work}, workers=workers)
    service = Service(settings, witness=cloud.addresses)
    return _site(f"{settings.backend} served", cloud, service, settings, faults)


def pushed(cloud: Google) -> Site:
    """Push workers and a gateway, and a bridge that pushes as the cloud does.

    No workers that poll: Pub/Sub's emulator never forgets a streaming pull whose client was killed,
    and goes on to hand messages to it, each time until their deadline is over. After some kills
    hardly any message reaches the living, whatever client they use.
    """
    settings = _settings(cloud, **SHORT_WORK)
    faults = dict(ALL_FAULTS)
    del faults[Fault.HANDING_BACK]  # which is a supervisor's
    return _site(f"{settings.backend} pushed", cloud, Fleet(cloud, settings), settings, faults)


def deployed_functions(functions: Functions, work: Settings, log: Path) -> Site:
    """AWS's functions: their emulator starts them, and freezes and ends them too."""
    processes = FunctionProcesses(functions, log)
    faults = {Fault.WORKER: 8, Fault.GATEWAY: 1, Fault.FROZEN_WORKER: 1}
    return Site(
        name="aws functions",
        settings=work,
        processes=processes,
        place=CloudPlace(functions.cloud, work, thaws=False),
        faults=faults,
        # Who is frozen is missed when its time is up, and what it held comes back later still.
        return_seconds=60.0,
        # Most of the time they have nothing to do.
        struck=lambda _: sum(functions.cut_off(name) for name in ("logs", "chunks")),
    )


class FunctionProcesses:
    """Those that the emulator of AWS has for functions."""

    def __init__(self, functions: Functions, log: Path) -> None:
        self._functions = functions
        self.url = functions.url
        self.log_path = log

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as they are deployed."""
        yield
        names = ("gateway", "logs", "chunks")
        said = [line for name in names for line in self._functions.lines(name)]
        self.log_path.write_text("\n".join(said))

    def start(self) -> None:
        """They are."""

    async def listening(self) -> None:
        """They do."""

    def children(self, role: str) -> list[int]:
        """Those that have begun to work; what handles a batch is a worker."""
        names = ("gateway",) if role == "gateway" else ("logs", "chunks")
        return [pid for name in names for pid in self._functions.processes(name)]

    def kill_all(self) -> int:
        """Raises AssertionError: there is nobody above them."""
        raise AssertionError("functions have no supervisor")

    async def stop(self) -> int:
        """They go on to be there."""
        return 0


def _site(
    name: str,
    cloud: AnyCloud,
    processes: Service | Fleet,
    settings: Settings,
    faults: Mapping[Fault, int],
) -> Site:
    place = CloudPlace(cloud, settings)
    cloud.others = lambda: {name: processes.log_path.read_text(errors="replace")}
    return Site(name=name, settings=settings, processes=processes, place=place, faults=faults)


def _settings(cloud: AnyCloud, **work: float) -> Settings:
    settings = load(cloud.variables)
    data_dir = cloud.home / "data"
    return replace(settings, data_dir=data_dir, port=free_port(), **work)  # type: ignore[arg-type]
