"""One machine's back end as a place: its files tell who holds what."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.crash import dump
from tests.crash.faults import ALL_FAULTS
from tests.crash.outcome import journal_path, judge
from tests.crash.pauses import freeze
from tests.crash.resumption import Resumptions
from tests.crash.service import PRODUCT, WITNESS, Service, drained, free_port, until
from tests.crash.site import Site

from logweir.settings import Settings
from logweir.verify import evidence
from logweir.verify.evidence import Document, Sent
from logweir.verify.findings import Report

_BEGINS_SECONDS_MAX: Final = 15.0
_FINISHED_SECONDS_MAX: Final = 90.0


class Embedded:
    """A data directory."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._broker = settings.data_dir / "broker.sqlite3"
        self._resumptions = Resumptions(self._broker)

    async def kill(self, workers: Sequence[int]) -> None:
        """And watch what becomes of their messages."""
        self._resumptions.kill(workers)

    def disturb(self) -> None:
        """What is being measured now tells of two faults."""
        self._resumptions.disturb()

    async def begun(self, worker: int) -> None:
        """It has a session; reaping comes before that, and claiming after."""

        def has_session() -> bool:
            alive = Path(f"/proc/{worker}").exists()
            return not alive or worker in self._column("SELECT pid FROM sessions")

        await until(has_session, _BEGINS_SECONDS_MAX, "a new worker's session")

    async def handing_back(self) -> None:
        """The first of the sessions of the dead is gone; without one, at once."""
        dead = self._column("SELECT id FROM sessions")

        def one_is_gone() -> bool:
            return not dead or not dead <= self._column("SELECT id FROM sessions")

        await until(one_is_gone, _BEGINS_SECONDS_MAX, "a dead worker's session to be ended")

    async def freeze(self, worker: int, settings: Settings) -> None:
        """Others take over what it held, if there are any."""
        self.disturb()
        lease = settings.limits.lease_seconds
        await freeze(self._broker, worker, lease, others=settings.workers > 1)

    def check_handed_back(self) -> None:
        """Nothing is held by anybody."""
        held = dump.rows(self._broker, "SELECT count(*) FROM messages WHERE state = 'leased'")
        assert held == [(0,)], f"{held} messages are held after an orderly end"

    async def finished(self, history: Sequence[Sent]) -> None:
        """The broker has nothing more."""
        await drained(self._settings.data_dir, _FINISHED_SECONDS_MAX)

    async def documents(self) -> Sequence[Document]:
        """Of every tenant's file."""
        return await asyncio.to_thread(dump.documents, self._settings.data_dir)

    async def judge(
        self,
        history: Sequence[Sent],
        faults: Sequence[evidence.Fault],
        earlier: Sequence[Document],
    ) -> Report:
        """By the files, and by what witnesses noted."""
        return judge(self._settings, history, faults=faults, earlier=earlier)

    async def samples(self) -> Mapping[str, Sequence[float]]:
        """How long it took until work went on."""
        return await self._resumptions.samples()

    def _column(self, query: str) -> set[int]:
        return {row[0] for row in dump.rows(self._broker, query)}


def embedded(directory: Path, work: Mapping[str, float], *, workers: int, witness: bool) -> Site:
    """``logweir serve`` in a directory that nobody else uses."""
    settings = Settings(
        data_dir=directory / "data",
        port=free_port(),
        workers=workers,
        **work,  # type: ignore[arg-type]  # seconds, all of them
    )
    service = Service(
        settings,
        module=WITNESS if witness else PRODUCT,
        witness={"DOOM_JOURNAL": str(journal_path(settings))},
    )
    return Site(
        name="embedded",
        settings=settings,
        processes=service,
        place=Embedded(settings),
        faults=ALL_FAULTS,
    )
