"""The checker of the kill tests, over what lies in Firestore."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from tests.crash.checker import Answer, Document, Report, Sent, check
from tests.crash.outcome import rules_of
from tests.support.cloud import Cloud
from tests.support.outsider import dump_of

from logweir.settings import Settings

_MESSAGE_BYTES_MAX = 9_000_000  # more than a chunk of these tests has


async def settled(cloud: Cloud, history: Sequence[Sent], *, seconds: float) -> None:
    """Wait until all that was answered 202 is kept, and no plan is left."""
    accepted = {(s.tenant, s.log or "", s.sha256) for s in history if s.answer is Answer.OK}
    deadline = time.monotonic() + seconds
    missing = accepted
    while missing and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        missing = accepted - await asyncio.to_thread(cloud.firestore.kept)
    assert not missing, f"{len(missing)} are not kept after {seconds} s: {sorted(missing)[:10]}"
    while plans := await asyncio.to_thread(cloud.firestore.plans):
        assert time.monotonic() < deadline, f"plans are left after {seconds} s: {plans[:10]}"
        await asyncio.sleep(0.5)


def judge(
    cloud: Cloud,
    history: Sequence[Sent],
    settings: Settings,
    *,
    earlier: Sequence[Document] = (),
) -> Report:
    """Check what lies in Firestore, in the quarantine, and where Pub/Sub puts what it gives up."""
    rules = rules_of(settings, _MESSAGE_BYTES_MAX)
    dump = dump_of(
        cloud.firestore.everything(),
        messages=len(cloud.pubsub.take("logweir-dead")),
        quarantined=len(cloud.pubsub.take("logweir-quarantine")),
    )
    return check(history, dump, rules, earlier=earlier)
