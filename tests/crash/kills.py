"""A storm: traffic on a Logweir while its processes are killed at random moments."""

from __future__ import annotations

import asyncio
import math
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tests.crash.client import Client, traffic
from tests.crash.faults import Fault, endless
from tests.crash.outcome import Outcome, spread
from tests.crash.resumption import RESUMED
from tests.crash.service import until
from tests.crash.site import Site
from tests.crash.strikes import Strikes
from tests.support.processes import CRASH_MARKS

from logweir.verify.evidence import Answer, Document, Sent

_AGAIN_SECONDS: Final = 0.25  # for as long as a gateway needs to start, most requests are refused
_PACE_SECONDS_MAX: Final = 120.0  # between two faults

ANSWERED: Final = "answered 202 again after the gateway's death"
ANSWERED_DISTURBED: Final = "answered 202 again, with another fault before that"
DRAINED: Final = "ended after SIGTERM"
FINISHED: Final = "all finished after the last fault"

# Many short logs, some of which take several chunks; drains find more in flight than they end.
SHORT_WORK: Final[Mapping[str, float]] = {
    "seconds_per_character": 0.002,
    "chunk_seconds": 1.0,
    "lease_seconds": 2.0,
    "drain_seconds": 0.5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What is to happen. The seed gives the order of the faults; the moments are the machine's."""

    kills: int
    logs: int
    seed: int
    per_second: float = 40.0  # logs
    characters: tuple[int, int] = (40, 450)
    long_characters: int = 1600
    at_once: int = 200  # requests
    snapshots: int = 3  # of the store meanwhile; each may take an emulator many seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stormed:
    """What came of it."""

    storm: Storm
    outcome: Outcome
    logs: int
    processes: int  # that were killed
    faults: Mapping[Fault, int]
    seconds: Mapping[str, Sequence[float]]  # that were measured, by what
    findings: Sequence[str]


async def storm(site: Site, plan: Storm) -> Stormed:
    """Raises TimeoutError where something does not come back, or is not finished afterwards."""
    client = Client(site.processes.url, again_seconds=_AGAIN_SECONDS)
    rng = random.Random(plan.seed)
    pace = _Pace(plan, rng)
    strikes = Strikes(site, rng)
    async with site.processes.running():
        await site.processes.listening()
        sending = asyncio.create_task(
            traffic(
                client,
                random.Random(plan.seed + 1),
                per_second=plan.per_second,
                characters=plan.characters,
                long_characters=plan.long_characters,
                ended=pace.ended,
                at_once=plan.at_once,
            )
        )
        try:
            earlier = await _strike(site, plan, strikes, pace)
            calm = time.monotonic()
            logs = await sending
        finally:
            sending.cancel()
        await site.place.finished(client.history)
        finished = time.monotonic() - calm
        samples = dict(await site.place.samples())
        code = await site.processes.stop()
    assert code == 0, f"the last processes ended with {code}"
    report = await site.place.judge(client.history, strikes.windows, earlier)
    samples |= {
        **_answered_again(client.history, strikes.gateway_gone),
        DRAINED: strikes.drained,
        FINISHED: [finished],
    }
    samples = {what: seen for what, seen in samples.items() if seen}
    return Stormed(
        storm=plan,
        outcome=Outcome(
            name=f"{site.name}, seed {plan.seed}",
            report=report,
            kills=strikes.kills,
            resumed=samples.get(RESUMED, ()),
            figures={what: f"{spread(seen)} of {len(seen)}" for what, seen in samples.items()},
        ),
        logs=logs,
        processes=strikes.processes,
        faults=strikes.fired,
        seconds=samples,
        findings=[*map(str, report.findings), *report.refusals, *_unforeseen(site)],
    )


async def _strike(site: Site, plan: Storm, strikes: Strikes, pace: _Pace) -> list[Document]:
    """At least each fault once; what was seen in the store meanwhile."""
    parts = plan.snapshots + 1
    moments = [plan.kills * part // parts for part in range(1, parts)]
    faults = endless(site.faults, pace.rng)
    async with asyncio.TaskGroup() as group:
        looks = []
        while True:
            struck = await asyncio.to_thread(site.struck, strikes.kills)
            if struck >= plan.kills and set(strikes.fired) == set(site.faults):
                break
            await pace.until_due(strikes.kills)
            await strikes.strike(next(faults))
            while moments and moments[0] <= struck:
                moments.pop(0)
                looks.append(group.create_task(site.place.documents()))
                print(f"{site.name}, seed {plan.seed}: {strikes.kills} kills", file=sys.stderr)
        pace.struck = True
    return [document for look in looks for document in look.result()]


class _Pace:
    """Logs and kills, spread over each other: traffic ends when both are through."""

    def __init__(self, plan: Storm, rng: random.Random) -> None:
        self.rng = rng
        self.struck = False
        self._plan = plan
        self._sent = 0

    def ended(self) -> bool:
        """Asked before each log."""
        over = self._sent >= self._plan.logs and self.struck
        self._sent += not over
        return over

    async def until_due(self, kills: int) -> None:
        """Wait until so many logs have been sent that another fault may come."""
        mean = self._plan.logs / self._plan.kills
        due = mean * kills + self.rng.uniform(0.0, mean)
        await until(lambda: self._sent >= due, _PACE_SECONDS_MAX, "logs to be sent")


def _answered_again(
    history: Sequence[Sent], gone: Sequence[tuple[float, float]]
) -> Mapping[str, Sequence[float]]:
    """Seconds from each return of a gateway until a request was answered 202, by what they are."""
    accepted = sorted((sent.invoked, sent.answered) for sent in history if sent.answer is Answer.OK)
    seconds: dict[str, list[float]] = {ANSWERED: [], ANSWERED_DISTURBED: []}
    for (_, returns), (next_began, _) in pairwise([*gone, (math.inf, math.inf)]):
        later = [answered for invoked, answered in accepted if invoked >= returns]
        if later:
            disturbed = min(later) > next_began
            seconds[ANSWERED_DISTURBED if disturbed else ANSWERED].append(min(later) - returns)
    return seconds


def _unforeseen(site: Site) -> list[str]:
    said = site.processes.log_path.read_text(errors="replace")
    return [f"a process printed {mark!r}" for mark in CRASH_MARKS if mark in said]
