"""Every fault at every call, and every pair of them: all runs of a story with up to two faults.

A run without a fault makes n calls to its ports, numbered from 0 over all processes: of the
gateway's planner, and of each worker's session (claim, acknowledge, delay), publisher, store and
death counter. What is enumerated, for each kind of fault:

* singles: the fault at call i, for every i below n;
* pairs: then the run with that fault makes m calls, those of restarted processes included; a
  second fault of every kind at call j, for every j from i + 1 to m - 1.

That is all there is: runs are deterministic, deliveries in turn, so one with two faults is the one
with the first fault up to the second, and beyond call m - 1 no fault would fire. Calls that are
refused since an earlier one was throttled are not numbered. ``STEPS_MAX`` bounds every run. Not
here: a heartbeat that fails and a session that is taken away, which are the simulation's.

Runs share what they have in common: at each step a run branches into those whose next fault lies
in that step.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.pairs.run import Run
from tests.pairs.stories import STORIES
from tests.support.faults import Fault, Faults

At = Mapping[int, Fault]


@dataclass
class Tally:
    """What some runs did, and what was broken: each with the command that does it again."""

    runs: Counter[str] = field(default_factory=Counter)  # by how many faults
    faults: Counter[str] = field(default_factory=Counter)  # fired, by kind
    calls: int = 0  # of the runs as they would have been one by one
    calls_max: int = 0  # of one run
    broken: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add it up."""
        self.runs += other.runs
        self.faults += other.faults
        self.calls += other.calls
        self.calls_max = max(self.calls_max, other.calls_max)
        self.broken += other.broken

    def note(self, name: str, run: Run, at: At, broken: str | None) -> None:
        """A run has ended."""
        self.runs[_NUMBERS[len(at)]] += 1
        self.faults.update({fault.value: times for fault, times in run.faults.fired.items()})
        self.calls += run.faults.calls
        self.calls_max = max(self.calls_max, run.faults.calls)
        if broken is None and run.faults.fired.total() != len(at):
            broken = "a planned fault did not fire"
        if broken is not None:
            self.broken.append(f"{broken}; again: {replay_command(name, at)}")


_NUMBERS: Final = ("without a fault", "with one fault", "with two faults")


def firsts(name: str) -> list[At]:
    """Every single fault of a story, and none."""
    run = Run(STORIES[name], Faults({}, in_turn=True))
    _wait_for(run.to_the_end())
    return [{}, *({call: fault} for call in range(run.faults.calls) for fault in Fault)]


def explore(name: str, at: At, further: int) -> Tally:
    """The run with these faults; and with up to so many more of each kind at every later call."""
    tally = Tally()
    for run, faults in _ended(Run(STORIES[name], Faults(at, in_turn=True)), at, further):
        tally.note(name, run, faults, _broken(run))
    return tally


def replay(name: str, at: At) -> Run:
    """One run from its beginning. Raises AssertionError."""
    run = Run(STORIES[name], Faults(at, in_turn=True))
    _wait_for(run.to_the_end())
    run.assert_all_is_well()
    return run


def replay_command(name: str, at: At) -> str:
    """What does a run again."""
    faults = ",".join(f"{call}:{fault.name}" for call, fault in sorted(at.items()))
    return f'python -m tests.pairs --story "{name}" --replay {faults or "none"}'


def parsed(faults: str) -> At:
    """The faults of a replay's command. Raises ValueError."""
    pairs = re.findall(r"([0-9]+):([A-Z_]+)", faults)
    if not pairs and faults != "none":
        raise ValueError(f"{faults!r} is not like 7:CRASH_AFTER,12:TWICE")
    return {int(call): Fault[kind] for call, kind in pairs}


def _ended(run: Run, at: At, further: int) -> Iterator[tuple[Run, At]]:
    first = max(at, default=-1) + 1
    try:
        while further and not run.is_done:
            here = run.branch(at)
            _wait_for(run.step())
            for call in range(max(first, here.faults.calls), run.faults.calls):
                for fault in Fault:
                    more = {**at, call: fault}
                    yield from _ended(here.branch(more), more, further - 1)
        _wait_for(run.to_the_end())
    except AssertionError as error:
        run.store.violations.append(str(error))
    yield run, at


def _broken(run: Run) -> str | None:
    try:
        run.assert_all_is_well()
    except AssertionError as error:
        return str(error)
    return None


def _wait_for(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run to its end what never waits but for its turn: an event loop would cost more than it."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration:
            return
