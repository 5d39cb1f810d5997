r"""A history as a file: JSON lines, written while a flood goes on, and read by ``logweir verify``.

    {"logweir_history": 1, "seed": 7, "tenants": 4, "url": "http://…/ingest"}
    {"call": 0, "index": 0, "tenant": "flood-1", "log": "7-0", …, "at": 8.1, "wall": "…Z"}
    {"end": 0, "at": 8.2, "answer": "ok", "status": 202, "log": "7-0"}
    {"fault": "gateway killed", "begin": 9.0, "end": 9.5, "fired": 1}

A call's line is handed to the kernel before its request is sent, so that no request is missing of
a flood that is killed: what has no answer is unknown. No text is in it; the seed and a log's index
make its text again. ``at``, ``begin`` and ``end`` are monotonic seconds.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from logweir.clock import Clock, timestamp
from logweir.envelope import sha256_of
from logweir.errors import Misconfigured
from logweir.verify.evidence import Answer, Fault
from logweir.verify.flood import Reply
from logweir.verify.traffic import Request

VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """What makes a flood's logs again, and where they went."""

    seed: int
    tenants: int
    url: str


class HistoryWriter:
    """The witness that writes. Its methods raise OSError where the file cannot take it."""

    def __init__(self, path: Path, flood: Flood, clock: Clock) -> None:
        """Raises Misconfigured where there is such a file: a history is never written over."""
        try:
            self._file = path.open("xb", buffering=0)
        except FileExistsError:
            raise Misconfigured(f"{path}: there is a file of that name already") from None
        path.chmod(0o600)
        self._clock = clock
        self._calls: dict[int, int] = {}  # index of a log -> number of its call under way
        self._count = 0
        self._pending: list[bytes] = []
        self._add({"logweir_history": VERSION, **dataclasses.asdict(flood)})
        self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write()
        self._file.close()

    def invoked(self, request: Request, due: float, at: float) -> None:  # noqa: ARG002  # a Witness
        """Note it, before it is sent; with it goes what has ended since the last one."""
        self._calls[request.index] = self._count
        self._add(
            {
                "call": self._count,
                "index": request.index,
                "tenant": request.tenant,
                "log": request.log,
                "source": request.source.value,
                "sha256": sha256_of(request.text),
                "characters": len(request.text),
                "canary": request.canary,
                "at": round(at, 6),
                "wall": timestamp(self._clock.now()),
            }
        )
        self._count += 1
        self._write()

    def ended(self, request: Request, due: float, at: float, reply: Reply) -> None:  # noqa: ARG002  # a Witness
        """Note it; it may be lost with this process, and is an unknown end then."""
        end = {"end": self._calls.pop(request.index), "at": round(at, 6)}
        told = {"status": reply.status, "failure": reply.failure, "log": reply.log}
        known = {name: value for name, value in told.items() if value is not None}
        self._add({**end, "answer": answer_of(reply).name.lower(), **known})

    def note(self, fault: Fault) -> None:
        """Note a fault that was planned, and whether it fired."""
        window = {"begin": fault.begin, "end": fault.end, "fired": fault.fired}
        self._add({"fault": fault.name, **window})
        self._write()

    def _add(self, line: Mapping[str, Any]) -> None:
        self._pending.append(json.dumps(line).encode() + b"\n")

    def _write(self) -> None:
        left = memoryview(b"".join(self._pending))
        self._pending.clear()
        while left:
            left = left[self._file.write(left) :]


def answer_of(reply: Reply) -> Answer:
    """What a reply says of a log: 4xx that it was not kept, and all but 202 that nobody knows."""
    if reply.status == 202:
        return Answer.OK
    refused = reply.status is not None and 400 <= reply.status < 500
    return Answer.FAIL if refused else Answer.UNKNOWN
