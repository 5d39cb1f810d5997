"""A disk that fails under real processes: fsyncs that fail, and no room at any write (I12).

Round by round the n-th sync, or the n-th operation that needs room, is made to fail while a client
sends; then the disk is well again, and the client sends what was answered 503 once more under its
id. Nobody repairs or restarts anything in between. Each round is another tenant's, so that a file
is being made while the disk fails.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from tests.crash.texts import make_text
from tests.power.mount import Mount, mounted
from tests.power.record import Client, look, serving
from tests.power.wire import Plan
from tests.support.kept import query, queued, texts
from tests.support.processes import Process, free_port, until

from logweir.backends.local.names import SUFFIX
from logweir.envelope import sha256_of

_Log = tuple[str, str]  # its tenant, and its id

_SETTINGS: Final = {"seconds_per_character": 0.0001, "chunk_seconds": 0.04}
_LONG: Final = 900  # characters: three chunks
_TEXTS_MAX: Final = 50  # of a round, until its fault has fired
_FULL_SECONDS: Final = 0.1
_RESUME_SECONDS: Final = 20.0
_DRAIN_SECONDS: Final = 60.0


@dataclass(slots=True)
class Outcome:
    """What came of it. ``findings``: promises that were broken."""

    recording: Path
    rounds: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    resumed_seconds: list[float] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def failing_syncs(directory: Path, rounds: Iterable[int], *, failing: int = 1) -> Outcome:
    """The n-th sync of each round fails, and so many in a row."""
    plans = [Plan(sync_fails_at=nth, syncs_failing=failing) for nth in rounds]
    return _run(directory, plans, fresh=False)


def full_disk(directory: Path, rounds: Iterable[int]) -> Outcome:
    """From the n-th write of each round on there is no room, for a while."""
    return _run(directory, [Plan(full_at=nth) for nth in rounds], fresh=False)


def full_from_the_start(directory: Path, nth: int) -> Outcome:
    """The same in a directory that is just being made."""
    return _run(directory, [Plan(full_at=nth)], fresh=True)


def _run(directory: Path, plans: list[Plan], *, fresh: bool) -> Outcome:
    with mounted(directory) as mount:
        mount.mark(settings=_SETTINGS)
        outcome = Outcome(mount.recording)
        if fresh:
            mount.data_dir.mkdir(mode=0o700)
            mount.fail(plans[0])
        with serving(mount, _SETTINGS | {"port": free_port()}) as process:
            sender = _Sender(mount, process, outcome)
            if not fresh:
                sender.send_until(lambda: True)
            for plan in plans:
                sender.play(plan)
            outcome.fired.update(mount.counts().fired)
            sender.check_at_the_end()
        return outcome


class _Sender:
    def __init__(self, mount: Mount, process: Process, outcome: Outcome) -> None:
        self._mount = mount
        self._process = process
        self._outcome = outcome
        self._client = Client(mount, process.port)
        self._sent = 0
        self._tenant = "acme"
        self._accepted: dict[_Log, str] = {}
        self._unknown: dict[_Log, str] = {}

    def play(self, plan: Plan) -> None:
        """One round."""
        fired = self._fired()
        self._mount.fail(plan)
        self._outcome.rounds += 1
        self._tenant = f"acme-{self._outcome.rounds}"
        if not self.send_until(lambda: self._fired() > fired):
            self._find(f"{plan} did not fire")
        if plan.full_at is not None:
            ends = time.monotonic() + _FULL_SECONDS
            if self.send_until(lambda: time.monotonic() > ends) and self._accepted_now:
                self._find(f"{plan}: a 202 while the disk was full")
        self._mount.heal()
        started = time.monotonic()
        until(
            lambda: self._send(_LONG) == 202,
            seconds=_RESUME_SECONDS,
            saying=f"service did not resume after {plan}",
        )
        self._outcome.resumed_seconds.append(time.monotonic() - started)
        for (tenant, log), text in list(self._unknown.items()):
            until(partial(self._is_accepted, tenant, log, text), seconds=_RESUME_SECONDS)

    def send_until(self, met: Callable[[], bool]) -> bool:
        """Send new texts until the condition is true; False where it never was."""
        self._accepted_now = 0
        for number in range(_TEXTS_MAX):
            status = self._send(_LONG if number % 3 == 0 else 150)
            self._accepted_now += status == 202
            if status not in (202, 503):
                self._find(f"a request was answered {status}")
            if met():
                return True
        return False

    def check_at_the_end(self) -> None:
        """All that was accepted is a document, once; and nothing else is there."""
        data_dir = self._mount.data_dir
        until(
            lambda: not queued(data_dir),
            seconds=_DRAIN_SECONDS,
            saying="it did not drain",
            every=0.1,
        )
        for tenant in {tenant for tenant, _ in self._accepted}:
            self._check(data_dir, tenant)
        asyncio.run(look(self._mount))

    def _check(self, data_dir: Path, tenant: str) -> None:
        accepted = {log: text for (owner, log), text in self._accepted.items() if owner == tenant}
        stored = texts(data_dir, tenant + SUFFIX)
        for log in accepted.keys() - stored.keys():
            self._find(f"lost: {tenant}/{log} was answered 202")
        for log, text in stored.items():
            if text != accepted.get(log):
                self._find(f"{tenant}/{log} is another text, or was not accepted")
        path = data_dir / "tenants" / (tenant + SUFFIX)
        for table in ("plans", "dead_letters"):
            if rows := query(path, f"SELECT log_id FROM {table}"):
                self._find(f"{table} of {tenant} at the end: {rows}")

    def _send(self, characters: int) -> int:
        self._sent += 1
        text = make_text(random.Random(self._sent), characters).text
        return self._try(self._tenant, f"log-{self._sent}", text)

    def _is_accepted(self, tenant: str, log: str, text: str) -> bool:
        return self._try(tenant, log, text) == 202

    def _try(self, tenant: str, log: str, text: str) -> int:
        self._mount.mark(sent=[tenant, log, sha256_of(text)])
        status = self._client.try_once(tenant, log, text)
        self._outcome.answers[status] += 1
        (self._accepted if status == 202 else self._unknown)[tenant, log] = text
        if status == 202:
            self._unknown.pop((tenant, log), None)
        return status

    def _fired(self) -> int:
        return sum(self._mount.counts().fired.values())

    def _find(self, what: str) -> None:
        self._outcome.findings.append(what)
