"""A cloud's back end as its users run it: real processes, on emulators, in a place of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from tests.support.emulators import environment
from tests.support.outside_aws import Dynamo, Sqs
from tests.support.outside_gcp import Firestore, PubSub
from tests.support.outsider import Broker, Store
from tests.support.processes import Process, running
from tests.support.wire import Answer, ask, request

from logweir.bootstrap import Ports, open_ports
from logweir.settings import load

ROOT: Final = Path(__file__).parents[2]
_SHOWN_CHARACTERS: Final = 6000  # of what a process said, where a test fails


_BrokerT_co = TypeVar("_BrokerT_co", bound=Broker, covariant=True)


@dataclass
class Cloud(Generic[_BrokerT_co]):
    """A project or a prefix that nobody else uses, on the emulators at these addresses."""

    addresses: Mapping[str, str]  # by the variables that clients find them with
    home: Path
    settings: Mapping[str, str]  # the back end, and where it is
    broker: _BrokerT_co  # both without anything of ours
    store: Store
    processes: list[Process] = field(default_factory=list)  # all that were ever started
    others: Callable[[], Mapping[str, str]] = dict  # what else runs there has said, by its names

    @property
    def variables(self) -> dict[str, str]:
        """The environment of everything that belongs to it."""
        ours = {f"LOGWEIR_{name.upper()}": value for name, value in self.settings.items()}
        return {**self.addresses, **ours}

    @contextmanager
    def running(self, role: str, **settings: object) -> Iterator[Process]:
        """``logweir ROLE`` there; afterwards it must have printed no traceback."""
        ours = {**self.settings, **settings}
        with (
            environment(dict(self.addresses)),
            running(role, self.home / "data", **ours) as process,
        ):
            self.processes.append(process)
            yield process

    async def provision(self) -> None:
        """Make queues or topics, and tables, that are missing."""
        async with self.open_ports() as ports:
            await ports.provision(None)

    def open_ports(self) -> AbstractAsyncContextManager[Ports]:
        """The back end, in this process."""
        return open_ports(load(self.variables))

    def said(self) -> Iterator[tuple[str, str]]:
        """What each process and function has said at last, with its name."""
        processes = {f"{each.role} {each.pid}": each.stderr for each in self.processes}
        for name, said in {**processes, **self.others()}.items():
            yield name, said[-_SHOWN_CHARACTERS:]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of this name that any of the processes has logged."""
        lines = [line for process in self.processes for line in process.stderr.splitlines()]
        return events_in(lines, name)

    def shell(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command of ours, to its end."""
        others = {name: v for name, v in os.environ.items() if not name.startswith("LOGWEIR_")}
        return subprocess.run(
            [sys.executable, "-m", "logweir", *arguments],
            input=stdin,
            env={**others, **self.variables},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def json(self, *arguments: str) -> list[Any]:
        """What a command prints with --json."""
        result = self.shell(*arguments, "--json")
        assert not result.stderr, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]


AnyCloud = Cloud[Broker]
Google = Cloud[PubSub]
Amazon = Cloud[Sqs]


def google(addresses: Mapping[str, str], home: Path) -> Google:
    """A project that nobody has used."""
    project = _unused()
    return Cloud(
        addresses,
        home,
        settings={"backend": "gcp", "gcp_project": project},
        broker=PubSub(addresses["PUBSUB_EMULATOR_HOST"], project),
        store=Firestore(addresses["FIRESTORE_EMULATOR_HOST"], project),
    )


def amazon(addresses: Mapping[str, str], home: Path) -> Amazon:
    """A prefix that nobody has used."""
    endpoint, prefix = addresses["AWS_ENDPOINT_URL"], _unused()
    return Cloud(
        addresses,
        home,
        settings={"backend": "aws", "aws_prefix": prefix},
        broker=Sqs(endpoint, prefix),
        store=Dynamo(endpoint, prefix),
    )


def _unused() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"  # a prefix on AWS is short


def events_in(lines: Iterable[str], name: str) -> list[dict[str, Any]]:
    """Those of this name; what is no event is left out."""
    read = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    # Cloud Logging has a name of its own for it.
    return [event for event in read if name in (event.get("event"), event.get("message"))]


def send_text(to: int | str, tenant: str, log: str, text: str, seconds: float = 30.0) -> Answer:
    """Send as text/plain, once, to a gateway's port or to a URL."""
    headers = ("Content-Type: text/plain", f"X-Tenant-ID: {tenant}", f"X-Log-ID: {log}")
    return post(to, *headers, body=text.encode(), seconds=seconds)


def send_json(to: int | str, tenant: str, log: str, text: str, seconds: float = 30.0) -> Answer:
    """Send as application/json, once, to a gateway's port or to a URL."""
    members = {"tenant_id": tenant, "log_id": log, "text": text}
    body = json.dumps(members, ensure_ascii=False).encode()
    return post(to, "Content-Type: application/json", body=body, seconds=seconds)


def post(to: int | str, *headers: str, body: bytes, seconds: float = 30.0) -> Answer:
    """Send a body, once, to a gateway's port or to a URL."""
    url = urlsplit(f"http://127.0.0.1:{to}/ingest" if isinstance(to, int) else to)
    assert url.port is not None
    raw = request(*headers, body=body, line=f"POST {url.path} HTTP/1.1".encode())
    answer = ask(url.port, raw, timeout=seconds)
    assert answer is not None, "the connection ended without an answer"
    return answer
