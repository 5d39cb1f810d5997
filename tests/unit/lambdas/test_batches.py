"""The workers' function: what of a batch comes again, when, and what is not done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from structlog.testing import capture_logs
from tests.support.lambdas import LOGS_ARN, failures, sqs_event, sqs_record
from tests.support.logs import ACME, a_log
from tests.support.world import World

from logweir.entrypoints.lambdas import batches as module
from logweir.entrypoints.lambdas.batches import MARGIN_SECONDS, Batches, check_settings
from logweir.entrypoints.lambdas.records import NotSqs
from logweir.envelope import Envelope, encode
from logweir.errors import BrokerUnavailable, Misconfigured, StoreUnavailable
from logweir.ids import LogId
from logweir.pipeline.broker import Delivery
from logweir.pipeline.consume import Ack, Retry, Verdict
from logweir.settings import Settings

PLENTY: Final = 900.0
CHUNK_SECONDS: Final = 60.0


class Hidden:
    """Messages that were hidden: receipt and seconds, in the order of being hidden."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []
        self.failure: Exception | None = None
        self.silent = False

    async def __call__(self, queue: str, handle: str, seconds: float) -> None:
        assert queue == LOGS_ARN
        if self.silent:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        self.calls.append((handle, seconds))


class Consumer:
    """Says what it is told to of each body."""

    def __init__(self, **say: Callable[[], Awaitable[Verdict]]) -> None:
        self._say = say
        self.deliveries: list[Delivery] = []
        self.in_work = self.most_in_work = 0

    async def consume(self, delivery: Delivery) -> Verdict:
        self.deliveries.append(delivery)
        self.in_work += 1
        self.most_in_work = max(self.most_in_work, self.in_work)
        try:
            await asyncio.sleep(0)
            return await self._say.get(delivery.raw.decode(errors="replace"), done)()
        finally:
            self.in_work -= 1


async def done() -> Verdict:
    return Ack()


async def again() -> Verdict:
    return Retry(1.5)


async def buggy() -> Verdict:
    raise KeyError("the text of a log")


async def endless() -> Verdict:
    await asyncio.Event().wait()
    raise AssertionError


def a_function(consumer: Any, hidden: Hidden | None = None) -> Batches:
    return Batches(consumer, hidden or Hidden(), CHUNK_SECONDS)


async def work_on(world: World, *logs: Envelope, seconds_left: float = PLENTY) -> Any:
    event = sqs_event(*(encode(log) for log in logs))
    return await world.soon(a_function(world.consumer).work_on(event, seconds_left))


# ---- what comes again -------------------------------------------------------------------------


async def test_what_is_done_does_not_come_again() -> None:
    world, logs = World(), [a_log(f"{n}", log=f"log-{n}") for n in range(10)]
    assert await work_on(world, *logs) == failures()
    for log in logs:
        assert await world.document(log=log.log) is not None


async def test_an_empty_batch_is_done() -> None:
    assert await a_function(Consumer()).work_on({"Records": []}, PLENTY) == failures()


async def test_one_poison_among_ten_returns_no_healthy_message() -> None:
    world, poison = World(), b"no envelope"
    bodies = [encode(a_log(f"{n}", log=f"log-{n}")) for n in range(9)]
    event = sqs_event(*bodies[:4], poison, *bodies[4:])
    assert await world.soon(a_function(world.consumer).work_on(event, PLENTY)) == failures()
    assert [raw for raw, _ in world.broker.in_quarantine] == [poison]
    for number in range(9):
        assert await world.document(log=f"log-{number}") is not None


async def test_a_batch_is_worked_on_at_the_same_time() -> None:
    consumer = Consumer()
    assert await a_function(consumer).work_on(sqs_event(*[b"x"] * 10_000), PLENTY) == failures()
    assert consumer.most_in_work == 10_000


async def test_exactly_what_is_not_done_comes_again() -> None:
    consumer, hidden = Consumer(again=again, buggy=buggy), Hidden()
    event = sqs_event(b"x", b"again", b"y", b"buggy", b"z")
    with capture_logs() as logs:
        answer = await a_function(consumer, hidden).work_on(event, PLENTY)
    assert answer == failures("1", "3")
    assert hidden.calls == [("r1", 1.5)]
    assert [(line["event"], line["error"]) for line in logs] == [("consume_failed", "KeyError")]
    assert "text of a log" not in str(logs)


async def test_a_retry_is_hidden_while_others_are_still_in_work() -> None:
    consumer, hidden = Consumer(again=again, endless=endless), Hidden()
    event = sqs_event(b"endless", b"again")
    answer = asyncio.create_task(a_function(consumer, hidden).work_on(event, PLENTY))
    await asyncio.sleep(0.01)
    assert hidden.calls == [("r1", 1.5)]
    answer.cancel()


@pytest.mark.parametrize("failure", [BrokerUnavailable("down"), KeyError("a bug")])
async def test_what_cannot_be_hidden_only_comes_later(failure: Exception) -> None:
    hidden = Hidden()
    hidden.failure = failure
    with capture_logs() as logs:
        answer = await a_function(Consumer(again=again), hidden).work_on(
            sqs_event(b"x", b"again"), PLENTY
        )
    assert answer == failures("1")
    assert [line["event"] for line in logs] == ["hide_failed"]


async def test_where_nothing_can_be_hidden_it_comes_when_its_visibility_is_over() -> None:
    function = Batches(Consumer(again=again), None, CHUNK_SECONDS)  # type: ignore[arg-type]
    assert await function.work_on(sqs_event(b"again"), PLENTY) == failures("0")


async def test_an_outage_of_the_store_returns_all_and_the_next_time_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, logs = World(), [a_log(f"{n}", log=f"log-{n}") for n in range(3)]

    async def fails(*_: object) -> None:
        raise StoreUnavailable("down")

    with monkeypatch.context() as outage:
        outage.setattr(world.store, "find", fails)
        assert await work_on(world, *logs) == failures("0", "1", "2")
    assert await work_on(world, *logs) == failures()


@pytest.mark.parametrize("body", [None, "\ud800", "", 5])
async def test_a_record_that_cannot_be_read_does_not_poison_the_others(body: object) -> None:
    world, log = World(), a_log("x")
    unread = {**sqs_record("unread", "x"), "body": body}
    event = {"Records": [sqs_record("0", encode(log)), unread, sqs_record("1", encode(log))]}
    answer = await world.soon(a_function(world.consumer).work_on(event, PLENTY))
    assert await world.document() is not None
    # What is a body of text goes where all goes that is no envelope; the rest is never lost.
    assert len(world.broker.in_quarantine) == isinstance(body, str)
    assert answer == (failures() if isinstance(body, str) else failures("unread"))


async def test_what_is_no_batch_is_an_error_that_holds_nothing_of_it() -> None:
    with pytest.raises(NotSqs, match="it has no list of Records"):
        await a_function(Consumer()).work_on({"text": "secret"}, PLENTY)


async def test_how_often_it_was_delivered_is_what_sqs_says() -> None:
    consumer = Consumer()
    await a_function(consumer).work_on(sqs_event(b"x", deliveries=7), PLENTY)
    assert consumer.deliveries == [Delivery(b"x", 7, unanswered=None)]


# ---- out of time ------------------------------------------------------------------------------


async def test_what_is_cut_off_comes_again_at_once_and_nothing_else_does() -> None:
    consumer = Consumer(endless=endless, again=again, buggy=buggy)
    hidden = Hidden()
    event = sqs_event(b"x", b"endless", b"again", b"buggy", b"endless", b"y")
    with capture_logs() as logs:
        answer = await a_function(consumer, hidden).work_on(event, MARGIN_SECONDS + 0.05)
    assert answer == failures("1", "2", "3", "4")
    assert sorted(hidden.calls) == [("r1", 0), ("r2", 1.5), ("r4", 0)]
    assert consumer.in_work == 0
    assert [line["messages"] for line in logs if line["event"] == "cut_off"] == [2]


@pytest.mark.parametrize("seconds_left", [MARGIN_SECONDS, 0.0, -1.0])
async def test_an_invocation_without_time_returns_all(seconds_left: float) -> None:
    answer = await a_function(Consumer(endless=endless)).work_on(
        sqs_event(b"endless", b"endless"), seconds_left
    )
    assert answer == failures("0", "1")


async def test_what_does_not_end_and_cannot_be_hidden_is_returned_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_STEP_SECONDS", 0.05)
    hidden = Hidden()
    hidden.silent = True

    async def stubborn() -> Verdict:
        try:
            return await endless()
        finally:
            await asyncio.sleep(0.2)

    consumer = Consumer(endless=endless, stubborn=stubborn)
    event = sqs_event(b"x", b"endless", b"stubborn")
    worked = a_function(consumer, hidden).work_on(event, MARGIN_SECONDS + 0.01)
    assert await asyncio.wait_for(worked, 0.15) == failures("1", "2")
    await asyncio.sleep(0.2)


async def test_what_ends_while_it_is_cancelled_has_ended() -> None:
    async def saved() -> Verdict:
        try:
            return await endless()
        except asyncio.CancelledError:
            return Ack()

    consumer, hidden = Consumer(endless=endless, saved=saved), Hidden()
    event = sqs_event(b"saved", b"endless")
    answer = await a_function(consumer, hidden).work_on(event, MARGIN_SECONDS)
    assert answer == failures("1")
    assert hidden.calls == [("r1", 0)]


class CountedWork:
    """Work that takes no time, or does not end in it; remembers its texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_slow = True

    async def __call__(self, text: str) -> None:
        self.texts.append(text)
        if self.is_slow and text == "slow":
            await asyncio.Event().wait()


async def test_of_a_batch_that_was_cut_off_what_is_finished_is_not_worked_on_again() -> None:
    work = CountedWork()
    world = World(work=work)
    logs = [a_log(text, log=text) for text in ("one", "slow", "two")]
    event = sqs_event(*(encode(log) for log in logs))
    function = a_function(world.consumer)
    assert await function.work_on(event, MARGIN_SECONDS + 0.05) == failures("1")
    assert sorted(work.texts) == ["one", "slow", "two"]
    work.is_slow = False
    # As after a function that was killed: the whole batch, and not only what was left of it.
    assert await function.work_on(event, PLENTY) == failures()
    assert sorted(work.texts) == ["one", "slow", "slow", "two"]
    for log in logs:
        assert await world.store.document(ACME, LogId(log.log)) is not None


# ---- the function's time ----------------------------------------------------------------------


async def test_a_timeout_in_which_no_chunk_can_end_is_told_once() -> None:
    function = a_function(Consumer())
    with capture_logs() as logs:
        await function.work_on(sqs_event(b"x"), CHUNK_SECONDS + MARGIN_SECONDS)
        assert logs == []
        for _ in range(2):
            await function.work_on(sqs_event(b"x"), CHUNK_SECONDS + MARGIN_SECONDS - 0.1)
    assert [(line["event"], line["log_level"]) for line in logs] == [("timeout_too_short", "error")]


@pytest.mark.parametrize("seconds", [0.001, 60, 840])
def test_chunks_that_end_in_a_functions_time_are_taken(seconds: float) -> None:
    check_settings(replace(Settings(), chunk_seconds=seconds))


@pytest.mark.parametrize("seconds", [0, 840.1, 86400])
def test_chunks_that_do_not_are_refused_in_words(seconds: float) -> None:
    with pytest.raises(Misconfigured, match=f"LOGWEIR_CHUNK_SECONDS: .* 840 .* it is {seconds:g}$"):
        check_settings(replace(Settings(), chunk_seconds=seconds))
