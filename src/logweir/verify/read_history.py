"""Reads a history strictly: a line that is not as it was written is an error that names it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from logweir.clock import parse_timestamp
from logweir.envelope import Source
from logweir.errors import InvalidId, Misconfigured
from logweir.ids import LogId, TenantId
from logweir.verify.canary import CANARY
from logweir.verify.evidence import Answer, Fault, Sent
from logweir.verify.history import VERSION, Flood

Value = TypeVar("Value")

_NAMES: Final = {int: "a whole number", str: "a text"}
_sha256: Final = re.compile(r"[0-9a-f]{64}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A flood, what it sent, and what was to go wrong meanwhile."""

    flood: Flood
    sent: list[Sent]
    faults: list[Fault]

    @property
    def tenants(self) -> frozenset[TenantId]:
        """Whose logs they are."""
        return frozenset(TenantId(sent.tenant) for sent in self.sent)


def read_history(path: Path) -> History:
    """The history in a file. The last line of a flood that was killed may be cut off.

    Raises Misconfigured, with the line's number, where it is none; OSError where it is no file.
    """
    reading = _Reading()
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break  # cut off: its request was not sent yet
            try:
                reading.take(line)
            except (ValueError, InvalidId, Misconfigured) as error:
                raise Misconfigured(f"{path}, line {number}: {error}") from None
    if reading.flood is None:
        raise Misconfigured(f"{path}, line 1: it is empty, and no history")
    return reading.history(reading.flood)


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    flood: Flood | None = None
    _sent: list[Sent] = field(default_factory=list)  # by the number of the call
    _open: set[int] = field(default_factory=set)
    _faults: list[Fault] = field(default_factory=list)
    _last: float = 0.0

    def take(self, line: bytes) -> None:
        """Raises ValueError, InvalidId or Misconfigured where it is no such line."""
        members = json.loads(line)
        if not isinstance(members, dict):
            raise Misconfigured("it is no JSON object")
        if self.flood is None:
            self.flood = _flood(members)
        elif "call" in members:
            self._take_call(members)
        elif "fault" in members:
            self._faults.append(_fault(members))
        elif "end" in members and "answer" in members:
            self._take_end(members)
        else:
            raise Misconfigured("it is neither a call nor an end nor a fault")

    def history(self, flood: Flood) -> History:
        """All of it; what has no answer has waited until the end."""
        for number in self._open:
            self._sent[number] = replace(self._sent[number], answered=self._last)
        return History(flood=flood, sent=self._sent, faults=self._faults)

    def _take_call(self, members: Mapping[str, Any]) -> None:
        number = len(self._sent)
        if _member(members, "call", int) != number:
            raise Misconfigured(f"call {members['call']!r} comes where {number} should")
        at = self._time(members)
        sent = Sent(
            tenant=TenantId(_member(members, "tenant", str)),
            log=_log(members),
            source=Source(_member(members, "source", str)).value,
            sha256=_matching(members, "sha256", _sha256),
            characters=_member(members, "characters", int),
            canary=_matching(members, "canary", CANARY.fullmatch),
            answer=Answer.UNKNOWN,
            invoked=at,
            answered=at,
            invoked_at=parse_timestamp(_member(members, "wall", str)),
        )
        self._sent.append(sent)
        self._open.add(number)

    def _take_end(self, members: Mapping[str, Any]) -> None:
        number = _member(members, "end", int)
        if number not in self._open:
            raise Misconfigured(f"call {number} ends, and is not under way")
        self._open.discard(number)
        sent = self._sent[number]
        self._sent[number] = replace(
            sent,
            log=_log(members) or sent.log,
            answer=_answer(_member(members, "answer", str)),
            answered=self._time(members),
        )

    def _time(self, members: Mapping[str, Any]) -> float:
        at = _seconds(members, "at")
        self._last = max(self._last, at)
        return at


def _flood(members: Mapping[str, Any]) -> Flood:
    if "logweir_history" not in members:
        raise Misconfigured("it does not begin as a history does")
    if members["logweir_history"] != VERSION:
        version = members["logweir_history"]
        raise Misconfigured(f"it is of version {version!r}, and this logweir reads {VERSION}")
    return Flood(
        seed=_member(members, "seed", int),
        tenants=_member(members, "tenants", int),
        url=_member(members, "url", str),
    )


def _fault(members: Mapping[str, Any]) -> Fault:
    return Fault(
        name=_member(members, "fault", str),
        begin=_seconds(members, "begin"),
        end=_seconds(members, "end"),
        fired=_member(members, "fired", int),
    )


def _member(members: Mapping[str, Any], name: str, kind: type[Value]) -> Value:
    value = members.get(name)
    # A bool is an int to Python.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Misconfigured(f"{name} must be {_NAMES[kind]}, and is {value!r}")
    return value


def _seconds(members: Mapping[str, Any], name: str) -> float:
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Misconfigured(f"{name} must be seconds, and is {value!r}")
    return float(value)


def _log(members: Mapping[str, Any]) -> LogId | None:
    return LogId(_member(members, "log", str)) if members.get("log") is not None else None


def _matching(
    members: Mapping[str, Any], name: str, matches: Callable[[str], re.Match[str] | None]
) -> str:
    value = _member(members, name, str)
    if not matches(value):
        raise Misconfigured(f"{name} is {value!r}, which no {name} looks like")
    return value


def _answer(name: str) -> Answer:
    if name not in {"ok", "fail", "unknown"}:
        raise Misconfigured(f"answer must be ok, fail or unknown, and is {name!r}")
    return Answer[name.upper()]
