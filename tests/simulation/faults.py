"""What goes wrong in a run, and how often: drawn from the seed, each kind at its own rate."""

from __future__ import annotations

import random
from bisect import bisect
from collections import Counter
from collections.abc import Container, Sequence
from enum import Enum, StrEnum
from itertools import accumulate
from typing import Final

from tests.simulation.loop import SimulatedLoop


class Port(Enum):
    """What a process talks to."""

    BROKER = "broker"
    STORE = "store"


class Fault(StrEnum):
    """Every kind of fault; the first ones are drawn at each call of a port."""

    REFUSED = "fails before"  # and nothing happened
    LOST = "times out after success"
    LATE = "times out, and happens later"
    THROTTLED = "throttled"  # this call and the next few
    TWICE = "happens twice"
    SLOW = "slow"
    PARTIAL = "of a batch a part"  # is published
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    PAUSE_BEFORE = "pause before"  # for longer than a lease
    PAUSE_AFTER = "pause after"

    # at each message
    DUPLICATED = "message twice"
    DELAYED = "message late"  # and so out of order
    CORRUPTED = "message corrupted"  # a copy of it: the broker holds the good one too
    GIVEN_UP = "message given up"

    # now and then
    OUTAGE = "outage"
    KILL_GATEWAY = "gateway killed"
    KILL_WORKER = "worker killed"
    PAUSED = "process paused"
    DRAIN = "worker drained"
    REVOKED = "lease revoked"
    CLOCK_JUMP = "wall clock jumps"
    HUNG_UP = "client hangs up"


_AT_CALLS: Final = tuple(Fault)[: tuple(Fault).index(Fault.DUPLICATED)]
_AT_TIMES: Final = tuple(Fault)[tuple(Fault).index(Fault.OUTAGE) : -1]
# A crash or a pause at one call in twenty would leave no run with anything else.
_RARE: Final = frozenset(
    (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.PAUSE_BEFORE, Fault.PAUSE_AFTER)
)
_RATES: Final = (0.01, 0.03, 0.1)
_THROTTLED_CALLS_MAX: Final = 5


class Faults:
    """The faults of one run. Each kind is in some runs and not in others, so that runs differ.

    ``fired`` counts what has happened. After ``stop`` nothing does any more.
    """

    def __init__(self, rng: random.Random, loop: SimulatedLoop) -> None:
        self._rng = rng
        self._loop = loop
        self.active = True
        self.fired: Counter[Fault] = Counter()
        share = rng.choice((0.0, 0.15, 0.4, 0.7))
        self.rates = {
            fault: rng.choice(_RATES) / (3 if fault in _RARE else 1)
            for fault in Fault
            if rng.random() < share
        }
        at_calls = [fault for fault in _AT_CALLS if fault in self.rates]
        self._kinds: Sequence[Fault] = at_calls
        self._sums = list(accumulate(self.rates[fault] for fault in at_calls))
        self._most = self._sums[-1] if self._sums else 0.0
        self._outage_until = dict.fromkeys(Port, 0.0)
        self._throttled = dict.fromkeys(Port, 0)

    def of_call(self, port: Port, impossible: Container[Fault] = ()) -> Fault | None:
        """The fault of this call; none where one is drawn that cannot befall it."""
        if not self.active:
            return None
        fault = None
        if self._loop.time() < self._outage_until[port]:
            fault = Fault.OUTAGE
        elif self._throttled[port]:
            self._throttled[port] -= 1
            fault = Fault.THROTTLED
        elif (drawn := self._rng.random()) < self._most:
            fault = self._kinds[bisect(self._sums, drawn)]
            if fault in impossible:
                return None
            if fault is Fault.THROTTLED:
                self._throttled[port] = self._rng.randrange(_THROTTLED_CALLS_MAX)
        if fault is not None:
            self.fired[fault] += 1
        return fault

    def happens(self, fault: Fault) -> bool:
        """Does this kind happen here?"""
        rate = self.rates.get(fault)
        if rate is None or not self.active or self._rng.random() >= rate:
            return False
        self.fired[fault] += 1
        return True

    def moments(self, until: float) -> list[tuple[float, Fault]]:
        """When the faults happen that no call draws."""
        return sorted(
            (self._rng.random() * until, fault)
            for fault in _AT_TIMES
            if fault in self.rates
            for _ in range(self._rng.randint(1, 3))
        )

    def begin_outage(self, port: Port, seconds: float) -> None:
        """From now on the port answers nothing, for so long."""
        self._outage_until[port] = self._loop.time() + seconds

    def is_out(self, port: Port) -> bool:
        """Is there an outage?"""
        return self.active and self._loop.time() < self._outage_until[port]

    def stop(self) -> None:
        """The world heals."""
        self.active = False
