"""What happened in a run, event by event; equal runs have equal hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tests.simulation.loop import SimulatedLoop

Event = tuple[float, str, str, object]  # when, who, what, about what


class Trace:
    """The events of one run, in their order."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self.events: list[Event] = []

    def note(self, who: str, what: str, about: object = "") -> None:
        """``about`` must have a ``repr`` that is the same in every run."""
        self.events.append((self._loop.time(), who, what, about))

    def hash(self) -> str:
        """The SHA-256 of all events."""
        return hashlib.sha256(repr(self.events).encode()).hexdigest()

    def lines(self) -> Iterator[str]:
        """A line for each event, for people."""
        for at, who, what, about in self.events:
            yield f"{at:10.4f} s  {who:<10} {what:<22} {about}"
