"""An image, opened by the product's own start-up, and what is found in it.

Everything is read through the connections that the product has opened: it is they that recover
what the power cut has left.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, cast

import apsw
from tests.power.promises import Key

from logweir.backends.local import rows
from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.database import select
from logweir.backends.local.names import SUFFIX, tenant_of
from logweir.backends.local.session import Session
from logweir.backends.local.store import LocalStore
from logweir.bootstrap import Ports, consumer, open_ports
from logweir.entrypoints.worker import Worker
from logweir.envelope import Envelope, decode, sha256_of
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import Document, Plan, TextKey, key_of
from logweir.redact import redact
from logweir.settings import Settings

_FINISH_SECONDS: Final = 30.0


@dataclass(slots=True)
class Contents:
    """What an image holds. ``problems``: what no image may hold, in words."""

    documents: dict[Key, str] = field(default_factory=dict)  # and a digest of all fields
    letters: set[Key] = field(default_factory=set)
    plans: dict[Key, int] = field(default_factory=dict)  # how many chunks
    recorded: dict[Key, set[int]] = field(default_factory=lambda: defaultdict(set))
    logs: set[Key] = field(default_factory=set)  # messages with the whole text
    planned: set[Key] = field(default_factory=set)  # messages that name a plan
    chunks: dict[Key, set[int]] = field(default_factory=lambda: defaultdict(set))  # messages
    done_chunks: set[str] = field(default_factory=set)  # the recorded ones' texts
    problems: list[str] = field(default_factory=list)


@asynccontextmanager
async def opened(data_dir: Path, chosen: Settings) -> AsyncIterator[tuple[Ports, Settings]]:
    """As ``serve`` opens it: the ports, and a worker's session, as if that had died at once."""
    settings = replace(chosen, data_dir=data_dir)
    async with open_ports(settings) as ports:
        session = cast("Session", await ports.session())
        session.abandon()
        yield ports, settings


async def contents(ports: Ports, data_dir: Path) -> Contents:
    """All that is in it, looked through."""
    found = Contents()
    broker, store = cast("LocalBroker", ports.publisher), cast("LocalStore", ports.store)
    await broker._commit.read(lambda db: _read_broker(db, found))
    for path in sorted((data_dir / "tenants").glob(f"*{SUFFIX}")):
        tenant = tenant_of(path)
        await store._run(tenant, functools.partial(_read_tenant, tenant=tenant, found=found))
    return found


async def work_to_the_end(ports: Ports, settings: Settings, found: Contents) -> list[str]:
    """Run a worker until nothing waits; what it did again though it was recorded (I7)."""
    repeated: list[str] = []

    async def work(text: str) -> None:
        if sha256_of(text) in found.done_chunks:
            repeated.append(f"a recorded chunk is worked on again: {text[:40]!r}")

    worker = Worker(ports.session, consumer(settings, ports, work), settings.limits, 100)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(_FINISH_SECONDS):
        while await ports.backlog.backlog():  # noqa: ASYNC110  # a broker does not tell
            await asyncio.sleep(0.005)
    worker.stop()
    await running
    return repeated


def digest_of(document: Document) -> str:
    """Of all fields of a document."""
    fields = json.dumps(rows.document_row(document))
    return hashlib.blake2b(fields.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def _read_broker(db: apsw.Connection, found: Contents) -> None:
    _check_integrity(db, "the broker", found)
    for tenant, log, raw in select(db, "SELECT tenant, log, envelope FROM messages"):
        envelope = decode(raw)
        key = _key(envelope)
        if key[:2] != (tenant, log):
            found.problems.append(f"a message of {key[:2]} lies under {tenant}/{log}")
        if envelope.chunk is not None:
            found.chunks[key].add(envelope.chunk.index)
        elif envelope.text is None:
            found.planned.add(key)
        else:
            found.logs.add(key)
    for raw, reason in select(db, "SELECT raw, reason FROM quarantine"):
        found.problems.append(f"in quarantine, {reason}: {raw[:200]!r}")


def _read_tenant(db: apsw.Connection, tenant: TenantId, found: Contents) -> None:
    _check_integrity(db, tenant, found)
    for row in select(db, f"SELECT {rows.DOCUMENT} FROM processed_logs"):
        document = rows.document(tenant, row)
        _check_document(document, tenant, found)
        found.documents[tenant, document.log_id, document.sha256] = digest_of(document)
    for row in select(db, f"SELECT {rows.LETTER} FROM dead_letters"):
        letter = rows.letter(TextKey(tenant, LogId(row[0]), row[1]), row)
        found.letters.add((tenant, letter.log_id, letter.sha256))
    plans: dict[Key, Plan] = {}
    for row in select(db, f"SELECT {rows.PLAN} FROM plans"):
        plan = rows.plan(TextKey(tenant, LogId(row[0]), row[1]), row)
        plans[tenant, plan.log, plan.sha256] = plan
        found.plans[tenant, plan.log, plan.sha256] = plan.count
    for log, sha256, chunk in select(db, "SELECT log_id, sha256, chunk FROM recorded_chunks"):
        key = (tenant, log, sha256)
        if key not in plans:
            found.problems.append(f"a recorded chunk of {key} has no plan")
            continue
        found.recorded[key].add(chunk)
        found.done_chunks.add(sha256_of(plans[key].chunk(chunk).text or ""))


def _check_integrity(db: apsw.Connection, whose: str, found: Contents) -> None:
    said = [line for (line,) in select(db, "PRAGMA integrity_check")]
    if said != ["ok"]:
        found.problems.append(f"integrity_check of {whose}: {said[:3]}")


def _check_document(document: Document, tenant: str, found: Contents) -> None:
    what = f"the document {tenant}/{document.log_id}"
    if document.tenant_id != tenant:
        found.problems.append(f"{what} names the tenant {document.tenant_id}")
    if sha256_of(document.original_text) != document.sha256:
        found.problems.append(f"{what} has another text than its SHA-256 says")
    if _redacted(document.original_text) != document.modified_data:
        found.problems.append(f"{what} is redacted in another way")


@functools.lru_cache(maxsize=512)
def _redacted(text: str) -> str:
    return redact(text).text


def _key(envelope: Envelope) -> Key:
    key = key_of(envelope)
    return key.tenant, key.log, key.sha256
