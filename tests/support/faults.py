"""Ports that crash, do not answer, throttle, or do everything twice, at chosen calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping
from enum import Enum
from functools import cache
from inspect import iscoroutinefunction
from typing import Any, Final

from logweir.errors import BrokerUnavailable, StoreUnavailable, Unavailable

THROTTLED_CALLS: Final = 3  # that a port refuses in a row, the one that the fault is at included


class Crash(BaseException):
    """The end of a process: nothing of Logweir may catch it."""


class Fault(Enum):
    """What happens at a call of a port."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    REFUSED = "unavailable, and nothing happened"
    UNKNOWN = "unavailable, but it happened"
    THROTTLED = "throttled, and so are the next calls"
    TWICE = "happens twice"


class Faults:
    """Counts the calls of every port, over all processes of a run, and lets some of them fail.

    Calls that are refused because an earlier one was throttled are not counted: no fault can be
    at them, and a run with a fault more has the same calls up to that fault.
    """

    def __init__(
        self, at: Mapping[int, Fault] | Callable[[int], Fault | None], *, in_turn: bool = False
    ) -> None:
        """``in_turn``: nothing runs beside a call, so it need not let others run."""
        self._at = at if callable(at) else at.get
        self.in_turn = in_turn
        self._throttled: Counter[type[Unavailable]] = Counter()
        self.calls = 0
        self.fired: Counter[Fault] = Counter()

    def branch(self, at: Mapping[int, Fault]) -> Faults:
        """The same count of calls, from which a run goes on with other faults to come."""
        branch = Faults(at, in_turn=self.in_turn)
        branch._throttled, branch.fired = self._throttled.copy(), self.fired.copy()
        branch.calls = self.calls
        return branch

    def of(self, port: object, error: type[Unavailable]) -> Any:
        """The port, but for the faults."""
        return _FaultyPort(port, error, self)

    def store(self, port: object) -> Any:
        """A store whose calls fail."""
        return self.of(port, StoreUnavailable)

    def broker(self, port: object) -> Any:
        """A publisher or a session whose calls fail."""
        return self.of(port, BrokerUnavailable)

    def next(self, error: type[Unavailable]) -> Fault | None:
        """The fault of this call of the port that raises ``error``."""
        if self._throttled[error]:
            self._throttled[error] -= 1
            return Fault.REFUSED
        self.calls += 1
        fault = self._at(self.calls - 1)
        if fault is not None:
            self.fired[fault] += 1
        if fault is Fault.THROTTLED:
            self._throttled[error] = THROTTLED_CALLS - 1
            return Fault.REFUSED
        return fault


@cache
def _is_call(kind: Hashable, name: str) -> bool:
    return iscoroutinefunction(getattr(kind, name, None))


class _FaultyPort:
    """``name_twice`` of a port, if it has one, is what happens where ``name`` happens twice."""

    def __init__(self, port: object, error: type[Unavailable], faults: Faults) -> None:
        self._port = port
        self._error = error
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not _is_call(type(self._port), name):  # type: ignore[arg-type]  # classes have a hash
            return attribute
        call = self._failing(name, attribute)
        setattr(self, name, call)  # found without this method the next time
        return call

    def _failing(
        self, name: str, once: Callable[..., Awaitable[object]]
    ) -> Callable[..., Awaitable[object]]:
        async def again(*args: object, **named: object) -> object:
            await once(*args, **named)
            return await once(*args, **named)

        twice = getattr(self._port, f"{name}_twice", again)

        async def call(*args: object, **named: object) -> object:
            fault = self._faults.next(self._error)
            if fault is None and self._faults.in_turn:
                return await once(*args, **named)
            await asyncio.sleep(0)
            if fault is Fault.CRASH_BEFORE:
                raise Crash(name)
            if fault is Fault.REFUSED:
                raise self._error(name)
            result = await (twice if fault is Fault.TWICE else once)(*args, **named)
            await asyncio.sleep(0)
            if fault is Fault.CRASH_AFTER:
                raise Crash(name)
            if fault is Fault.UNKNOWN:
                raise self._error(name)
            return result

        return call
