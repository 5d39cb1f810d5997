"""The whole path, on every back end: accept, hand over, a real worker, the document."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.backends import Backend, Opener, slow_on_clouds
from tests.support.logs import ACME, GLOBEX

from logweir.bootstrap import Ports, consumer, planner
from logweir.clock import SystemClock
from logweir.entrypoints.worker import Worker
from logweir.envelope import Envelope
from logweir.ids import LogId, TenantId
from logweir.pipeline.accept import accept, examine
from logweir.pipeline.work import SimulatedWork, Work
from logweir.reasons import Burial
from logweir.redact import redact
from logweir.settings import Settings

QUICK = Settings(seconds_per_character=1e-6, chunk_seconds=0.0012)  # chunks of 1,200 characters
JSON = [(b"content-type", b"application/json")]


@pytest.fixture
async def backend(opener: Opener, tmp_path: Path) -> AsyncIterator[Backend]:
    """A back end with nothing in it, on the machine's clock."""
    async with opener(tmp_path, SystemClock()) as backend:
        yield backend


# ---- fidelity ------------------------------------------------------------------------------------


@slow_on_clouds
async def test_every_code_point_comes_back(backend: Backend, ports: Ports) -> None:
    every = [*range(0xD800), *range(0xE000, 0x110000)]
    texts = ["".join(map(chr, every[at : at + 300_000])) for at in range(0, len(every), 300_000)]
    large = replace(QUICK, chunk_seconds=60.0)  # chunks as large as a message holds
    for number, text in enumerate(texts):
        await send_text(ports, ACME, f"text-{number}", text, large)
        await send_json(ports, ACME, f"json-{number}", text, large)
    async with working(ports, large):
        await drained(backend)
    for number, text in enumerate(texts):
        for kind in ("text", "json"):
            await assert_stored(ports, ACME, f"{kind}-{number}", text)
    assert sum(map(len, texts)) == 0x110000 - 0x800


@slow_on_clouds
async def test_random_texts_come_back(backend: Backend, ports: Ports) -> None:
    draw = random.Random(7)
    alphabets = [
        "abc 555-0199\n",
        "\0\x01\x1b\r\n\t",
        "äöüß€",
        "🙂👍🏽\u200d\U0010ffff",
        '"\\/{}[]:,',
    ]
    texts = {
        f"log-{number}": "".join(draw.choices(draw.choice(alphabets), k=draw.randrange(1, 4000)))
        for number in range(30)
    }
    async with working(ports):
        for log, text in texts.items():
            await draw.choice([send_text, send_json])(ports, ACME, log, text)
        await drained(backend)
    for log, text in texts.items():
        await assert_stored(ports, ACME, log, text)


# ---- the main ways -------------------------------------------------------------------------------


async def test_two_tenants_have_documents_of_their_own(backend: Backend, ports: Ports) -> None:
    async with working(ports):
        await send_json(ports, ACME, "log-1", "acme calls 555-0199")
        await send_text(ports, GLOBEX, "log-1", "globex calls 555-0100")
        await drained(backend)
    await assert_stored(ports, ACME, "log-1", "acme calls 555-0199")
    await assert_stored(ports, GLOBEX, "log-1", "globex calls 555-0100")
    for tenant in (ACME, GLOBEX):
        documents = [document async for document in ports.reader.documents(tenant)]
        assert [(d.tenant_id, d.modified_data) for d in documents] == [
            (tenant, f"{tenant} calls [REDACTED]")
        ]


async def test_a_text_of_fifty_thousand_characters_is_worked_on_in_chunks(
    backend: Backend, ports: Ports
) -> None:
    text = "".join(f"{number:07} 555-0199\n" for number in range(3000))[:50_000]
    work = CountedWork()
    async with working(ports, work=work):
        await send_text(ports, ACME, "long", text)
        await drained(backend)
    await assert_stored(ports, ACME, "long", text)
    assert Counter(map(len, work.texts)) == {1200: 41, 800: 1}
    assert sorted(work.texts) == sorted(text[at : at + 1200] for at in range(0, 50_000, 1200))
    assert await plans(ports) == 0


@slow_on_clouds
async def test_a_text_that_no_message_holds_finishes(backend: Backend, ports: Ports) -> None:
    text = "0123456789abcdef" * (ports.publisher.message_bytes_max // 16)
    large = replace(QUICK, chunk_seconds=0.05, text_bytes_max=len(text))
    async with working(ports, large):
        await send_text(ports, ACME, "large", text, large)
        await drained(backend)
    await assert_stored(ports, ACME, "large", text)
    assert await plans(ports) == 0


async def test_without_chunks_a_large_text_is_one_piece_of_work(
    backend: Backend, ports: Ports
) -> None:
    text = "0123456789abcdef" * (1 << 17)
    work = CountedWork()
    async with working(ports, replace(QUICK, chunk_seconds=0.0), work=work):
        await send_text(ports, ACME, "large", text, replace(QUICK, chunk_seconds=0.0))
        await drained(backend)
    await assert_stored(ports, ACME, "large", text)
    assert work.texts == [text]


async def test_a_repeat_changes_nothing_and_a_conflict_is_kept(
    backend: Backend, ports: Ports
) -> None:
    work = CountedWork()
    async with working(ports, work=work):
        for text in ("first", "first", "second", "first", "second"):
            await send_json(ports, ACME, "log-1", text)
            await drained(backend)
    await assert_stored(ports, ACME, "log-1", "first")
    (letter,) = [letter async for letter in ports.reader.letters(ACME)]
    assert letter.reason is Burial.CONFLICT
    kept = await ports.reader.letter(letter.key)
    assert kept is not None
    assert kept.text == "second"
    assert work.texts == ["first"]


async def test_of_two_long_texts_at_once_one_is_the_document_and_one_a_conflict(
    backend: Backend,
    ports: Ports,
) -> None:
    texts = {character * 30_000 for character in "ab"}
    async with working(ports):
        await asyncio.gather(*(send_text(ports, ACME, "log-1", text) for text in texts))
        await drained(backend)
    document = await ports.reader.document(ACME, LogId("log-1"))
    (letter,) = [letter async for letter in ports.reader.letters(ACME)]
    kept = await ports.reader.letter(letter.key)
    assert document is not None
    assert kept is not None
    assert {document.original_text, kept.text} == texts
    assert await plans(ports) == 0


async def test_work_that_always_raises_ends_as_a_dead_letter(
    backend: Backend, ports: Ports
) -> None:
    async def fail(text: str) -> None:
        raise ValueError("no")

    settings = replace(QUICK, attempts_max=2)
    async with working(ports, settings, work=fail):
        await send_json(ports, ACME, "log-1", "hello")
        await drained(backend)
    (letter,) = [letter async for letter in ports.reader.letters(ACME)]
    assert (letter.reason, letter.error) == (Burial.ATTEMPTS_EXHAUSTED, "ValueError: no")
    assert await ports.reader.document(ACME, LogId("log-1")) is None


# ---- workers that come and go --------------------------------------------------------------------


async def test_what_a_stopped_worker_hands_back_the_next_one_does(
    backend: Backend, ports: Ports
) -> None:
    forever = Settings(seconds_per_character=60.0, chunk_seconds=0.0, drain_seconds=0.0)
    async with working(ports, forever):
        for number in range(10):
            await send_json(ports, ACME, f"log-{number}", f"text {number}")
        await in_flight(backend, 10)
    async with working(ports):
        await drained(backend)
    for number in range(10):
        await assert_stored(ports, ACME, f"log-{number}", f"text {number}")


async def test_a_stopped_worker_leaves_no_work_running(backend: Backend, ports: Ports) -> None:
    begun, ended = asyncio.Event(), list[str]()

    async def endless(text: str) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(text)

    async with working(ports, replace(QUICK, drain_seconds=0.0), work=endless):
        await send_json(ports, ACME, "log-1", "hello")
        await begun.wait()
    assert ended == ["hello"]
    assert await backend.undone() == (1, 0)


async def test_a_worker_finishes_what_ends_within_its_drain_time(
    backend: Backend, ports: Ports
) -> None:
    slow = Settings(seconds_per_character=0.05, drain_seconds=5.0)
    async with working(ports, slow):
        await send_json(ports, ACME, "log-1", "six ch")
        await in_flight(backend, 1)
    await assert_stored(ports, ACME, "log-1", "six ch")
    assert await backend.undone() == (0, 0)


@slow_on_clouds
async def test_two_workers_share_the_work_and_double_nothing(
    backend: Backend, ports: Ports
) -> None:
    work = CountedWork()
    async with working(ports, work=work), working(ports, work=work):
        for number in range(200):
            await send_json(ports, TenantId(f"tenant-{number % 7}"), f"{number}", f"text {number}")
        await drained(backend)
    assert Counter(work.texts) == {f"text {number}": 1 for number in range(200)}
    for number in range(200):
        tenant = TenantId(f"tenant-{number % 7}")
        await assert_stored(ports, tenant, f"{number}", f"text {number}")


async def test_no_document_is_there_before_its_work_took_its_time(
    backend: Backend, ports: Ports
) -> None:
    slow = Settings(seconds_per_character=0.05)
    async with working(ports, slow):
        envelope = await send_json(ports, ACME, "log-1", "six ch")
        await drained(backend)
    document = await ports.reader.document(ACME, LogId("log-1"))
    assert document is not None
    assert (document.processed_at - envelope.received_at).total_seconds() >= 0.3


# ---- what the tests say in words -----------------------------------------------------------------


class CountedWork:
    """Work that takes no time and keeps what it was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def __call__(self, text: str) -> None:
        """Keep the text."""
        self.texts.append(text)


@asynccontextmanager
async def working(
    ports: Ports, settings: Settings = QUICK, *, work: Work | None = None
) -> AsyncIterator[None]:
    """A worker that works meanwhile, and then drains."""
    work = work or SimulatedWork(ports.clock, settings.seconds_per_character)
    worker = Worker(ports.session, consumer(settings, ports, work), settings.limits, 1000)
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await running


async def send_json(
    ports: Ports, tenant: TenantId, log: str, text: str, settings: Settings = QUICK
) -> Envelope:
    """Send as application/json."""
    body = json.dumps({"tenant_id": tenant, "log_id": log, "text": text}, ensure_ascii=False)
    return await _send(ports, JSON, body.encode(), settings)


async def send_text(
    ports: Ports, tenant: TenantId, log: str, text: str, settings: Settings = QUICK
) -> Envelope:
    """Send as text/plain."""
    headers = [
        *((b"content-type", b"text/plain"), (b"x-tenant-id", tenant.encode())),
        (b"x-log-id", log.encode()),
    ]
    return await _send(ports, headers, text.encode(), settings)


async def _send(
    ports: Ports, headers: list[tuple[bytes, bytes]], body: bytes, settings: Settings
) -> Envelope:
    envelope = accept(examine(headers, settings.limits), body, ports.clock, settings.limits)
    await planner(settings, ports.store, ports.publisher).hand_over(envelope)
    return envelope


async def drained(backend: Backend) -> None:
    """Wait until nothing is left to do; pytest's timeout ends it if that never comes."""
    while await backend.undone() != (0, 0):  # noqa: ASYNC110  # a broker does not tell
        await asyncio.sleep(0.01)


async def in_flight(backend: Backend, count: int) -> None:
    """Wait until so many are in flight."""
    while (await backend.undone())[1] != count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def plans(ports: Ports) -> int:
    """How many plans are left, of all tenants."""
    return sum([tenant.plans async for tenant in ports.reader.tenants()])


async def assert_stored(ports: Ports, tenant: TenantId, log: str, text: str) -> None:
    """The log's document is of the text, whole and redacted."""
    document = await ports.reader.document(tenant, LogId(log))
    assert document is not None
    assert document.original_text == text
    assert document.modified_data == redact(text).text
