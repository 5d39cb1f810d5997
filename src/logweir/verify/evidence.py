"""What the checker is given: what clients were told, what is stored, and what befell the run.

    Sent              a request and its answer        the client's side
    Document, Letter  what lies in the store ─┐
    Dump              all of it               ┘       the store's side
    Fault             a window in which something was broken on purpose
    Event, Progress   what was seen of the work, where somebody looked

Times are monotonic seconds on the client's clock, but for those that the store keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum


class Answer(Enum):
    """What a client was told."""

    OK = "202"
    FAIL = "refused"  # 4xx: it must leave no trace
    UNKNOWN = "unknown"  # 503, a broken connection, a timeout: it may have been kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request. ``log``: the id that the client gave or was told; None where it knows none."""

    tenant: str
    log: str | None
    source: str
    sha256: str
    characters: int
    canary: str
    answer: Answer
    invoked: float  # monotonic seconds
    answered: float
    invoked_at: datetime  # the same moment on the wall clock

    @property
    def answered_at(self) -> datetime:
        """The answer on the wall clock."""
        return self.invoked_at + timedelta(seconds=self.answered - self.invoked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that was to go wrong from ``begin`` to ``end``, and how often it did."""

    name: str
    begin: float  # monotonic seconds, on the clock of the history
    end: float
    fired: int
    paused: bool = False  # processes stood still meanwhile; told with a journal, and in no file


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as it lies at the place of the tenant ``place``, naming ``tenant``."""

    place: str
    tenant: str
    log: str
    source: str
    text: str
    modified: str
    sha256: str
    characters: int
    received_at: datetime
    processed_at: datetime
    rules_version: str | None = None  # None: that of the rules to check by


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter as it lies at the place of the tenant ``place``, naming ``tenant``."""

    place: str
    tenant: str
    log: str
    source: str
    text: str
    sha256: str
    characters: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What there is after a run besides its results; all of it 0 after a good one."""

    messages: int | None = 0  # still in the broker; None where it does not tell
    looked_at: datetime | None = None  # None: after all was to be finished
    plans: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump(Leftovers):
    """What is stored after a run."""

    documents: Sequence[Document]
    letters: Sequence[Letter]
    # place -> those in the very bytes of its files, where somebody looked at these
    canaries: Mapping[str, AbstractSet[str]] = field(default_factory=dict)


class Step(StrEnum):
    """What a worker notes about a text."""

    WORK = "work"  # it begins
    RECORDED = "recorded"  # its chunk is
    CREATED = "created"  # its document is


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A step that was taken. ``part``: the SHA-256 of the text worked on, whole log or chunk."""

    at: float  # monotonic seconds
    step: Step
    canary: str
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The chunks that a plan had recorded when somebody looked."""

    at: float  # monotonic seconds
    place: str
    log: str
    sha256: str
    recorded: AbstractSet[int]
