"""Every suite here runs on each back end in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract.backends import BACK_ENDS, Backend, Opener

from logweir.bootstrap import Ports
from logweir.clock import ManualClock


@pytest.fixture(params=BACK_ENDS)
def opener(request: pytest.FixtureRequest) -> Opener:
    """Each back end in turn."""
    return BACK_ENDS[request.param]


@pytest.fixture
def clock() -> ManualClock:
    """The time of the back end; it moves only when told."""
    return ManualClock()


@pytest.fixture
async def backend(opener: Opener, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Backend]:
    """A back end with nothing in it."""
    async with opener(tmp_path, clock) as backend:
        yield backend


@pytest.fixture
def ports(backend: Backend) -> Ports:
    """Its ports."""
    return backend.ports
