"""Whatever is done to a back end in whatever order, it looks like a model in dictionaries."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.contract.backends import BACK_ENDS, Backend, Kind, memory, slow_on_clouds
from tests.contract.machine import BackEndMachine

from logweir.backends.memory import MemoryStore
from logweir.clock import Clock, ManualClock
from logweir.ids import TenantId
from logweir.pipeline.records import Document
from logweir.pipeline.store import Stored

# Examples, and steps of each: what a back end's speed allows in some five seconds.
EFFORT: Final = {"memory": (50, 30), "local": (10, 25), "gcp": (5, 20), "aws": (5, 20)}


@slow_on_clouds
def test_whatever_is_done_it_looks_like_the_model(kind: Kind, tmp_path: Path) -> None:
    (name,) = [name for name, each in BACK_ENDS.items() if each is kind]
    _drive(kind, tmp_path, *EFFORT[name])


class Folding(MemoryStore):
    """Keeps a document where a file system that folds case would."""

    async def create(self, document: Document) -> Stored:
        tenant = TenantId(document.tenant_id.lower())
        return await super().create(replace(document, tenant_id=tenant))


def test_a_back_end_that_folds_the_case_of_tenants_is_noticed(tmp_path: Path) -> None:
    @asynccontextmanager
    async def opened(directory: Path, clock: Clock) -> AsyncIterator[Backend]:
        async with memory(directory, clock) as backend:
            store = Folding()
            yield replace(backend, ports=replace(backend.ports, store=store, reader=store))

    with pytest.raises(AssertionError):
        _drive(Kind(opened, ManualClock), tmp_path, *EFFORT["memory"], phases=[Phase.generate])


def _drive(
    kind: Kind, directory: Path, examples: int, steps: int, phases: Collection[Phase] = tuple(Phase)
) -> None:
    numbers = itertools.count()

    class Machine(BackEndMachine):
        def __init__(self) -> None:
            super().__init__(kind, directory / str(next(numbers)))

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=False,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )
