"""One run: gateways, workers, clients and what goes wrong, all from one seed.

clients ──▶ Ingest ──▶ Broker ──▶ Worker ──▶ Consumer ──▶ Store      the product's, but for ports
              └─ processes: killed, paused, drained, started again ─┘

|── faults ──────────────────────|── none any more ──▶ all must be done within a bound ──|
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from tests.simulation.broker import Broker
from tests.simulation.clients import Clients
from tests.simulation.faults import Fault, Faults, Port
from tests.simulation.gateway import SimulatedGateway
from tests.simulation.loop import SimulatedLoop, Stuck
from tests.simulation.oracle import Finding, Oracle
from tests.simulation.ports import Network
from tests.simulation.process import Process, SimulatedClock
from tests.simulation.publisher import BrokerPort
from tests.simulation.settings import SECONDS_PER_CHARACTER, draw_settings
from tests.simulation.store import SimulatedStore
from tests.simulation.trace import Trace
from tests.simulation.traffic import Request, Sickness, draw_traffic
from tests.simulation.verdict import check_end
from tests.simulation.work import WatchedConsumer, WatchedWork

from logweir.backends.memory import MemoryStore
from logweir.entrypoints.worker import Worker
from logweir.ids import LogId
from logweir.pipeline.consume import Consumer
from logweir.pipeline.plan import Planner

_RESTART_SECONDS_MAX: Final = 1.0
_OUTAGE_SECONDS_MAX: Final = 6.0
_CLOCK_SECONDS_MAX: Final = 7200.0
_LOOK_SECONDS: Final = 1.0  # between two looks whether all is done
_RETRY_SECONDS_MAX: Final = 10.0  # the product's longest backoff


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run."""

    seed: int
    findings: list[Finding]
    fired: Counter[Fault]
    covered: Counter[str]
    turns: int
    virtual_seconds: float
    drain_seconds: float
    trace: Trace


class World:
    """Everything of one run."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.rng = rng
        self.settings = draw_settings(rng)
        self.requests = draw_traffic(rng)
        self.loop = SimulatedLoop(rng)
        self.faults = Faults(rng, self.loop)
        self.trace = Trace(self.loop)
        self.network = Network(self.loop, rng, self.faults, self.trace, self.settings)
        self.memory = MemoryStore()
        self.oracle = Oracle(self.loop, self.settings, self.memory)
        outside = Process(self.loop, "outside", 0.0)
        self.broker = Broker(SimulatedClock(outside), self.network, self.oracle)
        self.oracle.queues = self.broker.queues
        self.processes: list[Process] = []
        self.gateways: list[SimulatedGateway | None] = [None] * self.settings.gateways
        self.clients = Clients(self.gateways, self.network, self.oracle)
        self.drain_seconds = 0.0
        self._raised: Counter[str] = Counter()
        self._workers: dict[Process, Worker] = {}
        self._sending: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Traffic under faults; then no faults, and all must be done within the bound."""
        for place in range(self.settings.gateways):
            self._start_gateway(place)
        for _ in range(self.settings.workers):
            self._start_worker()
        self._sending = [
            self.loop.create_task(self.clients.send(request)) for request in self.requests
        ]
        for at, fault in self.faults.moments(self.settings.faulty_seconds):
            self.loop.call_at(at, self._strike, fault)
        await asyncio.sleep(self.settings.faulty_seconds)
        self._heal()
        healed_at, bound = self.loop.time(), self._bound_seconds()
        while not self._is_done():
            if self.loop.time() - healed_at > bound:
                self.oracle.found("I9", f"not done {bound:.0f} s after the last fault")
                return
            await asyncio.sleep(_LOOK_SECONDS)
        self.drain_seconds = self.loop.time() - healed_at
        check_end(self.oracle, self.clients.history, calm=not self.faults.fired)

    def _is_done(self) -> bool:
        return not self.broker.left and all(task.done() for task in self._sending)

    def _bound_seconds(self) -> float:
        """Everything one after the other, each as often and as late as it may come."""
        limits, settings = self.settings.limits, self.settings
        late = limits.lease_seconds + settings.late_seconds + _RETRY_SECONDS_MAX
        return 30 + 2 * late + sum(map(self._longest_seconds, self.requests))

    def _longest_seconds(self, request: Request) -> float:
        limits = self.settings.limits
        work = len(request.text) * SECONDS_PER_CHARACTER
        if Sickness.KILLER in request.text:
            life = work + limits.lease_seconds + _RETRY_SECONDS_MAX + _RESTART_SECONDS_MAX
            return 2 * limits.deliveries_max * life
        if Sickness.POISON in request.text:
            return 2 * limits.attempts_max * (work + _RETRY_SECONDS_MAX)
        return 2 * work

    # ---- processes

    def _process(self, name: str) -> Process:
        skew = self.rng.uniform(-_CLOCK_SECONDS_MAX, _CLOCK_SECONDS_MAX)
        process = Process(self.loop, f"{name} {len(self.processes)}", skew)
        self.processes.append(process)
        self.trace.note(process.name, "starts")
        process.on_death.append(lambda: self.trace.note(process.name, "killed"))
        return process

    def _start_gateway(self, place: int) -> None:
        process = self._process("gateway")
        store = SimulatedStore(self.memory, self.network, self.oracle)
        planner = Planner(store, BrokerPort(self.broker), self.settings.chunk_characters)
        self.gateways[place] = SimulatedGateway(process, planner, self.settings.limits, self.oracle)
        process.on_death.append(lambda: self._restart_gateway(place))

    def _restart_gateway(self, place: int) -> None:
        self.gateways[place] = None
        self._soon(lambda: self._start_gateway(place))

    def _start_worker(self) -> None:
        process, settings = self._process("worker"), self.settings
        store = SimulatedStore(self.memory, self.network, self.oracle)
        port = BrokerPort(self.broker)
        consumer = Consumer(
            store=store,
            publisher=port,
            planner=Planner(store, port, settings.chunk_characters),
            work=WatchedWork(process, self.oracle, self._raised),
            clock=SimulatedClock(process),
            limits=settings.limits,
            deaths=store if settings.counts_deaths else None,
            jitter=self.rng.random,
        )
        watched: Any = WatchedConsumer(consumer)
        worker = Worker(port.session, watched, settings.limits, settings.concurrency)
        self._workers[process] = worker
        process.on_death.append(lambda: self._soon(self._start_worker))
        process.spawn(self._work(process, worker))

    async def _work(self, process: Process, worker: Worker) -> None:
        try:
            await worker.run()
        except Exception as error:  # noqa: BLE001  # it would end the process
            self.oracle.found("I9", f"a worker ended with {type(error).__name__}: {error}")
        process.on_death = []
        self.trace.note(process.name, "ends")
        process.kill()
        self._soon(self._start_worker)

    def _soon(self, start: Callable[[], None]) -> None:
        if not self.loop.over:
            self.network.later(self.rng.random() * _RESTART_SECONDS_MAX, start)

    # ---- faults

    def _strike(self, fault: Fault) -> None:
        live = [process for process in self.processes if process.runs]
        workers = [process for process in live if process in self._workers]
        gateways = [process for process in live if process not in self._workers]
        struck: Process | None = None
        match fault:
            case Fault.OUTAGE:
                seconds = self.rng.random() * _OUTAGE_SECONDS_MAX
                self.faults.begin_outage(self.rng.choice(list(Port)), seconds)
                self.trace.note("world", fault, round(seconds, 3))
                return  # counted at each call
            case Fault.KILL_GATEWAY if gateways:
                struck = self.rng.choice(gateways)
                struck.kill()
            case Fault.KILL_WORKER if workers:
                struck = self.rng.choice(workers)
                struck.kill()
            case Fault.PAUSED if live:
                struck = self.rng.choice(live)
                self.network.pause(struck)
            case Fault.DRAIN if workers:
                struck = self.rng.choice(workers)
                struck.call(self._workers[struck].stop)
            case Fault.REVOKED if workers:
                struck = self.rng.choice(workers)
                self.broker.revoke(struck)
            case Fault.CLOCK_JUMP if live:
                struck = self.rng.choice(live)
                struck.skew_seconds += self.rng.uniform(-_CLOCK_SECONDS_MAX, _CLOCK_SECONDS_MAX)
        if struck is not None:
            self.faults.fired[fault] += 1
            self.trace.note(struck.name, fault)

    def _heal(self) -> None:
        self.faults.stop()
        self.trace.note("world", "heals")

    def unwind(self) -> None:
        """End all that is under way, dead or not, so that nothing is left to the garbage."""
        for process in self.processes:
            self.loop.hold_again(process.held)
            process.held = []
        self.loop.unwind()


def simulate(seed: int) -> Outcome:
    """One run from its seed to its end."""
    world = World(seed)
    with _seeded_ids(seed):
        try:
            world.loop.run_until_complete(world.run())
        except Stuck as stuck:
            world.oracle.found("I9", str(stuck))
        world.unwind()
    return Outcome(
        seed=seed,
        findings=world.oracle.findings,
        fired=world.faults.fired,
        covered=world.oracle.covered,
        turns=world.loop.turns,
        virtual_seconds=world.loop.time(),
        drain_seconds=world.drain_seconds,
        trace=world.trace,
    )


@contextmanager
def _seeded_ids(seed: int) -> Iterator[None]:
    """The ids that gateways make are from the seed too, so that the run can be had again."""
    rng = random.Random(seed)
    with patch.object(LogId, "random", lambda: LogId(f"{rng.getrandbits(128):032x}")):
        yield
