"""What the recorder and who mounts it tell each other; needs no libfuse, as the recorder does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MARK: Final = "user.mark"
FAULT: Final = "user.fault"
COUNTS: Final = "user.counts"
RECORDED: Final = "/data"  # what lies elsewhere, a process's stderr say, is passed through


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to fail, counted from the moment that the plan is made."""

    # The n-th sync fails with EIO, and so many after it: of what was written nothing is kept.
    sync_fails_at: int | None = None
    syncs_failing: int = 1
    # From the n-th operation on that needs room, the disk is full: ENOSPC.
    full_at: int | None = None


@dataclass(slots=True)
class Counts:
    """What was done since the mount, or since the last plan where it says so."""

    ops: int = 0
    syncs_of_plan: int = 0
    writes_of_plan: int = 0
    fired: dict[str, int] = field(default_factory=dict)  # faults, since the mount
