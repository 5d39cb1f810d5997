"""AWS goes away, and comes back: what clients are told, and what becomes of logs.

Frozen (SIGSTOP) it is a cloud that does not answer: here queues and table at once, since they are
one emulator. Killed it would forget them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from scripts.emulators import Emulator
from tests.support.cloud import Amazon, amazon, send_json, send_text
from tests.support.ministack import own_ministack
from tests.support.outages import (
    TEXT,
    assert_unavailable,
    back_after,
    frozen,
    send_at_once,
    slowest,
    stored,
    wait_for,
)
from tests.support.outsider import kinds_in
from tests.support.processes import until

from logweir.envelope import sha256_of

pytestmark = [pytest.mark.kill, pytest.mark.slow]

# Chunks of 1,000 characters; and an outage is longer than a lease sooner than after 30 s.
WORK: Final = {"seconds_per_character": 1e-3, "chunk_seconds": 1.0, "lease_seconds": 10}
LONG: Final = "0123456789" * 350
DONE_SECONDS_MAX: Final = 60.0  # from the end of an outage


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """One to be frozen."""
    with own_ministack() as own:
        yield own


@pytest.fixture
def cloud(emulator: Emulator, tmp_path: Path) -> Amazon:
    """A prefix on it."""
    return amazon({emulator.variable: emulator.address}, tmp_path)


def test_a_frozen_cloud_is_503_in_time_and_202_soon_after(
    cloud: Amazon, emulator: Emulator
) -> None:
    with cloud.running("serve", **WORK) as service:
        assert send_json(service.port, "acme", "before", TEXT).status == 202
        stored(cloud, "before")
        with frozen(emulator):
            answers = send_at_once(service.port, 20)
            assert_unavailable(answers)
        took = back_after(service.port)
        for log in [f"log-{number}" for number in range(20)]:  # as their clients are told to do
            assert send_text(service.port, "acme", log, TEXT).status == 202
        stored(cloud, "back", *(f"log-{number}" for number in range(20)), seconds=40)
        until(lambda: cloud.broker.left() == 0, seconds=DONE_SECONDS_MAX)
    print(f"503 after at most {slowest(answers):.1f} s; 202 again {took:.2f} s after the outage")
    assert kinds_in(cloud.store.everything()) == {"processed_logs": 22}


def test_what_was_in_work_when_the_cloud_froze_is_done_later(
    cloud: Amazon, emulator: Emulator
) -> None:
    with cloud.running("serve", **WORK) as service:
        assert send_json(service.port, "acme", "before", TEXT).status == 202
        stored(cloud, "before")
        for log in range(10):
            assert send_json(service.port, "acme", f"log-{log}", "x" * 900).status == 202
        assert send_text(service.port, "acme", "long", LONG).status == 202
        until(lambda: cloud.broker.left() >= 11)
        with frozen(emulator):
            until(lambda: cloud.events("lease_lost"), seconds=40, saying="it went on working")
        thawed = time.monotonic()
        texts = {"long": LONG} | {f"log-{number}": "x" * 900 for number in range(10)}
        wanted = {("acme", log, sha256_of(text)) for log, text in texts.items()}
        wait_for(cloud, wanted, seconds=DONE_SECONDS_MAX)
        took = time.monotonic() - thawed
        until(lambda: not cloud.store.plans(), seconds=DONE_SECONDS_MAX)
        until(lambda: cloud.broker.left() == 0, seconds=DONE_SECONDS_MAX)
    print(f"all done {took:.1f} s after the outage")
    assert kinds_in(cloud.store.everything()) == {"processed_logs": 12}
