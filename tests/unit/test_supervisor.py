"""The supervisor where the machine fails it: no process to be had, leases that cannot be read."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs
from tests.support.processes import free_port

from logweir.backends.local.broker import LocalBroker
from logweir.bootstrap import Ports, open_ports
from logweir.entrypoints.supervisor import Supervisor
from logweir.errors import BrokerUnavailable, Misconfigured
from logweir.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", port=free_port())


@pytest_asyncio.fixture
async def ports(settings: Settings) -> AsyncIterator[Ports]:
    async with open_ports(settings) as ports:
        yield ports


def events(logged: list[Any]) -> list[str]:
    return [line["event"] for line in logged]


async def test_a_process_that_cannot_be_started_is_tried_again_until_it_can(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listens = asyncio.Event()
    supervisor = Supervisor(settings, lambda _: listens.set())
    with capture_logs() as logged, monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(tmp_path / "not-there-now"))
        running = asyncio.create_task(supervisor.run(lambda _: None))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(running), 0.5)
        tries = events(logged).count("process_not_started")
        assert 14 <= tries < 30, "some at once, then ever slower"
        patch.undo()
        await asyncio.wait_for(listens.wait(), 20)
        supervisor.stop()
        await running
    assert "process_died" not in events(logged)


@pytest.mark.parametrize(
    "error", [BrokerUnavailable("no"), Misconfigured("no"), PermissionError(13, "no")], ids=repr
)
async def test_leases_that_cannot_be_handed_back_are_left_to_the_next_worker(
    settings: Settings, ports: Ports, error: Exception
) -> None:
    async def fail() -> int:
        raise error

    supervisor = Supervisor(settings, lambda _: None)
    with capture_logs() as logged:
        await supervisor._hand_back(dataclasses.replace(ports, reap=fail))
    assert events(logged) == ["leases_not_handed_back"]


async def test_a_process_that_has_just_ended_is_no_trouble_to_stop(settings: Settings) -> None:
    supervisor = Supervisor(settings, lambda _: None)
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await ended.wait()
    with pytest.raises(ProcessLookupError):
        ended.terminate()
    supervisor._processes.add(ended)
    await supervisor._end_processes([])


async def test_it_starts_while_the_broker_cannot_be_written_and_the_processes_wait(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: LocalBroker) -> int:
        raise BrokerUnavailable("the disk is full")

    monkeypatch.setattr(LocalBroker, "reap", fail)  # of this process alone
    listens = asyncio.Event()
    supervisor = Supervisor(settings, lambda _: listens.set())
    with capture_logs() as logged:
        running = asyncio.create_task(supervisor.run(lambda _: None))
        await asyncio.wait_for(listens.wait(), 20)
        supervisor.stop()
        await running
    assert "leases_not_handed_back" in events(logged)
