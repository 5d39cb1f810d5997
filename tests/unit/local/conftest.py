"""A broker and a store of one machine, on a clock that moves only when told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.disk import Disk, faulty_disk

from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.store import LocalStore
from logweir.clock import ManualClock
from logweir.limits import DEFAULT_LIMITS


@pytest.fixture
def clock() -> ManualClock:
    """The time of all that a test opens."""
    return ManualClock()


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The disk under all that a test opens after naming it."""
    with faulty_disk() as disk:
        yield disk


@pytest.fixture
async def broker(tmp_path: Path, clock: ManualClock) -> AsyncIterator[LocalBroker]:
    """A broker in a directory of its own."""
    broker = LocalBroker(tmp_path, clock, DEFAULT_LIMITS)
    yield broker
    await broker.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalStore]:
    """A store in the same directory."""
    store = LocalStore(tmp_path)
    yield store
    await store.close()
