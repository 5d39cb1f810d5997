"""A storm: traffic on a served Logweir while its processes are killed at random moments."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from tests.crash import dump
from tests.crash.checker import Document
from tests.crash.client import Client, traffic
from tests.crash.outcome import Outcome, journal_path, judge, spread
from tests.crash.service import PRODUCT, Service, drained, free_port, running, send_signal, until

from logweir.backends.local.leases import SUSPECT_DEATHS
from logweir.settings import Settings

_WATCHED_SECONDS_MAX: Final = 20.0  # resumption is waited for at most so long
_POLL_SECONDS: Final = 0.004
_SNAPSHOT_EVERY: Final = 8  # kills
_LONG_CHARACTERS: Final = 2500  # five chunks


class Target(StrEnum):
    """What is killed."""

    WORKER = "worker"
    GATEWAY = "gateway"
    BOTH = "both"
    ALL = "all"  # the supervisor too, and started again


_WEIGHTS: Final = {Target.WORKER: 60, Target.GATEWAY: 22, Target.BOTH: 12, Target.ALL: 6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What is to happen. The seed gives the order of the kills; the moments are the machine's."""

    kills: int
    seed: int
    workers: int = 2
    module: str = PRODUCT
    logs_per_second: float = 12.0
    characters: tuple[int, int] = (200, 900)
    seconds_per_character: float = 0.005
    chunk_seconds: float = 2.5
    calm: tuple[float, float] = (0.3, 3.5)  # seconds between two kills
    drain_seconds_max: float = 120.0


@dataclass
class _Resumptions:
    """Seconds from a worker's death until a living one holds a message of the dead one's again.

    Where all of them have seen so many deaths that they are suspects now, they wait for a turn of
    their own: counted apart.
    """

    broker: Path
    ordinary: list[float] = field(default_factory=list)
    suspects: list[float] = field(default_factory=list)
    handed_back: list[float] = field(default_factory=list)
    overtaken: int = 0
    _current: threading.Event = field(default_factory=threading.Event)

    def kill(self, pids: list[int]) -> asyncio.Task[None]:
        """Kill workers, and watch what becomes of their messages."""
        self.overtake()
        held = dump.rows(
            self.broker,
            "SELECT m.id, m.lease, m.deaths FROM messages m JOIN sessions s ON s.id = m.lease"
            f" WHERE s.pid IN ({', '.join(map(str, pids))})",
        )
        for pid in pids:
            send_signal(pid, signal.SIGKILL)
        killed = time.monotonic()
        ordinary = {message for message, _, deaths in held if deaths + 1 < SUSPECT_DEATHS}
        return asyncio.create_task(
            asyncio.to_thread(
                self._watch,
                killed,
                ordinary or {message for message, *_ in held},
                {session for _, session, _ in held},
                self.ordinary if ordinary else self.suspects,
                self._current,
            )
        )

    def overtake(self) -> None:
        """Another kill comes: who is still being watched is not measured."""
        self._current.set()
        self._current = threading.Event()

    def _watch(
        self,
        killed: float,
        messages: set[int],
        dead: set[int],
        seconds: list[float],
        overtaken: threading.Event,
    ) -> None:
        if not messages:
            return
        back = False
        with dump.reading(self.broker) as db:
            while True:
                query = "SELECT id, lease FROM messages WHERE state = 'leased'"
                leases: dict[Any, Any] = {row[0]: row[1] for row in db.execute(query)}
                now = time.monotonic() - killed
                if not back and dead.isdisjoint(leases.values()):
                    back = True
                    self.handed_back.append(now)
                if any(leases.get(message, -1) not in {-1, *dead} for message in messages):
                    seconds.append(now)
                    return
                if overtaken.is_set():  # by the next kill
                    self.overtaken += 1
                    return
                if now > _WATCHED_SECONDS_MAX:
                    seconds.append(now)
                    return
                time.sleep(_POLL_SECONDS)


async def storm(directory: Path, plan: Storm) -> Outcome:
    """Raises TimeoutError where the backlog does not drain afterwards."""
    rng = random.Random(plan.seed)
    settings = Settings(
        data_dir=directory / "data",
        port=free_port(),
        workers=plan.workers,
        seconds_per_character=plan.seconds_per_character,
        chunk_seconds=plan.chunk_seconds,
    )
    service = Service(
        settings, module=plan.module, witness={"DOOM_JOURNAL": str(journal_path(settings))}
    )
    client = Client(service.url)
    over = asyncio.Event()
    async with running(service):
        await service.listening()
        sending = asyncio.create_task(
            traffic(
                client,
                random.Random(plan.seed + 1),
                per_second=plan.logs_per_second,
                characters=plan.characters,
                long_characters=_LONG_CHARACTERS,
                ended=over.is_set,
            )
        )
        await asyncio.sleep(1.0)
        kills, resumptions, earlier = await _kill_at_random(service, plan, rng)
        over.set()
        logs = await sending
        drain = await drained(settings.data_dir, plan.drain_seconds_max)
        code = await service.stop()
    assert code == 0, f"the supervisor ended with {code}"
    report = judge(settings, client.history, earlier=earlier)
    figures = {target: kills[target] for target in Target}
    return Outcome(
        name=f"storm, seed {plan.seed}, of {plan.module}",
        report=report,
        kills=kills.total(),
        resumed=resumptions.ordinary,
        figures=figures
        | {
            "logs": logs,
            "drained in": f"{drain:.1f} s",
            "handed back": spread(resumptions.handed_back),
            "resumed": f"{spread(resumptions.ordinary)} of {len(resumptions.ordinary)}",
            "suspects waited": f"{spread(resumptions.suspects)} of {len(resumptions.suspects)}",
            "overtaken by the next kill": resumptions.overtaken,
        },
    )


async def _kill_at_random(
    service: Service, plan: Storm, rng: random.Random
) -> tuple[Counter[Target], _Resumptions, list[Document]]:
    kills: Counter[Target] = Counter()
    resumptions = _Resumptions(service.settings.data_dir / "broker.sqlite3")
    watches = []
    earlier: list[Document] = []
    while kills.total() < plan.kills:
        target = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        await until(lambda: bool(service.children("worker")), 10.0, "a worker")
        workers, gateways = service.children("worker"), service.children("gateway")
        if target is Target.ALL:
            resumptions.overtake()
            service.kill_all()
            await asyncio.sleep(rng.uniform(0.0, 0.5))
            service.start()
        if target in (Target.GATEWAY, Target.BOTH):
            for pid in gateways:
                send_signal(pid, signal.SIGKILL)
        if target in (Target.WORKER, Target.BOTH):
            watches.append(resumptions.kill([rng.choice(workers)]))
        kills[target] += 1
        if kills.total() % _SNAPSHOT_EVERY == 0:
            earlier += await asyncio.to_thread(dump.documents, service.settings.data_dir)
        # Now and then while the last victim is still being started again.
        await asyncio.sleep(rng.uniform(0, 0.4) if rng.random() < 0.2 else rng.uniform(*plan.calm))
    await asyncio.gather(*watches)
    return kills, resumptions, earlier
