"""Every suite here runs on each back end in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from tests.contract.backends import BACK_ENDS, Backend, Kind, MovableClock, Opener

from logweir.bootstrap import Ports

_SLOW_SECONDS_MAX: Final = 300.0


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """On an emulator nobody can move the clock, and each call is one to another process."""
    for item in items:
        if not item.get_closest_marker("slow_on_clouds"):
            continue
        if {"gcp", "aws"} & {*item.callspec.params.values()}:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(_SLOW_SECONDS_MAX))


@pytest.fixture(params=BACK_ENDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each back end in turn."""
    kind = BACK_ENDS[request.param]
    for fixture in kind.fixtures:
        request.getfixturevalue(fixture)
    return kind


@pytest.fixture
def opener(kind: Kind) -> Opener:
    """What opens it."""
    return kind.open


@pytest.fixture
def clock(kind: Kind) -> MovableClock:
    """The time of the back end."""
    return kind.clock()


@pytest.fixture
async def backend(
    opener: Opener, tmp_path: Path, clock: MovableClock, request: pytest.FixtureRequest
) -> AsyncIterator[Backend]:
    """A back end with nothing in it."""
    async with opener(tmp_path, clock) as backend:
        expect_what_lacks(request, backend)
        yield backend


@pytest.fixture
def ports(backend: Backend) -> Ports:
    """Its ports."""
    return backend.ports


def expect_what_lacks(request: pytest.FixtureRequest, backend: Backend) -> None:
    """A test that needs what the back end lacks must fail."""
    needed = [need for mark in request.node.iter_markers("needs") for need in mark.args]
    if lacking := [backend.lacks[need] for need in needed if need in backend.lacks]:
        request.node.add_marker(pytest.mark.xfail(reason=f"declared: {lacking[0]}", strict=True))
