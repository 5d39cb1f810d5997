"""Where fairness is measured: each back end as its users run it, in a place of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    contextmanager,
    nullcontext,
)
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from tests.crash.service import WITNESS, Service
from tests.support.cloud import AnyCloud
from tests.support.functions import Functions
from tests.support.processes import READY_SECONDS, STOP_SECONDS, free_port, running, until

from logweir.bootstrap import Ports, open_ports
from logweir.settings import Settings


class Place(Protocol):
    """Logs go in at ``url``, on at most so many connections."""

    url: str
    connections: int

    async def provision(self, ports: Ports) -> None:
        """Make what is missing there."""
        ...

    def filling(self) -> AbstractContextManager[object]:
        """Meanwhile logs are taken in, and not worked on."""
        ...

    def working(self) -> AbstractContextManager[object]:
        """Meanwhile they are worked on too."""
        ...

    def open_ports(self) -> AbstractAsyncContextManager[Ports]:
        """The same back end, in this process."""
        ...


Running = Callable[[str], AbstractContextManager[object]]  # of a role, until the block ends


class Processes:
    """``logweir gateway``, and then ``logweir serve`` on the same port."""

    connections = 64

    def __init__(
        self, port: int, run: Running, ports: Callable[[], AbstractAsyncContextManager[Ports]]
    ) -> None:
        self.url = f"http://127.0.0.1:{port}/ingest"
        self._run = run
        self._open_ports = ports

    async def provision(self, ports: Ports) -> None:
        """On an emulator, as ``serve`` does it."""
        await ports.provision(None)

    def filling(self) -> AbstractContextManager[object]:
        """The gateway."""
        return self._run("gateway")

    def working(self) -> AbstractContextManager[object]:
        """All of it."""
        return self._run("serve")

    def open_ports(self) -> AbstractAsyncContextManager[Ports]:
        """Its files, or its project or prefix."""
        return self._open_ports()


def embedded(home: Path, work: Mapping[str, object]) -> Processes:
    """One machine. ``work``: settings."""
    home.mkdir(parents=True)
    port, data = free_port(), home / "data"
    return Processes(
        port,
        lambda role: running(role, data, port=port, **work),
        lambda: open_ports(Settings(data_dir=data)),
    )


def embedded_with_poison(home: Path, settings: Settings) -> Processes:
    """One machine, whose worker is killed by the texts that say so."""
    data = home / "data"
    there = replace(settings, data_dir=data, port=free_port())

    @contextmanager
    def run(role: str) -> Iterator[None]:
        service = Service(there, role=role, module=WITNESS)
        service.start()
        assert service.process is not None
        try:
            until(lambda: _listens(there.port), seconds=READY_SECONDS)
            yield
        finally:
            service.process.terminate()
            service.process.wait(STOP_SECONDS)

    return Processes(there.port, run, lambda: open_ports(Settings(data_dir=data)))


def cloud(of: AnyCloud, work: Mapping[str, object]) -> Processes:
    """``logweir serve --backend …`` on an emulator."""
    port = free_port()
    return Processes(port, lambda role: of.running(role, port=port, **work), of.open_ports)


class Lambdas:
    """AWS's functions, which their event source mappings call."""

    connections = 8  # the emulator starts a process for each request that finds the others busy

    def __init__(self, functions: Functions) -> None:
        self.url = functions.url
        self._functions = functions

    async def provision(self, ports: Ports) -> None:
        """The template has made everything."""

    def filling(self) -> AbstractContextManager[object]:
        """The mapping of the logs is off."""
        return self._functions.gathering("logs")

    def working(self) -> AbstractContextManager[object]:
        """It is on."""
        return nullcontext()

    def open_ports(self) -> AbstractAsyncContextManager[Ports]:
        """Its prefix."""
        return self._functions.cloud.open_ports()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
