"""Many images of one recording: each opened and judged, in several processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from tests.power import journal
from tests.power.images import Disk, Image
from tests.power.judge import judge, unfinished
from tests.power.opened import Contents, contents, opened, work_to_the_end
from tests.power.promises import Promises, all_sent, settings_of

Result = TypeVar("Result")

_MEMORY: Final = Path("/dev/shm")  # a directory in memory, and ours below it
_SLICES: Final = 4  # for each process
_FINDINGS_MAX: Final = 20  # of one slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some cuts of a recording, each after so many operations, in their order."""

    recording: Path
    cuts: Sequence[int]
    images: int  # of each cut, at most
    finish_every: int  # in how many images a worker works to the end: every n-th


@dataclass(slots=True)
class Found:
    """What came of it. ``findings``: cut, number of the image, and what is wrong."""

    digests: set[bytes] = field(default_factory=set)
    looked_at: int = 0
    finished: int = 0
    cuts: int = 0
    findings: list[tuple[int, int, str]] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def add(self, other: Found) -> None:
        """Add up."""
        self.digests |= other.digests
        self.looked_at += other.looked_at
        self.finished += other.finished
        self.cuts += other.cuts
        self.findings += other.findings
        self.cpu_seconds += other.cpu_seconds


def memory() -> Path:
    """A new directory, in memory where there is one."""
    return Path(
        tempfile.mkdtemp(prefix="logweir-power-", dir=_MEMORY if _MEMORY.is_dir() else None)
    )


def sweep(
    recording: Path, *, images: int, cuts_max: int = 1_000_000, finish_every: int = 40
) -> Found:
    """Look at up to ``images`` images of each cut, or of ``cuts_max`` cuts all over it."""
    processes = os.cpu_count() or 1
    whole = Found()
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        parts = _slices(recording, images, cuts_max, finish_every, _SLICES * processes)
        for found in pool.map(look_through, parts):
            whole.add(found)
    return whole


def look_through(part: Slice) -> Found:
    """One slice, in this process."""
    return quietly(_look_through(part))


def quietly(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it on a loop without threads; what the product logs goes nowhere meanwhile."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    try:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            return runner.run(work)
    finally:
        structlog.configure(**before)


async def look_at(recording: Path, cut: int, number: int) -> list[str]:
    """Exactly one image, and then with a worker: what is wrong."""
    part = Slice(recording=recording, cuts=[cut], images=number + 1, finish_every=1)
    sweeper = _Sweeper(part)
    sweeper.go_to(cut)
    await sweeper.check(number)
    return [finding for _, _, finding in sweeper.found.findings]


async def _look_through(part: Slice) -> Found:
    sweeper = _Sweeper(part)
    started = time.process_time()
    for cut in part.cuts:
        sweeper.go_to(cut)
        for number in range(1 if sweeper.disk.is_certain else part.images):
            await sweeper.check(number)
        sweeper.found.cuts += 1
        if len(sweeper.found.findings) >= _FINDINGS_MAX:
            break
    sweeper.found.cpu_seconds = time.process_time() - started
    return sweeper.found


class _Loop(asyncio.SelectorEventLoop):
    """Runs at once what is meant for a thread: an image is read by nobody else."""

    def run_in_executor(  # type: ignore[override]  # simpler: whatever the executor is
        self, executor: object, function: Callable[..., Any], *words: Any
    ) -> asyncio.Future[Any]:
        """Its result, or its error, in a future."""
        done = self.create_future()
        try:
            done.set_result(function(*words))
        except Exception as error:  # noqa: BLE001  # it is the future's
            done.set_exception(error)
        return done


class _Sweeper:
    def __init__(self, part: Slice) -> None:
        self._part = part
        self._ops = journal.read(part.recording)
        self._sent = all_sent(self._ops)
        self._settings = settings_of(self._ops)
        self._done = 0
        self._known: dict[bytes, Contents] = {}
        self._promised = Promises()
        self.disk = Disk()
        self.found = Found()

    def go_to(self, cut: int) -> None:
        """The power fails after so many operations."""
        while self._done < cut:
            self.disk.apply(self._ops[self._done])
            self._promised.apply(self._ops[self._done])
            self._done += 1

    async def check(self, number: int) -> None:
        """One image of this cut. What was seen before may have more promises to keep now."""
        image = self.disk.image(str(self._done), number)
        digest = image.digest()
        known = self._known.get(digest)
        finish = False
        if known is None:
            finish = len(self._known) % self._part.finish_every == 0
            known = self._known[digest] = await self._look(image, number, finish=finish)
        for finding in judge(known, self._promised, self._sent):
            self._report(number, finding)
        self.found.digests.add(digest)

    async def _look(self, image: Image, number: int, *, finish: bool) -> Contents:
        self.found.looked_at += 1
        directory = memory()
        data_dir = directory / "data"
        try:
            image.write(data_dir)
            async with opened(data_dir, self._settings) as (ports, settings):
                found = await contents(ports, data_dir)
                if finish:
                    self.found.finished += 1
                    for repeated in await work_to_the_end(ports, settings, found):
                        self._report(number, f"repeated: {repeated}")
                    after = await contents(ports, data_dir)
                    for finding in (
                        *unfinished(after, self._promised),
                        *judge(after, self._promised, self._sent),
                    ):
                        self._report(number, f"after the work: {finding}")
        except Exception as error:  # noqa: BLE001  # whatever it is, the image does not open
            self._report(number, f"does not open: {type(error).__name__}: {error}")
            found = Contents()
        finally:
            shutil.rmtree(directory)
        return found

    def _report(self, number: int, finding: str) -> None:
        self.found.findings.append((self._done, number, finding))


def _slices(
    recording: Path, images: int, cuts_max: int, finish_every: int, count: int
) -> Sequence[Slice]:
    ops = len(journal.read(recording))
    cuts: Sequence[int] = range(ops + 1)
    if len(cuts) > cuts_max:
        cuts = sorted(random.Random(ops).sample(cuts, cuts_max))
    size = -(-len(cuts) // count)
    return [
        Slice(
            recording=recording,
            cuts=cuts[first : first + size],
            images=images,
            finish_every=finish_every,
        )
        for first in range(0, len(cuts), size)
    ]
