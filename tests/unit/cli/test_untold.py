"""``status`` and ``get`` on a broker that tells sums by lane, or nothing, and finds no message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.lanes import Sums, lane
from tests.unit.cli.shell import document, envelope, letter, lines_of, logweir, plan, put

from logweir import bootstrap
from logweir.bootstrap import Ports, open_ports
from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Lane, Whereabouts
from logweir.pipeline.store import Store
from logweir.settings import Settings


def test_status_shows_the_lanes_and_their_sum(tmp_path: Path, told: Sums) -> None:
    put(tmp_path)
    told.lanes = [lane(Lane.LOG, 1200, 3, 61.0), lane(Lane.CHUNK, 10, 0, 5.0)]
    told.dead = 2
    table = logweir("status", "--data-dir", tmp_path).stdout.splitlines()
    assert [row.split() for row in table[:4]] == [
        ["LANE", "WAITING", "IN", "FLIGHT", "OLDEST"],
        ["log", "1,200", "3", "1", "min", "1", "s"],
        ["chunk", "10", "0", "5.0", "s"],
        ["total", "1,210", "3", "1", "min", "1", "s"],
    ]
    assert table[-1].endswith("Quarantined: 2.")
    [found] = lines_of(logweir("status", "--json", "--data-dir", tmp_path))
    assert found == {
        "waiting": 1210,
        "in_flight": 3,
        "oldest_seconds": 61.0,
        "quarantined": 2,
        "tenants": [],
        "lanes": [
            {"lane": "log", "waiting": 1200, "in_flight": 3, "oldest_seconds": 61.0},
            {"lane": "chunk", "waiting": 10, "in_flight": 0, "oldest_seconds": 5.0},
        ],
    }


def test_status_takes_a_number_that_is_not_told_for_no_number(tmp_path: Path, told: Sums) -> None:
    put(tmp_path)
    result = logweir("status", "--data-dir", tmp_path)
    assert result.exit_code == 0
    table = result.stdout.splitlines()
    assert [row.split() for row in table[1:4]] == [
        ["log", "-", "-", "-"],
        ["chunk", "-", "-", "-"],
        ["total", "-", "-", "-"],
    ]
    assert table[-1].endswith("Quarantined: -.")
    [found] = lines_of(logweir("status", "--json", "--data-dir", tmp_path))
    assert (found["waiting"], found["in_flight"], found["quarantined"]) == (None, None, None)
    assert {each["waiting"] for each in found["lanes"]} == {None}


def test_status_knows_no_sum_of_lanes_of_which_one_is_unknown(tmp_path: Path, told: Sums) -> None:
    put(tmp_path)
    told.lanes = [lane(Lane.LOG, 5, 0), lane(Lane.CHUNK, None, 4)]
    [found] = lines_of(logweir("status", "--json", "--data-dir", tmp_path))
    assert (found["waiting"], found["in_flight"]) == (None, 4)
    assert [each["waiting"] for each in found["lanes"]] == [5, None]


def test_get_says_that_a_log_that_is_not_here_may_wait(tmp_path: Path, told: Sums) -> None:
    put(tmp_path, envelope())
    result = logweir("get", "acme", "a1", "--data-dir", tmp_path)
    assert result.exit_code == 3
    assert result.stdout == (
        "acme/a1 is not here: there is no document or dead letter of it."
        " It may wait: this broker cannot be asked about single messages.\n"
    )
    shown = logweir("get", "acme", "a1", "--json", "--data-dir", tmp_path)
    assert shown.exit_code == 3
    assert '"state": "unknown"' in shown.stdout
    assert '"messages_waiting": null' in shown.stdout


def test_get_takes_a_plan_for_work_and_never_for_a_refusal(tmp_path: Path, told: Sums) -> None:
    put(tmp_path, plan())
    result = logweir("get", "acme", "a1", "--data-dir", tmp_path)
    assert result.exit_code == 1
    assert result.stdout == "acme/a1 is in work: 0 of 3 chunks done\n"
    [found] = lines_of(logweir("get", "acme", "a1", "--json", "--data-dir", tmp_path))
    assert (found["state"], found["messages_in_flight"], found["chunks"]) == ("in_work", None, 3)


def test_get_says_why_a_log_is_dead(tmp_path: Path, told: Sums) -> None:
    put(tmp_path, letter())
    result = logweir("get", "acme", "a1", "--wait", "30", "--data-dir", tmp_path)
    assert result.exit_code == 1
    assert result.stdout.startswith("acme/a1 is dead: conflict.")
    assert told.asked == 1, "nobody waits for the dead"


def test_get_waits_as_long_as_it_is_told_for_a_log_that_may_wait(
    tmp_path: Path, told: Sums
) -> None:
    put(tmp_path)
    result = logweir("get", "acme", "a1", "--wait", "0.5", "--data-dir", tmp_path)
    assert result.exit_code == 3
    assert told.asked > 1


def test_get_goes_on_waiting_until_the_document_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path)
    store: Store

    class Finishing(Sums):
        """At the third time that somebody asks, a worker has finished meanwhile."""

        async def locate(self, tenant: TenantId, log: LogId) -> Whereabouts | None:
            if self.asked == 2:
                await store.create(document())
            return await super().locate(tenant, log)

    broker = Finishing([], None)

    @asynccontextmanager
    async def opened(settings: Settings, **how: Any) -> AsyncIterator[Ports]:
        nonlocal store
        async with open_ports(settings, **how) as ports:
            store = ports.store
            yield replace(ports, backlog=broker)

    monkeypatch.setattr(bootstrap, "open_ports", opened)
    result = logweir("get", "acme", "a1", "--wait", "30", "--data-dir", tmp_path)
    assert result.exit_code == 0
    assert "User [REDACTED] logged in" in result.stdout
    assert broker.asked == 3


def test_get_shows_a_document_without_asking_the_broker(tmp_path: Path, told: Sums) -> None:
    put(tmp_path, document())
    assert logweir("get", "acme", "a1", "--data-dir", tmp_path).exit_code == 0
    assert told.asked == 0
