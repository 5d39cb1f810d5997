"""What may befall a Logweir's processes, and how often each comes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """Named as tables show it."""

    WORKER = "SIGKILL of a worker"
    GATEWAY = "SIGKILL of the gateway"
    BOTH = "SIGKILL of the gateway and a worker"
    ALL = "SIGKILL of all, the supervisor too"
    STARTING = "SIGKILL again and again while it starts"
    RECOVERING = "SIGKILL of a worker that has just begun"
    HANDING_BACK = "SIGKILL of all while the supervisor hands back"
    FROZEN_WORKER = "SIGSTOP of a worker past its lease, SIGCONT"
    FROZEN_GATEWAY = "SIGSTOP of the gateway past a lease, SIGCONT"
    DRAIN = "SIGTERM in the middle of traffic"


ALL_FAULTS: Final[Mapping[Fault, int]] = {  # how often each comes in a hundred
    Fault.WORKER: 44,
    Fault.GATEWAY: 22,
    Fault.BOTH: 10,
    Fault.ALL: 4,
    Fault.STARTING: 8,
    Fault.RECOVERING: 6,
    Fault.HANDING_BACK: 2,
    Fault.FROZEN_WORKER: 2,
    Fault.FROZEN_GATEWAY: 1,
    Fault.DRAIN: 1,
}


def endless(faults: Mapping[Fault, int], rng: random.Random) -> Iterator[Fault]:
    """Each of them once, in any order; then by their weights."""
    once = list(faults)
    rng.shuffle(once)
    yield from once
    while True:
        yield rng.choices(list(faults), list(faults.values()))[0]
