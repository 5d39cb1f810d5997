"""What commands are told by another broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.cli.lanes import Sums, lane

from logweir import bootstrap
from logweir.bootstrap import Ports, open_ports
from logweir.pipeline.broker import Lane
from logweir.settings import Settings


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Sums:
    """What the broker of all commands tells: nothing, unless the test changes it."""
    sums = Sums([lane(each, None) for each in Lane], None)

    @asynccontextmanager
    async def opened(settings: Settings, **how: Any) -> AsyncIterator[Ports]:
        async with open_ports(settings, **how) as ports:
            yield replace(ports, backlog=sums)

    monkeypatch.setattr(bootstrap, "open_ports", opened)
    return sums
