"""Ports that crash, or do not answer, at chosen calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum
from inspect import iscoroutinefunction
from typing import Any

from logweir.errors import BrokerUnavailable, StoreUnavailable, Unavailable


class Crash(BaseException):
    """The end of a process: nothing of Logweir may catch it."""


class Fault(Enum):
    """What happens at a call of a port."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    REFUSED = "unavailable, and nothing happened"
    UNKNOWN = "unavailable, but it happened"


class Faults:
    """Counts the calls of every port of one process, and lets some of them fail."""

    def __init__(self, at: Mapping[int, Fault] | Callable[[int], Fault | None]) -> None:
        self._at = at if callable(at) else at.get
        self.calls = 0

    def of(self, port: object, error: type[Unavailable]) -> Any:
        """The port, but for the faults."""
        return _FaultyPort(port, error, self)

    def store(self, port: object) -> Any:
        """A store whose calls fail."""
        return self.of(port, StoreUnavailable)

    def broker(self, port: object) -> Any:
        """A publisher or a session whose calls fail."""
        return self.of(port, BrokerUnavailable)

    def next(self) -> Fault | None:
        """The fault of this call."""
        self.calls += 1
        return self._at(self.calls - 1)


class _FaultyPort:
    def __init__(self, port: object, error: type[Unavailable], faults: Faults) -> None:
        self._port = port
        self._error = error
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not iscoroutinefunction(attribute):
            return attribute

        async def call(*args: object) -> object:
            fault = self._faults.next()
            await asyncio.sleep(0)
            if fault is Fault.CRASH_BEFORE:
                raise Crash(name)
            if fault is Fault.REFUSED:
                raise self._error(name)
            result = await attribute(*args)
            await asyncio.sleep(0)
            if fault is Fault.CRASH_AFTER:
                raise Crash(name)
            if fault is Fault.UNKNOWN:
                raise self._error(name)
            return result

        return call
