"""The product under a witness: ``python -m tests.crash.doomed serve|gateway|worker``.

The very code of the product runs, with its back end's classes replaced by subclasses which note
each step in a journal, and kill this process at a named point the n-th time that it is reached:

    DOOM_POINT, DOOM_NTH        where and when to die by SIGKILL
    DOOM_JOURNAL                a file to append the steps to
    DOOM_DELIVERIES_MAX         another limit of deliveries that end without an answer
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from tests.crash.service import WITNESS
from tests.crash.texts import POISON

from logweir import __main__ as product
from logweir import settings
from logweir.backends.local import broker as broker_module
from logweir.backends.local import store as store_module
from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.leases import Claim
from logweir.backends.local.session import Session
from logweir.backends.local.store import LocalStore
from logweir.envelope import Envelope, sha256_of
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline import work as work_module
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.pipeline.store import Stored
from logweir.pipeline.work import SimulatedWork
from logweir.verify.canary import CANARY
from logweir.verify.evidence import Event, Step


class Point(StrEnum):
    """Where a process may die, in the order of the path."""

    BEFORE_PUBLISH = "before publish"
    PUBLISHED = "after publish"  # of a gateway: before its 202; of a worker: before its ACK
    CLAIMED = "after claim"
    WORKING = "in the middle of the work"
    WORKED = "after the work"
    PLANNED = "after the plan"
    RECORDED = "after a chunk is recorded"
    ALL_RECORDED = "after all are recorded, before create"
    CREATED = "after the document, before the acknowledgement"
    FORGOTTEN = "after forget"
    BURIED = "after bury, before the acknowledgement"
    ACKNOWLEDGED = "after the acknowledgement"


class _Doom:
    """What this process was told by its environment."""

    def __init__(self) -> None:
        self._point = os.environ.get("DOOM_POINT")
        self._left = int(os.environ.get("DOOM_NTH", "1"))
        self._journal = -1
        if "DOOM_JOURNAL" in os.environ:
            flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY
            self._journal = os.open(os.environ["DOOM_JOURNAL"], flags, 0o600)

    def reach(self, point: Point) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                die()

    def note(self, step: Step, canary: str, part: str) -> None:
        if self._journal >= 0:  # one write: lines of several processes do not mix
            line = json.dumps([time.monotonic(), step, canary, part]) + "\n"
            os.write(self._journal, line.encode())


_doom: Final = _Doom()
_part: contextvars.ContextVar[tuple[str, str]] = contextvars.ContextVar("part")


def die() -> None:
    """SIGKILL to this process; nothing runs after it."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


class DoomedWork(SimulatedWork):
    """The simulated job; a text with POISON kills its worker."""

    async def __call__(self, text: str) -> None:
        canary = CANARY.search(text)
        part = (canary[0] if canary else "", sha256_of(text))
        _doom.note(Step.WORK, *part)
        if POISON in text:
            die()
        whole = self._seconds_per_character * len(text)
        await self._clock.sleep(whole / 2)
        _doom.reach(Point.WORKING)
        await self._clock.sleep(whole / 2)
        _doom.reach(Point.WORKED)
        _part.set(part)  # of this delivery's task


class DoomedStore(LocalStore):
    """The store of the product."""

    async def create(self, document: Document) -> Stored:
        stored = await super().create(document)
        if stored is Stored.CREATED:
            canary = CANARY.search(document.original_text)
            _doom.note(Step.CREATED, canary[0] if canary else "", document.sha256)
        _doom.reach(Point.CREATED)
        return stored

    async def plan(self, plan: Plan) -> Plan:
        stored = await super().plan(plan)
        _doom.reach(Point.PLANNED)
        return stored

    async def record(self, key: TextKey, index: int) -> bool | None:
        all_recorded = await super().record(key, index)
        part = _part.get(None)
        if part is not None and all_recorded is not None:
            _doom.note(Step.RECORDED, *part)
        _doom.reach(Point.ALL_RECORDED if all_recorded else Point.RECORDED)
        return all_recorded

    async def forget(self, key: TextKey) -> None:
        await super().forget(key)
        _doom.reach(Point.FORGOTTEN)

    async def bury(self, letter: DeadLetter) -> None:
        await super().bury(letter)
        _doom.reach(Point.BURIED)


class DoomedBroker(LocalBroker):
    """The broker of the product."""

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        _doom.reach(Point.BEFORE_PUBLISH)
        await super().publish(envelopes)
        _doom.reach(Point.PUBLISHED)


class DoomedSession(Session):
    """The session of the product."""

    async def claim(self, slots: int, bytes_max: int, in_flight: int) -> Sequence[Claim]:
        claims = await super().claim(slots, bytes_max, in_flight)
        if claims:
            _doom.reach(Point.CLAIMED)
        return claims

    async def acknowledge(self, claim: Claim) -> None:
        await super().acknowledge(claim)
        _doom.reach(Point.ACKNOWLEDGED)


def read_journal(path: Path) -> list[Event]:
    """What witnesses noted; the last line of a killed one may be cut off."""
    events = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            at, step, canary, part = json.loads(line)
        except ValueError:
            continue
        events.append(Event(at=at, step=Step(step), canary=canary, part=part))
    return events


def _put_in_place() -> None:
    deliveries_max = int(os.environ.get("DOOM_DELIVERIES_MAX", DEFAULT_LIMITS.deliveries_max))
    replaced: Sequence[tuple[object, str, object]] = (
        (work_module, "SimulatedWork", DoomedWork),
        (store_module, "LocalStore", DoomedStore),
        (broker_module, "LocalBroker", DoomedBroker),
        (broker_module, "Session", DoomedSession),
        (settings, "DEFAULT_LIMITS", replace(DEFAULT_LIMITS, deliveries_max=deliveries_max)),
        (asyncio, "create_subprocess_exec", _witnessed(asyncio.create_subprocess_exec)),
    )
    for module, name, substitute in replaced:
        setattr(module, name, substitute)


def _witnessed(start: Callable[..., Any]) -> Callable[..., Any]:
    """The supervisor starts its processes under a witness too."""

    async def start_witnessed(
        python: str, option: str, module: str, *words: str, **options: Any
    ) -> asyncio.subprocess.Process:
        assert module == "logweir"
        process: asyncio.subprocess.Process = await start(
            python, option, WITNESS, *words, **options
        )
        return process

    return start_witnessed


if __name__ == "__main__":
    _put_in_place()
    product.main()
