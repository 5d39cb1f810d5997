"""The product's processes: started, found, killed, frozen and ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from tests.crash.dump import messages

from logweir.settings import Settings

ROOT: Final = Path(__file__).resolve().parents[2]
PRODUCT: Final = "logweir"
WITNESS: Final = "tests.crash.doomed"  # the product, with its work written down


@dataclass
class Service:
    """One run of ``python -m logweir ROLE``, or of the same under a witness."""

    settings: Settings
    role: str = "serve"
    module: str = PRODUCT
    witness: Mapping[str, str] = field(default_factory=dict)  # what tests.crash.doomed reads
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where logs are sent."""
        return f"http://{self.settings.host}:{self.settings.port}/ingest"

    @property
    def log_path(self) -> Path:
        """What the processes said."""
        return self.settings.data_dir.parent / "stderr.log"

    def start(self) -> None:
        """Start it; it may not be ready yet."""
        self.settings.data_dir.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self.process = self._popen(log)

    def _popen(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        other = {name: value for name, value in os.environ.items() if "LOGWEIR" not in name}
        return subprocess.Popen(
            [sys.executable, "-m", self.module, self.role],
            env=other | {"PYTHONPATH": path} | dict(self.witness) | self.settings.environment(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    async def listening(self, seconds: float = 20.0) -> None:
        """Wait until the gateway answers."""

        def answers() -> bool:
            try:
                socket.create_connection((self.settings.host, self.settings.port), 1.0).close()
            except OSError:
                return False
            return True

        await until(answers, seconds, "the gateway to listen")

    def children(self, role: str) -> list[int]:
        """The living processes of a role under the supervisor."""
        assert self.process is not None
        return [pid for pid, words in _children(self.process.pid) if role in words]

    def running(self) -> AbstractAsyncContextManager[Service]:
        """Started, and none of its processes left behind."""
        return running(self)

    def kill_all(self) -> int:
        """SIGKILL to the supervisor and to all that it started; to how many."""
        if self.process is None or self.process.poll() is not None:
            return 0
        pids = [self.process.pid, *self.children("gateway"), *self.children("worker")]
        for pid in pids:
            send_signal(pid, signal.SIGKILL)
        self.process.wait()
        return len(pids)

    async def ended(self, seconds: float = 20.0) -> int:
        """Wait until the process ends by itself; its exit code."""
        process = self.process
        assert process is not None
        await until(lambda: process.poll() is not None, seconds, f"the {self.role} to end")
        return process.returncode

    async def stop(self) -> int:
        """SIGTERM, and wait."""
        assert self.process is not None
        self.process.terminate()
        return await self.ended()


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    """Start it, and leave no process behind whatever happens."""
    service.start()
    try:
        yield service
    finally:
        service.kill_all()


async def until(met: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait for a condition; how long it took. Raises TimeoutError, naming it."""
    started = time.monotonic()
    while not met():
        if time.monotonic() > started + seconds:
            raise TimeoutError(f"waited {seconds} s for {what}")
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def drained(data_dir: Path, seconds: float) -> float:
    """Wait until the broker is empty; how long it took."""
    return await until(lambda: messages(data_dir) == 0, seconds, "the broker to be empty")


def send_signal(pid: int, number: signal.Signals) -> None:
    """To a process that may be dead already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def free_port() -> int:
    """One that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _children(parent: int) -> list[tuple[int, list[str]]]:
    listed = Path(f"/proc/{parent}/task/{parent}/children")
    if not listed.exists():  # no Linux
        lines = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,args="], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        table = [line.split() for line in lines]
        return [(int(words[0]), words[2:]) for words in table if words[1] == str(parent)]
    found = []
    for pid in listed.read_text().split():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:  # it has ended meanwhile
            continue
        found.append((int(pid), command.split("\0")))
    return found
