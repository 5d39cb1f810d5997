"""Pub/Sub pushes to ``logweir push``: by the emulator itself, and hundreds at once by a bridge."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from tests.crash.client import Client, traffic
from tests.crash.service import until
from tests.support.bridge import Bridge
from tests.support.cloud import Google, send_json, send_text
from tests.support.judge import judge, settled
from tests.support.logs import a_log
from tests.support.outsider import text_in
from tests.support.processes import Process, free_port
from tests.support.processes import until as wait_until

from logweir.envelope import encode, sha256_of
from logweir.settings import Settings

TEXT: Final = "User 555-0199 logged in"
QUICK: Final = {"seconds_per_character": 1e-4, "chunk_seconds": 0.1}  # chunks of 1,000 characters
# Logs that take 4 to 12 seconds, so that hundreds are in flight at once on a slow machine too.
BUSY: Final = Settings(seconds_per_character=0.02, chunk_seconds=12.0)


@dataclass
class Site:
    """A gateway and a push worker."""

    cloud: Google
    gateway: Process
    worker: Process

    def wait(self, *logs: tuple[str, str, str]) -> None:
        """Until these texts are kept."""
        wanted = {(tenant, log, sha256_of(text)) for tenant, log, text in logs}
        wait_until(lambda: wanted <= self.cloud.store.kept(), seconds=20)


@pytest.fixture
def site(cloud: Google) -> Iterator[Site]:
    asyncio.run(cloud.provision())  # a worker listens before it has made its topics
    with cloud.running("push", **QUICK) as worker, cloud.running("gateway", **QUICK) as gateway:
        yield Site(cloud, gateway, worker)


def test_what_the_emulator_pushes_ends_in_firestore(site: Site) -> None:
    long = "".join(f"{number:07} 555-0199\n" for number in range(3000))[:50_000]
    assert send_json(site.gateway.port, "acme", "1", TEXT).status == 202
    assert send_text(site.gateway.port, "globex", "1", TEXT).status == 202
    assert send_text(site.gateway.port, "globex", "long", long).status == 202
    site.wait(("acme", "1", TEXT), ("globex", "1", TEXT), ("globex", "long", long))
    wait_until(lambda: not site.cloud.store.plans(), saying="the plan was not forgotten")
    found = site.cloud.store.everything()
    assert {path: fields["source"] for path, fields in found.items()} == {
        "tenants/acme/processed_logs/1": "json_upload",
        "tenants/globex/processed_logs/1": "text_upload",
        "tenants/globex/processed_logs/long": "text_upload",
    }
    assert text_in(found, "tenants/globex/processed_logs/long", "original_text") == long


def test_what_is_no_envelope_lies_in_the_quarantine(site: Site) -> None:
    raw = b"\xff\x00 no envelope"
    site.cloud.broker.publish("logs", raw)
    kept: list[Any] = []

    def is_kept() -> bool:
        kept.extend(site.cloud.broker.take_messages("quarantine"))
        return bool(kept)

    wait_until(is_kept)
    assert [(m.data, dict(m.attributes)) for m in kept] == [(raw, {"quarantine": "unreadable"})]


def test_what_pubsub_gave_up_is_published_anew_and_finished(site: Site) -> None:
    site.cloud.broker.publish("dead", encode(a_log(TEXT, log="revived")))
    site.wait(("acme", "revived", TEXT))
    assert [event["log"] for event in site.cloud.events("published_anew")] == ["revived"]


@pytest.mark.kill
@pytest.mark.slow
async def test_a_thousand_logs_with_hundreds_in_flight_and_kills_are_each_kept_once(
    cloud: Google,
) -> None:
    await cloud.provision()
    port = free_port()
    work = {
        "seconds_per_character": BUSY.seconds_per_character,
        "chunk_seconds": BUSY.chunk_seconds,
    }
    count = itertools.count()
    with (
        cloud.running("push", port=port, **work) as first,
        cloud.running("gateway", **work) as gateway,
    ):
        client = Client(f"http://127.0.0.1:{gateway.port}/ingest")
        bridge = Bridge(cloud.broker, f"http://127.0.0.1:{port}/", in_flight_max=800)
        async with bridge.carrying():
            sending = asyncio.create_task(
                traffic(
                    client,
                    random.Random(3),
                    per_second=250.0,
                    characters=(200, 590),
                    long_characters=1700,
                    ended=lambda: next(count) >= 1000,
                )
            )
            await until(lambda: bridge.in_flight_most >= 300, 60.0, "300 pushes at once")
            first.kill()
            with cloud.running("push", port=port, **work):
                await sending
                await settled(cloud, client.history, seconds=90)
    report = judge(cloud, client.history, BUSY)
    print(f"{bridge.in_flight_most} in flight at once, answers {dict(bridge.answers)}\n{report}")
    assert not report.findings, str(report)
    assert bridge.in_flight_most >= 300
    assert bridge.answers[204] >= 1000
    assert report.accepted >= 1000
