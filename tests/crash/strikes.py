"""Faults befall the processes of a site, one after the other."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, assert_never

from tests.crash.faults import Fault
from tests.crash.service import send_signal, until
from tests.crash.site import Site

from logweir.verify import evidence

_STORM: Final = (2, 4)  # kills of a process that is still starting, one after the other
_START_SECONDS: Final = 0.4  # about what a process takes until it works
_APPEARS_SECONDS_MAX: Final = 15.0
_OF_GATEWAYS: Final = frozenset(
    {
        Fault.GATEWAY,
        Fault.BOTH,
        Fault.ALL,
        Fault.HANDING_BACK,
        Fault.FROZEN_GATEWAY,
        Fault.DRAIN,
    }
)
_DRAIN_SECONDS_MORE: Final = 8.0  # a supervisor waits 2 s longer than its children; a busy machine


class Strikes:
    """Makes faults happen, and keeps account."""

    def __init__(self, site: Site, rng: random.Random) -> None:
        self._site = site
        self._rng = rng
        self.kills = 0  # moments at which SIGKILL was sent, to however many processes
        self.processes = 0  # that were killed
        self.fired: Counter[Fault] = Counter()
        self.windows: list[evidence.Fault] = []
        self.gateway_gone: list[tuple[float, float]] = []  # when, and when its return could begin
        self.drained: list[float] = []  # seconds from SIGTERM to the end
        self._left = 0.0  # monotonic seconds, when the last fault left its victims alone

    async def strike(self, fault: Fault) -> None:
        """One of them. Raises TimeoutError where what died does not come back."""
        roles = ("gateway", "worker")
        await until(
            lambda: all(map(self._site.pids, roles)), self._site.return_seconds, "processes"
        )
        began, gateways = time.monotonic(), self._site.pids("gateway")
        with self._window(fault):
            await self._strike(fault)
        self.fired[fault] += 1
        if fault in _OF_GATEWAYS or gateways != self._site.pids("gateway"):
            self.gateway_gone.append((began, self._left))

    async def _strike(self, fault: Fault) -> None:
        match fault:
            case Fault.WORKER:
                await self._kill(self._one("worker"))
            case Fault.GATEWAY:
                await self._kill(self._site.pids("gateway"))
            case Fault.BOTH:
                await self._kill([*self._site.pids("gateway"), *self._one("worker")])
            case Fault.ALL:
                await self._kill_all()
                await asyncio.sleep(self._rng.uniform(0.0, 0.5))
                self._start()
            case Fault.STARTING:
                await self._kill_while_starting()
            case Fault.RECOVERING:
                worker = await self._successor("worker", self._one("worker"))
                await self._site.place.begun(worker)
                await self._kill([worker])
            case Fault.HANDING_BACK:
                await self._kill_while_handing_back()
            case Fault.FROZEN_WORKER:
                await self._site.place.freeze(self._one("worker")[0], self._site.settings)
            case Fault.FROZEN_GATEWAY:
                await self._freeze_gateway()
            case Fault.DRAIN:
                await self._drain()
            case _:
                assert_never(fault)

    async def _kill(self, pids: Sequence[int]) -> None:
        """All of them at once."""
        workers = [pid for pid in self._site.pids("worker") if pid in pids]
        for pid in set(pids) - set(workers):
            send_signal(pid, signal.SIGKILL)
        if workers:
            await self._site.place.kill(workers)
        self.kills += 1
        self.processes += len(pids)
        self._left = time.monotonic()

    async def _kill_all(self) -> None:
        self._site.place.disturb()
        self.processes += self._site.processes.kill_all()
        self.kills += 1

    async def _successor(self, role: str, pids: Sequence[int]) -> int:
        """Kill one, and wait for the process that takes its place."""
        before = set(self._site.pids(role))
        await self._kill(pids)
        found: list[int] = []

        def appeared() -> bool:
            found[:] = sorted(set(self._site.pids(role)) - before)
            return bool(found)

        await until(appeared, _APPEARS_SECONDS_MAX, f"another {role}")
        return found[0]

    async def _kill_while_starting(self) -> None:
        role = self._rng.choice(["worker", "worker", "gateway"])
        pids = self._one(role)
        for _ in range(self._rng.randint(*_STORM)):
            pids = [await self._successor(role, pids)]
            await asyncio.sleep(self._rng.uniform(0.0, _START_SECONDS))
        await self._kill(pids)

    async def _kill_while_handing_back(self) -> None:
        await self._kill_all()
        self._start()
        await self._site.place.handing_back()
        await self._kill_all()
        self._start()

    async def _freeze_gateway(self) -> None:
        [gateway, *_] = self._site.pids("gateway")
        send_signal(gateway, signal.SIGSTOP)
        try:
            await asyncio.sleep(1.2 * self._site.settings.limits.lease_seconds)
        finally:
            send_signal(gateway, signal.SIGCONT)
            self._left = time.monotonic()

    async def _drain(self) -> None:
        """What is not finished in time is handed back, and the exit code tells of no failure."""
        await self._site.processes.listening()  # who is still starting just dies of it
        self._site.place.disturb()
        began = time.monotonic()
        code = await self._site.processes.stop()
        took = time.monotonic() - began
        assert code == 0, f"it ended with {code} after SIGTERM"
        limit = self._site.settings.drain_seconds + _DRAIN_SECONDS_MORE
        assert took < limit, f"it took {took:.1f} s to end after SIGTERM"
        self._site.place.check_handed_back()
        self.drained.append(took)
        self._start()

    def _start(self) -> None:
        self._site.processes.start()
        self._left = time.monotonic()

    def _one(self, role: str) -> list[int]:
        return [self._rng.choice(self._site.pids(role))]

    @contextmanager
    def _window(self, fault: Fault) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.windows.append(
            evidence.Fault(
                name=fault.value,
                begin=begin,
                end=time.monotonic(),
                fired=1,
                paused=fault is Fault.FROZEN_WORKER,
            )
        )
