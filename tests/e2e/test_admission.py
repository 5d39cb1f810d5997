"""Real processes: a tenant's backlog is full, others go on, and a worker makes room again."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.support.kept import queued
from tests.support.processes import Process, running, until
from tests.support.wire import Answer, upload

TENANT_MAX: Final = 1000
TOTAL_MAX: Final = 2000
BOUNDS: Final = {
    "tenant_backlog_characters_max": TENANT_MAX,
    "backlog_characters_max": TOTAL_MAX,
}
TEXT: Final = "x" * 100


def send(gateway: Process, tenant: str, text: str = TEXT) -> Answer:
    return upload(gateway.port, tenant, text)


def assert_refused(answer: Answer, reason: str, limit: int, actual: int) -> None:
    assert (answer.status, answer.reason) == (429, reason)
    assert (answer.json["limit"], answer.json["actual"]) == (limit, actual)
    assert answer.headers["retry-after"] == "10"
    assert answer.headers["content-type"] == "application/problem+json"
    assert TEXT.encode() not in answer.body


def test_a_full_backlog_refuses_its_tenant_alone_until_a_worker_has_caught_up(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with running("gateway", data, **BOUNDS) as gateway:
        answers = [send(gateway, "acme") for _ in range(12)]
        assert [answer.status for answer in answers] == [202] * 10 + [429] * 2
        assert_refused(answers[-1], "tenant_backlog_full", TENANT_MAX, 1000)
        assert send(gateway, "beta").status == 202
        assert Counter(tenant for tenant, _ in queued(data)) == {"acme": 10, "beta": 1}
        with running("worker", data, seconds_per_character=0.0001):
            until(lambda: not queued(data), saying="the worker did not catch up")
            until(lambda: send(gateway, "acme").status == 202, saying="it is still refused")


def test_the_total_refuses_everyone_and_what_is_refused_leaves_no_trace(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running("gateway", data, **BOUNDS) as gateway:
        answers = [send(gateway, f"tenant-{number}") for number in range(22)]
        assert [answer.status for answer in answers] == [202] * 20 + [429] * 2
        assert_refused(answers[-1], "backlog_full", TOTAL_MAX, 2000)
        assert len(queued(data)) == 20


def test_a_gateway_that_starts_finds_the_backlog_as_it_was(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for first in (True, False):
        with running("gateway", data, **BOUNDS) as gateway:
            answers = [send(gateway, "acme").status for _ in range(11)]
        assert answers == ([202] * 10 + [429] if first else [429] * 11)


def test_identical_repeats_count_like_any_other(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running("gateway", data, **BOUNDS) as gateway:
        statuses = [upload(gateway.port, "acme", TEXT, log="same").status for _ in range(11)]
    assert statuses == [202] * 10 + [429]


def test_a_burst_passes_the_bound_by_one_text_at_most(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        running("gateway", data, **BOUNDS | {"backlog_characters_max": 0}) as gateway,
        ThreadPoolExecutor(32) as pool,
    ):
        text = "x" * 300
        burst = pool.map(lambda _: send(gateway, "acme", text).status, range(200))
        statuses = Counter(burst)
    assert statuses == {202: 4, 429: 196}
    assert len(queued(data)) == 4


def test_a_bound_of_zero_is_none(tmp_path: Path) -> None:
    unbounded = dict.fromkeys(BOUNDS, 0)
    with running("gateway", tmp_path / "data", **unbounded) as gateway:
        assert {send(gateway, "acme", "x" * 50_000).status for _ in range(30)} == {202}
