"""One run of real processes under random traffic, recorded.

``logweir serve`` is the product as it is, started as a user starts it; its data directory lies on
a recorder. A seed gives the traffic and what befalls it; the moments are the machine's, so a
recording is kept where something was found in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw
from tests.crash.texts import POISON, make_text
from tests.power.mount import ROOT, Mount, mounted
from tests.power.opened import digest_of
from tests.support.emulators import environment
from tests.support.kept import queued
from tests.support.processes import Process, free_port, running, until
from tests.support.wire import upload

from logweir.backends.local.reader import LocalReader
from logweir.envelope import sha256_of
from logweir.errors import StoreUnavailable

WITNESS: Final = Path(__file__).parent / "witness"
_TENANTS: Final = ("acme", "ACME", "initech.eu")
_SENDERS: Final = 3
_LARGE: Final = 1_100_000  # characters: no message of the broker holds so many
_DRAIN_SECONDS: Final = 60.0
_SEND_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What a recording holds. A large text makes a recording of thousands of operations."""

    seed: int
    logs: int = 14
    large: int = 0
    poisoned: int = 0
    kills: int = 1
    restarts: int = 1
    bug: str | None = None  # of tests/power/witness
    settings: Mapping[str, object] = field(
        default_factory=lambda: {"seconds_per_character": 0.0001, "chunk_seconds": 0.04}
    )

    @staticmethod
    def of(seed: int) -> Traffic:
        """What a soak records for a seed: every sixth with a large text, every third poisoned."""
        match seed % 6:
            case 0:
                quick = {"seconds_per_character": 1e-7, "chunk_seconds": 0.04}
                return Traffic(seed=seed, logs=4, large=1, settings=quick)
            case 3:
                job = {"work": "tests.power.job:run", "attempts_max": 2}
                return Traffic(seed=seed, poisoned=1, settings={**Traffic(seed=0).settings, **job})
            case kind:
                return Traffic(seed=seed, logs=12 + 2 * kind, kills=kind % 3, restarts=kind % 2)


@contextlib.contextmanager
def serving(
    mount: Mount, settings: Mapping[str, object], bug: str | None = None
) -> Iterator[Process]:
    """The product's own processes, with their files on the mount."""
    path, planted = [ROOT / "src", ROOT], {}
    if bug is not None:
        path, planted = [WITNESS, *path], {"POWER_BUG": bug}
    with (
        environment({"PYTHONPATH": os.pathsep.join(map(str, path)), **planted}),
        running("serve", mount.data_dir, **settings) as process,
    ):
        yield process


def record(directory: Path, traffic: Traffic) -> Path:
    """Run it: the recording. Raises AssertionError where the run itself goes wrong."""
    with mounted(directory) as mount:
        mount.mark(settings=traffic.settings)
        run = _Run(mount, traffic)
        with run.stack:
            run.start()
            run.send_all()
            run.drain()
        return mount.recording


class Client:
    """Sends until it is told 202, and marks what it sends and what it is told."""

    def __init__(self, mount: Mount, port: int) -> None:
        self._mount = mount
        self.port = port

    def send(self, tenant: str, log: str | None, text: str) -> None:
        """Without an id only once, since a repeat could double."""
        self._mount.mark(sent=[tenant, log, sha256_of(text)])
        if log is None:
            self.try_once(tenant, None, text)
        else:
            until(
                lambda: self.try_once(tenant, log, text) == 202,
                seconds=_SEND_SECONDS,
                saying="it was not accepted",
                every=0.05,
            )

    def try_once(self, tenant: str, log: str | None, text: str) -> int:
        """The status; 0 where there was no answer."""
        try:
            answer = upload(self.port, tenant, text, log)
        except (OSError, AssertionError):
            return 0
        if answer.status == 202:
            self._mount.mark(accepted=[tenant, answer.json["log_id"], sha256_of(text)])
        return answer.status


class _Run:
    def __init__(self, mount: Mount, traffic: Traffic) -> None:
        self._mount = mount
        self._traffic = traffic
        self._rng = random.Random(traffic.seed)
        self._port = free_port()
        self._client = Client(mount, self._port)
        self._process: Process | None = None
        self.stack = contextlib.ExitStack()

    def start(self) -> None:
        settings = {**self._traffic.settings, "port": self._port}
        self._process = self.stack.enter_context(serving(self._mount, settings, self._traffic.bug))

    def send_all(self) -> None:
        """Some senders side by side, and what befalls the service in between."""
        logs = list(self._logs())
        events = ["kill"] * self._traffic.kills + ["restart"] * self._traffic.restarts
        events += ["look"] * 3 + ["checkpoint"] * 2
        moments = sorted(self._rng.sample(range(len(logs)), min(len(events), len(logs))))
        self._rng.shuffle(events)
        happening = dict(zip(moments, events, strict=False))
        with ThreadPoolExecutor(_SENDERS) as senders:
            sending = []
            for number, log in enumerate(logs):
                sending.append(senders.submit(self._client.send, *log))
                if number in happening:
                    self._happen(happening[number])
            for sent in sending:
                sent.result()

    def drain(self) -> None:
        """Until the worker has nothing left; then look, and stop."""
        until(
            lambda: not queued(self._mount.data_dir),
            seconds=_DRAIN_SECONDS,
            saying="the queue did not drain",
            every=0.2,
        )
        asyncio.run(look(self._mount))

    def _logs(self) -> Iterator[tuple[str, str | None, str]]:
        rng, traffic = self._rng, self._traffic
        lengths = [rng.choice((60, 200, 300, 900, 1500)) for _ in range(traffic.logs)]
        lengths += [_LARGE] * traffic.large
        marks = [""] * len(lengths) + [POISON] * traffic.poisoned
        lengths += [120] * traffic.poisoned
        logs = list(zip(lengths, marks, strict=True))
        rng.shuffle(logs)
        for number, (length, mark) in enumerate(logs):
            tenant, log = rng.choice(_TENANTS), f"log-{number}"
            text = make_text(rng, length, mark).text
            yield tenant, None if length < 100 and rng.random() < 0.5 else log, text
            dice = rng.random()
            if dice < 0.15:
                yield tenant, log, text
            elif dice < 0.25:
                yield tenant, log, make_text(rng, 150).text  # in conflict

    def _happen(self, event: str) -> None:
        assert self._process is not None
        match event:
            case "look":
                asyncio.run(look(self._mount))
            case "checkpoint":
                _checkpoint(self._mount, self._rng)
            case "kill":
                victims = self._process.children(self._rng.choice(("gateway", "worker")))
                for pid in victims:
                    os.kill(pid, signal.SIGKILL)
            case _:
                if self._rng.random() < 0.5:
                    self._process.kill()
                self.stack.close()
                self.start()


async def look(mount: Mount) -> None:
    """As ``logweir ls`` and ``get`` do: what is read now must be in every later image."""
    reader = LocalReader(mount.data_dir)
    with contextlib.suppress(StoreUnavailable):  # busy: its worker is just being started
        async for tenant in reader.tenants():
            async for document in reader.documents(tenant.tenant_id):
                key = [document.tenant_id, document.log_id, document.sha256]
                mount.mark(document=key, digest=digest_of(document))
                for plan in await reader.progress(document.tenant_id, document.log_id):
                    key = [document.tenant_id, document.log_id, plan.sha256]
                    mount.mark(plan=key, recorded=plan.chunks_done)
            async for letter in reader.letters(tenant.tenant_id):
                mount.mark(letter=[letter.key.tenant, letter.key.log, letter.key.sha256])


def _checkpoint(mount: Mount, rng: random.Random) -> None:
    """As an operator's backup may do; SQLite itself does it at 1,000 pages and at the end."""
    files = [mount.data_dir / "broker.sqlite3", *mount.data_dir.glob("tenants/*.sqlite3")]
    for path in files:
        with contextlib.suppress(apsw.BusyError, apsw.CantOpenError):
            db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            db.execute(f"PRAGMA wal_checkpoint({rng.choice(('PASSIVE', 'RESTART', 'TRUNCATE'))})")
            db.close()
