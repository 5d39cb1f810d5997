"""A Logweir whose processes can be killed, wherever it runs: what a storm must know of it.

Site ─┬─ processes   who runs, and how to start, kill and end them
      ├─ place       what they keep: who works, what is stored, whether promises were kept
      └─ faults      what may befall it there, and how often
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.crash.faults import Fault

from logweir.settings import Settings
from logweir.verify import evidence
from logweir.verify.evidence import Document, Sent
from logweir.verify.findings import Report


class Processes(Protocol):
    """What dies by itself, or by SIGKILL to one of ``children``, is started again by somebody."""

    @property
    def url(self) -> str:
        """Where logs are sent."""
        ...

    @property
    def log_path(self) -> Path:
        """What they said."""
        ...

    def running(self) -> AbstractAsyncContextManager[object]:
        """Started, and none of them left behind."""
        ...

    def start(self) -> None:
        """Start them again after ``kill_all`` or ``stop``; they may not be ready yet."""
        ...

    async def listening(self) -> None:
        """Wait until a gateway answers."""
        ...

    def children(self, role: str) -> list[int]:
        """The living processes that are a ``gateway``, or a ``worker``."""
        ...

    def kill_all(self) -> int:
        """SIGKILL to every process, whoever starts others again too; how many."""
        ...

    async def stop(self) -> int:
        """SIGTERM, and wait: the exit code, of several one that is not 0."""
        ...


class Place(Protocol):
    """A back end with what is kept there, and what can be seen of who works."""

    async def kill(self, workers: Sequence[int]) -> None:
        """SIGKILL to these; where it can be measured, how long until their work goes on."""
        ...

    def disturb(self) -> None:
        """Something else is about to hinder work that is being measured."""
        ...

    async def begun(self, worker: int) -> None:
        """Wait until a process that has just been started begins to work, or is dead."""
        ...

    async def handing_back(self) -> None:
        """Wait until what the dead held is being handed back."""
        ...

    async def freeze(self, worker: int, settings: Settings) -> None:
        """SIGSTOP until its lease is over, and others have its work; then SIGCONT."""
        ...

    def check_handed_back(self) -> None:
        """Raises AssertionError where a lease outlived an orderly end."""
        ...

    async def finished(self, history: Sequence[Sent]) -> None:
        """Wait until nothing is left to do. Raises TimeoutError or AssertionError."""
        ...

    async def documents(self) -> Sequence[Document]:
        """What is stored now."""
        ...

    async def judge(
        self, history: Sequence[Sent], faults: Sequence[evidence.Fault], earlier: Sequence[Document]
    ) -> Report:
        """Were all promises kept?"""
        ...

    async def samples(self) -> Mapping[str, Sequence[float]]:
        """Seconds that were measured, by what."""
        ...


def each_kill(kills: int) -> int:
    """All of them count."""
    return kills


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a storm takes place."""

    name: str
    settings: Settings
    processes: Processes
    place: Place
    faults: Mapping[Fault, int]
    return_seconds: float = 15.0  # within which there is a process of each role again
    # How many of so many kills befell somebody at work, where that is known.
    struck: Callable[[int], int] = each_kill

    def pids(self, role: str) -> list[int]:
        """The living processes of a role."""
        return self.processes.children(role)
