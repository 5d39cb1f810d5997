"""The gcp back end as its users run it: real processes, on emulators, in a project of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support.emulators import environment
from tests.support.outsider import Firestore, PubSub
from tests.support.processes import Process, running
from tests.support.wire import Answer, ask, request

from logweir.bootstrap import Ports, open_ports
from logweir.settings import load

ROOT: Final = Path(__file__).parents[2]
_SHOWN_CHARACTERS: Final = 6000  # of what a process said, where a test fails


@dataclass
class Cloud:
    """A project that nobody else uses, on the emulators at these addresses."""

    addresses: Mapping[str, str]  # by the variables that clients find them with
    home: Path
    project: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:20]}")
    processes: list[Process] = field(default_factory=list)  # all that were ever started

    @property
    def pubsub(self) -> PubSub:
        """Pub/Sub, without anything of ours."""
        return PubSub(self.addresses["PUBSUB_EMULATOR_HOST"], self.project)

    @property
    def firestore(self) -> Firestore:
        """Firestore, without anything of ours."""
        return Firestore(self.addresses["FIRESTORE_EMULATOR_HOST"], self.project)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of everything that belongs to this project."""
        ours = {"LOGWEIR_BACKEND": "gcp", "LOGWEIR_GCP_PROJECT": self.project}
        return {**self.addresses, **ours}

    @contextmanager
    def running(self, role: str, **settings: object) -> Iterator[Process]:
        """``logweir ROLE`` in this project; afterwards it must have printed no traceback."""
        ours = {"backend": "gcp", "gcp_project": self.project, **settings}
        with (
            environment(dict(self.addresses)),
            running(role, self.home / "data", **ours) as process,
        ):
            self.processes.append(process)
            yield process

    async def provision(self) -> None:
        """Make topics and subscriptions that are missing, and have all pulled."""
        async with self.open_ports() as ports:
            await ports.provision(None)

    def open_ports(self) -> AbstractAsyncContextManager[Ports]:
        """The back end of this project in this process."""
        return open_ports(load(self.variables))

    def said(self) -> Iterator[tuple[str, str]]:
        """What each process has said on stderr at last, with its name."""
        for process in self.processes:
            yield f"{process.role} {process.pid}", process.stderr[-_SHOWN_CHARACTERS:]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of this name that any of the processes has logged."""
        lines = [line for process in self.processes for line in process.stderr.splitlines()]
        read = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in read if event.get("message") == name]

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


def send_text(port: int, tenant: str, log: str, text: str, seconds: float = 30.0) -> Answer:
    """Send as text/plain, once."""
    headers = ("Content-Type: text/plain", f"X-Tenant-ID: {tenant}", f"X-Log-ID: {log}")
    return _answered(port, request(*headers, body=text.encode()), seconds)


def send_json(port: int, tenant: str, log: str, text: str, seconds: float = 30.0) -> Answer:
    """Send as application/json, once."""
    members = {"tenant_id": tenant, "log_id": log, "text": text}
    body = json.dumps(members, ensure_ascii=False).encode()
    return _answered(port, request("Content-Type: application/json", body=body), seconds)


def _answered(port: int, raw: bytes, seconds: float) -> Answer:
    answer = ask(port, raw, timeout=seconds)
    assert answer is not None, "the connection ended without an answer"
    return answer
