"""Counts of a flood: which answer came how often and how late, and how late the generator was."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from logweir.verify.flood import Reply
from logweir.verify.traffic import Request

ACCEPTED: Final = "202"


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number of times are spread, in milliseconds."""

    count: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


class Tally:
    """The witness that counts. Times are kept whole, eight bytes each, so the ranks are exact."""

    def __init__(self) -> None:
        self._late = array("d")
        self._latencies: dict[str, array[float]] = {}
        self.ended_count = 0
        self.repeated_count = 0  # of those sent: once more, since they were not accepted

    def invoked(self, request: Request, due: float, at: float) -> None:
        """Note how late the generator was."""
        self._late.append(at - due)
        self.repeated_count += request.attempt > 1

    def ended(self, request: Request, due: float, at: float, reply: Reply) -> None:  # noqa: ARG002  # a Witness
        """Note how long it took since it was due."""
        label = str(reply.status) if reply.failure is None else reply.failure
        self._latencies.setdefault(label, array("d")).append(at - due)
        self.ended_count += 1

    @property
    def started_count(self) -> int:
        """How many requests were sent, repeats too; those not ended are under way."""
        return len(self._late)

    @property
    def sent_count(self) -> int:
        """How many logs were sent, however often."""
        return self.started_count - self.repeated_count

    @property
    def accepted_count(self) -> int:
        """How many were answered 202."""
        return len(self._latencies.get(ACCEPTED, ()))

    def answers(self) -> Iterator[tuple[str, Spread]]:
        """Each answer that came, 202 first, with its latencies."""
        for label in sorted(self._latencies, key=lambda label: (label != ACCEPTED, label)):
            yield label, spread(self._latencies[label])

    def late(self) -> Spread:
        """How late the generator sent, by its own fault: part of the latencies above."""
        return spread(self._late)


def spread(seconds: Sequence[float]) -> Spread:
    """The nearest ranks; NaN of nothing."""
    ranked = sorted(seconds)

    def at(share: float) -> float:
        return ranked[max(0, math.ceil(share * len(ranked)) - 1)] * 1000 if ranked else math.nan

    return Spread(len(ranked), at(0.5), at(0.99), at(0.999), at(1.0))
