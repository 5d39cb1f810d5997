"""The checker of the kill tests, over what lies in a cloud's store."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence

from tests.crash.client import Client, traffic
from tests.crash.outcome import rules_of
from tests.support.cloud import AnyCloud
from tests.support.outsider import dump_of

from logweir.settings import Settings
from logweir.verify.checker import check
from logweir.verify.evidence import Answer, Document, Fault, Sent
from logweir.verify.findings import Report

_MESSAGE_BYTES_MAX = 9_000_000  # more than a chunk of these tests has


async def settled(cloud: AnyCloud, history: Sequence[Sent], *, seconds: float) -> None:
    """Wait until all that was answered 202 is kept, and no plan and no message is left."""
    accepted = {(s.tenant, s.log or "", s.sha256) for s in history if s.answer is Answer.OK}
    deadline = time.monotonic() + seconds
    missing = accepted
    while missing and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        missing = accepted - await asyncio.to_thread(cloud.store.kept)
    assert not missing, f"{len(missing)} are not kept after {seconds} s: {sorted(missing)[:10]}"
    while plans := await asyncio.to_thread(cloud.store.plans):
        assert time.monotonic() < deadline, f"plans are left after {seconds} s: {plans[:10]}"
        await asyncio.sleep(0.5)
    while left := await asyncio.to_thread(cloud.broker.left):  # perhaps copies, in dead hands
        assert time.monotonic() < deadline, f"{left} messages are left after {seconds} s"
        await asyncio.sleep(0.5)


async def send_steadily(
    client: Client, logs: int, per_second: float, *, long: int = 1600, at_once: int = 10_000
) -> int:
    """Logs of some hundred characters, and now and then one of ``long``: how many were sent."""
    count = itertools.count()
    return await traffic(
        client,
        random.Random(2),
        per_second=per_second,
        characters=(40, 450),
        long_characters=long,
        ended=lambda: next(count) >= logs,
        at_once=at_once,
    )


def judge(
    cloud: AnyCloud,
    history: Sequence[Sent],
    settings: Settings,
    *,
    faults: Sequence[Fault] = (),
    earlier: Sequence[Document] = (),
) -> Report:
    """Check what lies in the store, in the quarantine, and where what the broker gave up does."""
    rules = rules_of(settings, _MESSAGE_BYTES_MAX)
    dump = dump_of(
        cloud.store.everything(),
        messages=cloud.broker.left() + len(cloud.broker.take("dead")),
        quarantined=len(cloud.broker.take("quarantine")),
    )
    return check(history, dump, rules, faults=faults, earlier=earlier)
