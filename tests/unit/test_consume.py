"""Each row of the table of verdicts, on the memory back end and a manual clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.logs import ACME, GLOBEX, RECEIVED, a_chunk, a_document, a_key, a_log, a_plan
from tests.support.world import SECONDS_PER_CHARACTER, World

from logweir.envelope import Envelope, decode, encode
from logweir.errors import BrokerUnavailable, Misconfigured, StoreUnavailable
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.broker import Delivery
from logweir.pipeline.consume import Ack, Retry, Verdict
from logweir.pipeline.records import DeadLetter, TextKey
from logweir.pipeline.store import Found
from logweir.reasons import Burial, Quarantine
from logweir.redact import RULES_VERSION, redact

LONG = "".join(f"line {i} of the first text\n" for i in range(5))  # five chunks of 25
OTHER_LONG = "".join(f"{i}: another text, second.\n" for i in range(4)) + "!"  # five chunks too
OFTEN = 11  # deliveries; so often, deaths begin to be counted
SMALL_MESSAGES = 340  # bytes: less than LONG needs, more than a chunk or an envelope without text


class CountedWork:
    """Work that takes no time, counts, and fails where it is told to."""

    def __init__(self, fails: Callable[[str], Exception | None] = lambda _: None) -> None:
        self.done: Counter[str] = Counter()
        self._fails = fails

    async def __call__(self, text: str) -> None:
        """Count the text, or raise."""
        self.done[text] += 1
        if error := self._fails(text):
            raise error


class Unspeakable(Exception):
    """The user's own, and broken."""

    def __str__(self) -> str:
        raise RuntimeError


def begin(world: World, envelope: Envelope) -> asyncio.Task[Verdict]:
    """A delivery that is being consumed."""
    return asyncio.create_task(world.consumer.consume(Delivery(encode(envelope), 1, 0)))


def failing(error: Exception) -> CountedWork:
    """Work that fails on every text."""
    return CountedWork(lambda _: error)


# ---- worked on, stored ---------------------------------------------------------------------------


async def test_a_log_becomes_its_document() -> None:
    world = World(chunk_size=1200)
    assert await world.consume(a_log()) == Ack()
    document = await world.document()
    assert document is not None
    assert document.original_text == "User 555-0199 logged in"
    assert document.modified_data == "User [REDACTED] logged in"
    assert sum(document.redactions.values()) == 1
    assert (document.rules_version, document.source) == (RULES_VERSION, a_log().source)
    assert (document.received_at, document.processed_at) == (RECEIVED, world.clock.now())
    assert (document.tenant_id, document.attempts, document.characters) == (ACME, 1, 23)
    assert document.key == a_key("User 555-0199 logged in")


@pytest.mark.parametrize("characters", [1, 7, 100, 1200])
async def test_the_work_takes_its_time_for_each_character_and_no_document_comes_before(
    characters: int,
) -> None:
    world = World(chunk_size=1200)
    task = asyncio.create_task(
        world.consumer.consume(Delivery(encode(a_log("a" * characters)), 1, 0))
    )
    await world.clock.advance(characters * SECONDS_PER_CHARACTER * 0.999)
    assert not task.done()
    assert await world.document() is None
    await world.clock.advance(characters * SECONDS_PER_CHARACTER * 0.001 + 1e-9)
    assert task.done()
    document = await world.document()
    assert document is not None
    worked = (document.processed_at - world.clock.now()).total_seconds()
    assert worked == pytest.approx(0, abs=1e-5)


async def test_a_thousand_logs_are_worked_on_side_by_side() -> None:
    world = World(chunk_size=None)
    logs = [a_log("a" * 100, log=f"log-{i}") for i in range(1000)]
    tasks = [
        asyncio.create_task(world.consumer.consume(Delivery(encode(log), 1, 0))) for log in logs
    ]
    await world.clock.advance(5.0)
    assert all(task.done() for task in tasks)


async def test_chunks_are_worked_on_side_by_side_and_the_document_comes_with_the_last() -> None:
    world = World()
    assert await world.consume(a_log(LONG[:-3])) == Ack()
    started = world.clock.monotonic()
    tasks = [begin(world, chunk) for chunk in world.queued]
    assert len(tasks) == 5
    await world.clock.advance(1.249)
    assert [task.done() for task in tasks] == [False] * 4 + [True]  # 22 characters: 1.1 s
    assert await world.document() is None
    await world.clock.advance(0.002)
    assert all(task.done() for task in tasks)
    document = await world.document()
    assert document is not None
    assert (document.processed_at - world.clock.now()).total_seconds() <= 1.251 - started
    assert document.original_text == LONG[:-3]


async def test_a_text_that_is_redacted_beside_the_loop_is_the_same() -> None:
    text = "call 555-0199 " * 2000
    world = World(chunk_size=None, work=CountedWork())
    assert await world.consume(a_log(text)) == Ack()
    document = await world.document()
    assert document is not None
    assert document.modified_data == redact(text).text
    assert document.redactions == redact(text).counts


# ---- done before ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["short", LONG])
async def test_an_identical_repeat_changes_nothing_and_is_not_worked_on(text: str) -> None:
    work = CountedWork()
    world = World(work=work)
    await world.consume(a_log(text))
    await world.drain()
    first, counted = await world.document(), Counter(work.done)
    for _ in range(3):
        await world.broker.publish([a_log(text, attempt=2)])
    await world.drain()
    assert await world.document() is first
    assert work.done == counted
    assert await world.plans() == 0
    assert await world.letters() == []


async def test_the_same_text_under_the_same_log_id_of_another_tenant_is_another_log() -> None:
    world = World(work=CountedWork())
    for tenant in (ACME, GLOBEX):
        assert await world.consume(a_log(tenant=tenant)) == Ack()
    for tenant in (ACME, GLOBEX):
        document = await world.document(tenant)
        assert document is not None
        assert document.tenant_id == tenant


async def test_a_log_that_was_stored_while_it_was_worked_on_stays_as_it_is() -> None:
    world = World(chunk_size=None)
    first = a_document("hello")
    task = begin(world, a_log("hello"))
    await world.clock.advance(0.1)
    await world.store.create(first)
    await world.clock.advance(1)
    assert await task == Ack()
    assert await world.document() is first


# ---- conflicts -----------------------------------------------------------------------------------


async def test_another_text_under_the_same_id_becomes_a_dead_letter() -> None:
    work = CountedWork()
    world = World(work=work)
    await world.consume(a_log("first"))
    assert await world.consume(a_log("second", attempt=2)) == Ack()
    document, (letter,) = await world.document(), await world.letters()
    assert document is not None
    assert document.original_text == "first"
    assert (letter.text, letter.reason, letter.error) == ("second", Burial.CONFLICT, None)
    assert (letter.attempts, letter.received_at) == (2, RECEIVED)
    assert letter.buried_at != RECEIVED
    assert letter.key == a_key("second")
    assert "second" not in work.done


async def test_a_conflict_that_comes_up_while_it_is_worked_on_is_a_dead_letter_too() -> None:
    world = World(chunk_size=None)
    task = begin(world, a_log("second"))
    await world.clock.advance(0.1)
    await world.store.create(a_document("first"))
    await world.clock.advance(1)
    assert await task == Ack()
    assert [letter.text for letter in await world.letters()] == ["second"]


async def test_the_same_conflict_twice_is_one_letter_and_another_one_is_another() -> None:
    world = World(work=CountedWork())
    for text in ("first", "second", "second", "third"):
        await world.consume(a_log(text))
    assert sorted(letter.text for letter in await world.letters()) == ["second", "third"]


@pytest.mark.parametrize("order", ["AABB", "BBAA", "ABAB", "BABA", "ABBA", "BAAB"])
@pytest.mark.parametrize("message_bytes_max", [1 << 20, SMALL_MESSAGES])
async def test_of_two_long_texts_under_one_id_one_is_the_document_and_one_a_conflict(
    order: str, message_bytes_max: int
) -> None:
    work = CountedWork()
    texts = {"A": LONG, "B": OTHER_LONG}
    world = World(work=work, message_bytes_max=message_bytes_max)
    for letter in dict.fromkeys(order):
        await world.planner.hand_over(a_log(texts[letter]))
    await _consume_in_turns(world, [a_key(texts[letter]).sha256 for letter in order])
    document, (letter_,) = await world.document(), await world.letters()
    assert document is not None
    assert {document.original_text, letter_.text} == {LONG, OTHER_LONG}
    assert letter_.reason is Burial.CONFLICT
    assert await world.plans() == 0
    assert world.broker.in_quarantine == []
    assert max(work.done.values()) == 1


async def _consume_in_turns(world: World, order: list[str]) -> None:
    """Consume what waits; of the two texts, in turn as the order says."""
    session = await world.session()
    waiting = list(await session.claim(100, 1 << 30, 0))
    turn = 0
    while waiting:
        wanted = [claim for claim in waiting if order[turn % 4].encode() in claim.delivery.raw]
        claim = (wanted or waiting)[0]
        turn += 1
        assert await world.soon(world.consumer.consume(claim.delivery)) == Ack()
        await session.acknowledge(claim)
        waiting.remove(claim)
        waiting += await session.claim(100, 1 << 30, 0)


# ---- what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0",
        b"hello",
        b"logweir/1\n\n",
        b"\xff" * 100,
        encode(a_log())[:-1],
        encode(a_log()) + b"x",
    ],
    ids=["nothing", "NUL", "words", "no headers", "bytes", "cut", "one more"],
)
async def test_what_cannot_be_read_is_quarantined_outside_every_tenant(raw: bytes) -> None:
    world = World()
    assert await world.consumer.consume(Delivery(raw, 1, 0)) == Ack()
    assert world.broker.in_quarantine == [(raw, Quarantine.UNREADABLE)]
    assert [tenant async for tenant in world.store.tenants()] == []


async def test_an_envelope_of_a_newer_release_waits_for_it() -> None:
    world = World()
    raw = encode(a_log()).replace(b"logweir/1", b"logweir/2", 1)
    assert isinstance(await world.consumer.consume(Delivery(raw, 1000, 0)), Retry)
    assert world.broker.in_quarantine == []


@pytest.mark.parametrize("envelope", [replace(a_log(LONG), text=None), a_chunk(LONG, 1, 25, 50)])
async def test_what_names_a_plan_that_is_gone_is_quarantined(envelope: Envelope) -> None:
    world = World()
    assert await world.consume(envelope) == Ack()
    assert world.broker.in_quarantine == [(encode(envelope), Quarantine.PLAN_MISSING)]


@pytest.mark.parametrize("envelope", [replace(a_log(LONG), text=None), a_chunk(LONG, 1, 25, 50)])
async def test_what_names_a_plan_that_is_gone_is_done_if_its_document_is_there(
    envelope: Envelope,
) -> None:
    work = CountedWork()
    world = World(work=work)
    await world.store.create(a_document(LONG))
    assert await world.consume(envelope) == Ack()
    assert (world.broker.in_quarantine, work.done) == ([], Counter())


@pytest.mark.parametrize("envelope", [replace(a_log(LONG), text=None), a_chunk(LONG, 1, 25, 50)])
async def test_what_names_a_plan_that_is_gone_is_done_if_its_dead_letter_is_there(
    envelope: Envelope,
) -> None:
    world = World(work=failing(ValueError("no")))
    await world.consume(a_log(LONG))
    for chunk in world.queued:
        await world.consume(replace(chunk, attempt=10))
    assert await world.plans() == 0
    assert await world.consume(envelope) == Ack()
    assert world.broker.in_quarantine == []


# ---- outages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [StoreUnavailable("down"), BrokerUnavailable("down"), Misconfigured("another tenant's file")],
)
async def test_work_that_could_not_be_tried_is_no_attempt(error: Exception) -> None:
    world = World(work=failing(error))
    for deliveries in (1, 10, 1000):
        verdict = await world.consume(a_log(attempt=10), deliveries=deliveries)
        assert isinstance(verdict, Retry)
    assert (world.queued, await world.letters()) == ([], [])


async def test_the_backoff_doubles_with_each_delivery_up_to_ten_seconds() -> None:
    world = World(work=failing(StoreUnavailable("down")))
    waits = [await world.consume(a_log(), deliveries=n) for n in (1, 2, 3, 4, 5, 6, 100, 10**6)]
    assert waits == [Retry(s) for s in (0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0)]


# ---- work that raises ----------------------------------------------------------------------------


async def test_work_that_raises_is_tried_again_with_a_higher_attempt_after_a_backoff() -> None:
    world = World(work=failing(ValueError("no")))
    task = begin(world, a_log())
    await world.clock.advance(0.499)
    assert not task.done()
    await world.clock.advance(0.002)
    assert await task == Ack()
    assert world.queued == [a_log(attempt=2)]
    assert await world.letters() == []


@pytest.mark.parametrize("attempts_max", [1, 3, 10])
async def test_at_the_last_attempt_it_becomes_a_dead_letter_with_the_error(
    attempts_max: int,
) -> None:
    work = failing(ValueError("cannot cope with this"))
    world = World(work=work, limits=replace(DEFAULT_LIMITS, attempts_max=attempts_max))
    await world.broker.publish([a_log("hello")])
    await world.drain()
    (letter,) = await world.letters()
    assert work.done["hello"] == attempts_max
    assert (letter.reason, letter.attempts) == (Burial.ATTEMPTS_EXHAUSTED, attempts_max)
    assert letter.error == "ValueError: cannot cope with this"
    assert letter.text == "hello"
    assert await world.document() is None


async def test_work_that_fails_and_then_does_not_becomes_a_document_with_its_attempts() -> None:
    failures = iter([ValueError("1"), ValueError("2"), None])
    world = World(work=CountedWork(lambda _: next(failures)))
    await world.broker.publish([a_log("hello")])
    await world.drain()
    document = await world.document()
    assert document is not None
    assert document.attempts == 3


async def test_a_chunk_that_is_exhausted_buries_the_whole_log() -> None:
    work = CountedWork(lambda text: ValueError("no") if "!" in text else None)
    world = World(work=work)
    await world.broker.publish([a_log(OTHER_LONG)])
    await world.drain()
    (letter,) = await world.letters()
    assert (letter.text, letter.reason) == (OTHER_LONG, Burial.ATTEMPTS_EXHAUSTED)
    assert work.done == Counter({OTHER_LONG[i : i + 25]: 1 for i in (0, 25, 50, 75)} | {"!": 10})
    assert await world.document() is None
    assert await world.plans() == 0
    assert world.broker.in_quarantine == []


async def test_chunks_of_a_log_that_is_buried_are_not_worked_on() -> None:
    work = CountedWork(lambda text: ValueError("no") if text.startswith("0") else None)
    world = World(work=work, limits=replace(DEFAULT_LIMITS, attempts_max=1))
    text = "0" + "".join(f"chunk {i:19}" for i in range(1, 6))
    await world.broker.publish([a_log(text)])
    await world.drain()
    assert sum(work.done.values()) == 1
    assert len(await world.letters()) == 1


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ValueError("x" * 1000), "ValueError: " + "x" * 488),
        (ValueError("a\0b\nc"), "ValueError: a\0b\nc"),
        (ValueError(), "ValueError: "),
        (Unspeakable(), "Unspeakable"),
        (ValueError("\ud800 from a file's name"), "ValueError: \\ud800 from a file's name"),
    ],
    ids=["long", "control characters", "nothing", "no words", "a lone surrogate"],
)
async def test_the_error_in_a_dead_letter_is_short_and_can_be_stored(
    error: Exception, kept: str
) -> None:
    world = World(work=failing(error))
    assert await world.consume(a_log(attempt=10)) == Ack()
    (letter,) = await world.letters()
    assert letter.error == kept
    letter.error.encode()


async def test_a_chunk_that_is_exhausted_buries_the_whole_log_with_all_that_is_known_of_it() -> (
    None
):
    world = World(work=failing(ValueError("no")))
    await world.consume(a_log(LONG))
    now = world.clock.now()
    await world.consume(replace(world.queued[2], attempt=10))
    assert await world.letters() == [
        DeadLetter(
            tenant_id=ACME,
            log_id=a_log().log,
            source=a_log().source,
            text=LONG,
            received_at=RECEIVED,
            buried_at=now,
            sha256=a_key(LONG).sha256,
            characters=len(LONG),
            reason=Burial.ATTEMPTS_EXHAUSTED,
            error="ValueError: no",
            attempts=10,
        )
    ]


# ---- what may be killing its workers -------------------------------------------------------------


@pytest.mark.parametrize("text", ["short", LONG])
async def test_what_was_handed_out_too_often_unanswered_is_buried_unworked(
    text: str,
) -> None:
    work = CountedWork()
    world = World(work=work)
    assert await world.consume(a_log(text), deliveries=91, unanswered=90) == Ack()
    (letter,) = await world.letters()
    assert (letter.text, letter.reason) == (text, Burial.CRASH_LOOP)
    assert work.done == Counter()


async def test_a_chunk_that_was_handed_out_too_often_buries_the_whole_log() -> None:
    world = World(work=CountedWork())
    await world.consume(a_log(LONG))
    chunk = world.queued[2]
    assert await world.consume(chunk, unanswered=90) == Ack()
    (letter,) = await world.letters()
    assert (letter.text, letter.reason) == (LONG, Burial.CRASH_LOOP)
    await world.drain()
    assert (await world.plans(), await world.document()) == (0, None)


async def test_one_death_less_is_worked_on() -> None:
    world = World(work=CountedWork())
    assert await world.consume(a_log(), deliveries=1000, unanswered=89) == Ack()
    assert await world.letters() == []


async def test_a_document_that_is_there_beats_the_suspicion() -> None:
    world = World(work=CountedWork())
    await world.consume(a_log())
    assert await world.consume(a_log(), unanswered=1000) == Ack()
    assert await world.letters() == []


# ---- where the broker cannot tell a death from a retry -------------------------------------------


@pytest.mark.parametrize("call", ["find", "create"])
async def test_an_outage_never_makes_a_dead_letter(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(record: object) -> None:
        raise StoreUnavailable("down")

    world = World(work=CountedWork())
    with monkeypatch.context() as outage:
        outage.setattr(world.store, call, down)
        for deliveries in range(1, 200):
            verdict = await world.consume(a_log(), deliveries=deliveries, unanswered=None)
            assert isinstance(verdict, Retry)
    assert await world.consume(a_log(), deliveries=200, unanswered=None) == Ack()
    assert await world.letters() == []
    assert await world.document() is not None


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0)])
async def test_jitter_takes_up_to_half_of_a_backoff_away(
    jitter: float, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(key: TextKey) -> None:
        raise StoreUnavailable("down")

    world = World(work=CountedWork())
    monkeypatch.setattr(world.store, "find", down)
    monkeypatch.setattr(world.consumer, "_jitter", lambda: jitter)
    assert await world.consume(a_log(), deliveries=4) == Retry(seconds)


@pytest.mark.parametrize("chunk", [None, 1], ids=["log", "chunk"])
async def test_what_kills_its_workers_is_buried_at_the_same_count(chunk: int | None) -> None:
    async def endless(text: str) -> None:
        await asyncio.Event().wait()

    async def never(key: TextKey, chunk: int | None, *, done: bool) -> None:
        """A dead worker answers nothing."""

    world = World(work=endless)
    message = a_log()
    if chunk is not None:
        await world.consume(a_log(LONG))
        message = world.queued[chunk]
    world.store.answer = never  # type: ignore[method-assign]
    deliveries = 0
    while not await world.letters():
        deliveries += 1
        delivery = Delivery(encode(message), deliveries, None)
        worker = asyncio.create_task(world.consumer.consume(delivery))
        await world.clock.advance(1)
        worker.cancel()
        await asyncio.wait([worker])
        assert deliveries < 100, "Pub/Sub gives up by itself then"
    (letter,) = await world.letters()
    assert letter.reason is Burial.CRASH_LOOP
    assert deliveries == DEFAULT_LIMITS.deliveries_max + 1


async def test_the_deaths_of_a_chunk_are_its_own_and_end_with_its_work() -> None:
    world = World(work=CountedWork())
    await world.consume(a_log(LONG))
    chunk = world.queued[1]
    for _ in range(DEFAULT_LIMITS.deliveries_max):
        await world.store.begin(a_key(LONG), None)
    await world.store.begin(a_key(LONG), 1)
    assert await world.consume(chunk, deliveries=OFTEN, unanswered=None) == Ack()
    assert await world.store.recorded(a_key(LONG)) == frozenset({1})
    assert await world.store.begin(a_key(LONG), 1) == 0
    assert await world.letters() == []


async def test_deaths_are_remembered_where_the_store_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def down(record: object) -> None:
        raise StoreUnavailable("down")

    world = World(work=CountedWork())
    await world.store.begin(a_key(a_log().text or ""), None)
    monkeypatch.setattr(world.store, "create", down)
    verdict = await world.consume(a_log(), deliveries=OFTEN, unanswered=None)
    assert isinstance(verdict, Retry)
    assert await world.store.begin(a_key(a_log().text or ""), None) == 1


@pytest.mark.parametrize(
    ("deliveries", "unanswered"), [(1, None), (OFTEN, None), (1, 0), (1000, 1000)]
)
@pytest.mark.parametrize("conflict", [False, True])
async def test_a_chunk_without_a_plan_is_quarantined_whole_however_often_it_came(
    conflict: bool, deliveries: int, unanswered: int | None
) -> None:
    world = World(work=CountedWork())
    if conflict:
        await world.store.create(a_document("another text"))
    chunk = a_chunk(LONG, 0, 0, 25)
    verdict = await world.consume(chunk, deliveries=deliveries, unanswered=unanswered)
    assert verdict == Ack()
    assert world.broker.in_quarantine == [(encode(chunk), Quarantine.PLAN_MISSING)]


async def test_what_the_broker_gave_up_is_published_anew() -> None:
    world = World(work=CountedWork())
    given_up = Delivery(encode(a_log()), 1, None, given_up=True)
    assert await world.consumer.consume(given_up) == Ack()
    assert world.queued == [a_log()]
    assert await world.document() is None
    assert await world.consumer.consume(replace(given_up, raw=b"?")) == Ack()
    assert world.broker.in_quarantine == [(b"?", Quarantine.UNREADABLE)]


# ---- long texts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("message_bytes_max", [1 << 20, SMALL_MESSAGES])
@pytest.mark.parametrize("chunk_size", [25, 10, 7, 1, None])
async def test_a_long_text_is_worked_on_once_each_character_and_becomes_one_document(
    chunk_size: int | None, message_bytes_max: int
) -> None:
    work = CountedWork()
    text = "".join(f"{number:03}" for number in range(37)) + " call 555-0199"
    world = World(work=work, chunk_size=chunk_size, message_bytes_max=message_bytes_max)
    await world.planner.hand_over(a_log(text))
    await world.drain()
    document = await world.document()
    assert document is not None
    assert document.original_text == text
    assert document.modified_data == redact(text).text
    assert "555-0199" not in document.modified_data, "no cut changes what is redacted"
    assert sum(map(len, work.done.elements())) == len(text)
    assert await world.plans() == 0


async def test_a_chunk_that_is_recorded_is_not_worked_on_again_but_finishes() -> None:
    work = CountedWork()
    world = World(work=work)
    await world.consume(a_log(LONG))
    chunks = world.queued
    key = a_key(LONG)
    for index in range(5):  # as if the worker had died between the last record and the document
        await world.store.record(key, index)
    assert await world.consume(chunks[3], deliveries=2, unanswered=1) == Ack()
    assert work.done == Counter()
    document = await world.document()
    assert document is not None
    assert document.original_text == LONG
    assert await world.plans() == 0


async def test_a_redelivered_log_whose_chunks_are_all_recorded_finishes_too() -> None:
    world = World(work=CountedWork())
    await world.consume(a_log(LONG))
    for index in range(5):
        await world.store.record(a_key(LONG), index)
    sent = len(world.queued)
    assert await world.consume(a_log(LONG), deliveries=2) == Ack()
    assert await world.document() is not None
    assert len(world.queued) == sent


async def test_a_plan_that_a_dead_worker_left_behind_its_document_is_forgotten() -> None:
    world = World(work=CountedWork())
    plan = await world.planner.plan(a_log(LONG))
    await world.store.create(a_document(LONG))
    for envelope in (plan.chunk(0), plan.envelope(), a_log(LONG)):
        await world.planner.plan(a_log(LONG))
        assert await world.consume(envelope) == Ack()
        assert await world.plans() == 0


@pytest.mark.parametrize("small_messages", [False, True], ids=["whole", "by its plan"])
async def test_an_identical_repeat_of_a_long_text_in_work_sends_no_chunk_again(
    small_messages: bool,
) -> None:
    world = World(message_bytes_max=SMALL_MESSAGES if small_messages else 1 << 20)
    for _ in range(3):
        await world.planner.hand_over(a_log(LONG))
        session = await world.broker.session()
        # The log itself each time; its chunks came before it, but for the first time.
        claims = await session.claim(100, 1 << 20, 0)
        for claim in claims:
            if decode(claim.delivery.raw).chunk is None:
                assert await world.soon(world.consumer.consume(claim.delivery)) == Ack()
                await session.acknowledge(claim)
        await session.end()
        assert len(world.broker.messages) == 5


async def test_every_chunk_of_a_planned_log_carries_its_trace() -> None:
    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    world = World(message_bytes_max=SMALL_MESSAGES + 100)
    await world.planner.hand_over(a_log(LONG, traceparent=trace))
    (whole,) = world.queued
    assert await world.consume(whole) == Ack()
    assert [envelope.traceparent for envelope in world.queued] == [trace] * 6


async def test_a_worker_without_chunks_finishes_what_another_one_cut() -> None:
    world, without = World(work=CountedWork()), World(work=CountedWork(), chunk_size=None)
    await world.consume(a_log(LONG))
    without.store.__dict__ = world.store.__dict__
    for chunk in world.queued:
        assert await without.consume(chunk) == Ack()
    assert await world.document() is not None
    assert await world.plans() == 0


async def test_whom_another_text_overtakes_at_the_end_is_a_conflict() -> None:
    async def another_is_faster(text: str) -> None:
        await world.store.create(a_document("another text"))

    world = World(work=another_is_faster)
    assert await world.consume(a_log()) == Ack()
    (letter,) = await world.letters()
    assert (letter.text, letter.reason) == (a_log().text, Burial.CONFLICT)


@pytest.mark.parametrize("raises", [False, True], ids=["worked on", "exhausted"])
@pytest.mark.parametrize("done", [False, True], ids=["nowhere", "done"])
async def test_a_chunk_whose_plan_went_meanwhile_is_quarantined_unless_its_log_is_done(
    done: bool, raises: bool
) -> None:
    async def others_finish(text: str) -> None:
        await world.store.forget(a_key(LONG))
        if done:
            await world.store.create(a_document(LONG))
        if raises:
            raise ValueError

    world = World(work=others_finish)
    await world.consume(a_log(LONG))
    attempt = DEFAULT_LIMITS.attempts_max if raises else 1
    chunk = replace(world.queued[0], attempt=attempt)
    assert await world.consume(chunk) == Ack()
    expected = [] if done else [(encode(chunk), Quarantine.PLAN_MISSING)]
    assert world.broker.in_quarantine == expected
    assert await world.letters() == []


async def test_a_planned_log_of_one_piece_is_worked_on_without_sending_a_chunk() -> None:
    work = CountedWork()
    world = World(work=work, chunk_size=None, message_bytes_max=SMALL_MESSAGES)
    await world.planner.hand_over(a_log(LONG))
    (whole,) = world.queued
    assert await world.consume(whole) == Ack()
    assert work.done == Counter({LONG: 1})
    assert world.queued == [whole]
    assert await world.document() is not None


async def test_a_worker_with_other_chunks_follows_the_stored_plan() -> None:
    work = CountedWork()
    world = World(work=work)
    await world.store.plan(a_plan(LONG, 70))
    await world.broker.publish([a_log(LONG)])
    await world.drain()
    assert work.done == Counter({LONG[:70]: 1, LONG[70:]: 1})
    assert await world.document() is not None


# ---- being cancelled -----------------------------------------------------------------------------


async def test_work_that_is_cancelled_leaves_nothing_behind() -> None:
    world = World(chunk_size=None)
    task = begin(world, a_log())
    await world.clock.advance(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await world.store.find(a_key("User 555-0199 logged in")) is Found.ABSENT
    assert (world.queued, await world.letters()) == ([], [])
