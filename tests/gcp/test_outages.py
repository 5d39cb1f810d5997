"""Pub/Sub or Firestore goes away, and comes back: what clients are told, and what becomes of logs.

Frozen (SIGSTOP) it is a cloud that does not answer; killed it refuses connections, and what it
held is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from scripts.emulators import Emulator
from tests.support.cloud import Google, google, send_json, send_text
from tests.support.emulators import own_emulators
from tests.support.logs import a_log
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
from tests.support.pushes import a_push
from tests.support.wire import ask, request

from logweir.envelope import encode, sha256_of

pytestmark = [pytest.mark.kill, pytest.mark.slow]

WORK: Final = {"seconds_per_character": 1e-4, "chunk_seconds": 0.1}  # chunks of 1,000 characters
LONG: Final = "0123456789" * 350
# The store's last try begins 15 s after its first, and takes 10 s at most.
STORE_SECONDS_MAX: Final = 27.0


@pytest.fixture
def emulator() -> Iterator[dict[str, Emulator]]:
    """Both, to be stopped."""
    with own_emulators() as both:
        yield {"pubsub": both["PUBSUB_EMULATOR_HOST"], "firestore": both["FIRESTORE_EMULATOR_HOST"]}


@pytest.fixture
def cloud(emulator: dict[str, Emulator], tmp_path: Path) -> Google:
    """A project on them."""
    return google({each.variable: each.address for each in emulator.values()}, tmp_path)


def test_a_frozen_pubsub_is_503_in_time_and_202_soon_after(
    cloud: Google, emulator: dict[str, Emulator]
) -> None:
    with cloud.running("serve", **WORK) as service:
        assert send_json(service.port, "acme", "before", TEXT).status == 202
        stored(cloud, "before")
        with frozen(emulator["pubsub"]):
            answers = send_at_once(service.port, 20)
            assert_unavailable(answers)
        took = back_after(service.port)
        for log in [f"log-{number}" for number in range(20)]:  # as their clients are told to do
            assert send_text(service.port, "acme", log, TEXT).status == 202
        stored(cloud, "back", *(f"log-{number}" for number in range(20)), seconds=40)
    print(f"503 after at most {slowest(answers):.1f} s; 202 again {took:.2f} s after the outage")
    assert kinds_in(cloud.store.everything()) == {"processed_logs": 22}


async def test_a_killed_pubsub_is_503_in_time_and_202_soon_after_it_is_there_again(
    cloud: Google, emulator: dict[str, Emulator]
) -> None:
    with cloud.running("serve", **WORK) as service:
        assert send_json(service.port, "acme", "before", TEXT).status == 202
        stored(cloud, "before")
        emulator["pubsub"].stop()
        answers = send_at_once(service.port, 20)
        assert_unavailable(answers)
        emulator["pubsub"].start()
        undeployed = send_json(service.port, "acme", "undeployed", TEXT)
        assert undeployed.reason == "broker_unavailable"  # its topics are gone
        await cloud.provision()
        took = back_after(service.port)
        stored(cloud, "back", seconds=40)
    print(f"503 after at most {slowest(answers):.1f} s; 202 again {took:.2f} s after the topics")


def test_with_firestore_frozen_messages_come_back_and_are_done_later(
    cloud: Google, emulator: dict[str, Emulator]
) -> None:
    with cloud.running("serve", **WORK) as service:
        assert send_json(service.port, "acme", "before", TEXT).status == 202
        stored(cloud, "before")
        with frozen(emulator["firestore"]):
            for log in range(10):
                assert send_json(service.port, "acme", f"log-{log}", TEXT).status == 202
            assert send_text(service.port, "acme", "long", LONG).status == 202
            until(
                lambda: len(cloud.events("retry")) >= 11,
                seconds=STORE_SECONDS_MAX,
                saying="the messages were not given back",
            )
        thawed = time.monotonic()
        stored(cloud, *(f"log-{log}" for log in range(10)), seconds=60)
        wait_for(cloud, {("acme", "long", sha256_of(LONG))}, seconds=60)
        took = time.monotonic() - thawed
        until(lambda: not cloud.store.plans(), seconds=30)
    print(f"all done {took:.1f} s after the outage")
    assert kinds_in(cloud.store.everything()) == {"processed_logs": 12}


def test_with_firestore_frozen_a_push_is_503_and_204_later(
    cloud: Google, emulator: dict[str, Emulator]
) -> None:
    # Else a log may come between a topic and its subscription, and then it is nowhere.
    asyncio.run(cloud.provision())
    with cloud.running("push", **WORK) as worker, cloud.running("gateway", **WORK) as gateway:
        subscription = cloud.broker.subscription("logs")
        pushed = a_push(encode(a_log(TEXT, log="pushed")), subscription=subscription)
        push = request(body=pushed, line=b"POST / HTTP/1.1")
        with frozen(emulator["firestore"]):
            assert send_json(gateway.port, "acme", "log", TEXT).status == 202
            during = ask(worker.port, push, timeout=STORE_SECONDS_MAX)
            assert during is not None
            assert during.status == 503
            until(
                lambda: len(cloud.events("retry")) >= 2,
                seconds=STORE_SECONDS_MAX,
                saying="the emulator's push was not given back",
            )
        later = ask(worker.port, push, timeout=STORE_SECONDS_MAX)
        assert later is not None
        assert later.status == 204
        stored(cloud, "pushed", "log", seconds=40)
    assert kinds_in(cloud.store.everything()) == {"processed_logs": 2}
