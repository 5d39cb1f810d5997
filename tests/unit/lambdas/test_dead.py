"""What SQS gave up is published anew, until nothing comes or the time is over."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from structlog.testing import capture_logs
from tests.support.logs import a_log
from tests.support.world import World

from logweir.entrypoints.lambdas.dead import drain
from logweir.envelope import encode
from logweir.errors import BrokerUnavailable, LeaseLost
from logweir.pipeline.broker import Delivery

PLENTY: Final = 90.0


@dataclass(frozen=True)
class Claim:
    """A message of the dead queue."""

    delivery: Delivery
    weight_bytes: int = 0


class Dead:
    """A session over what was given up; comes in portions, and nothing in between."""

    def __init__(self, *portions: Sequence[bytes]) -> None:
        self.waiting: deque[list[Claim]] = deque()
        for portion in portions:
            claims = [Claim(Delivery(raw, 1001, None, given_up=True)) for raw in portion]
            self.waiting += ([], claims)
        self.acknowledged: list[bytes] = []
        self.delayed: list[bytes] = []
        self.failure: Exception | None = None
        self.ended = False

    async def begin(self) -> Any:
        return self

    async def claim(self, slots: int, bytes_max: int, in_flight: int) -> Sequence[Claim]:
        assert slots > 0
        assert bytes_max > 0
        if self.failure is not None:
            raise self.failure
        return self.waiting.popleft() if self.waiting else []

    async def acknowledge(self, claim: Claim) -> None:
        self.acknowledged.append(claim.delivery.raw)

    async def delay(self, claim: Claim, after_seconds: float) -> None:
        assert after_seconds > 0
        self.delayed.append(claim.delivery.raw)

    async def end(self) -> None:
        self.ended = True


async def drained(world: World, dead: Dead, seconds_left: float = PLENTY) -> dict[str, int]:
    run = drain(dead.begin, world.consumer, world.clock, seconds_left)
    return await world.soon(run)


async def test_all_that_comes_is_published_anew_and_acknowledged() -> None:
    world = World()
    raws = [encode(a_log(f"{n}", log=f"log-{n}")) for n in range(5)]
    dead = Dead(raws[:3], [], raws[3:])
    with capture_logs() as logs:
        assert await drained(world, dead) == {"acknowledged": 5, "delayed": 0}
    assert [encode(envelope) for envelope in world.queued] == raws == dead.acknowledged
    assert dead.ended
    assert [line["event"] for line in logs] == ["published_anew"] * 5 + ["drained"]


async def test_an_empty_queue_costs_a_few_seconds() -> None:
    world, dead = World(), Dead()
    assert await drained(world, dead) == {"acknowledged": 0, "delayed": 0}
    assert 2 < world.clock.monotonic() < 5


async def test_what_cannot_be_read_is_quarantined_and_acknowledged() -> None:
    world, dead = World(), Dead([b"no envelope"])
    assert await drained(world, dead) == {"acknowledged": 1, "delayed": 0}
    assert [raw for raw, _ in world.broker.in_quarantine] == [b"no envelope"]


async def test_in_an_outage_what_came_is_delayed_and_no_more_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, raw = World(), encode(a_log())
    dead = Dead([raw, raw], [raw])

    async def fails(*_: object) -> None:
        raise BrokerUnavailable("down")

    monkeypatch.setattr(world.broker, "publish", fails)
    assert await drained(world, dead) == {"acknowledged": 0, "delayed": 2}
    assert (dead.delayed, len(dead.waiting), dead.ended) == ([raw, raw], 2, True)


async def test_a_bug_leaves_the_message_where_it_is_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, good, bad = World(), encode(a_log("good")), encode(a_log("bad", log="bad"))
    publish = world.broker.publish

    async def fails(envelopes: Any) -> None:
        if envelopes[0].log == "bad":
            raise KeyError("the text of a log")
        await publish(envelopes)

    monkeypatch.setattr(world.broker, "publish", fails)
    dead = Dead([bad, good])
    with capture_logs() as logs:
        summary = await drained(world, dead)
    assert summary == {"acknowledged": 1, "delayed": 0, "failed": 1}
    assert (dead.acknowledged, dead.delayed, dead.ended) == ([good], [], True)
    assert "text of a log" not in str(logs)


@pytest.mark.parametrize("seconds_left", [15.5, 10.0, 0.0])
async def test_with_the_time_it_ends(seconds_left: float) -> None:
    world, raw = World(), encode(a_log())
    dead = Dead(*[[raw]] * 1000)
    await drained(world, dead, seconds_left)
    assert world.clock.monotonic() < max(0.1, seconds_left - 14)
    assert dead.ended


@pytest.mark.parametrize("failure", [BrokerUnavailable("down"), LeaseLost("late")])
async def test_a_queue_that_does_not_answer_is_told_and_the_next_drain_goes_on(
    failure: Exception,
) -> None:
    world, dead = World(), Dead([encode(a_log())])
    dead.failure = failure
    with capture_logs() as logs:
        assert await drained(world, dead) == {"acknowledged": 0, "delayed": 0}
    assert [line["event"] for line in logs] == ["drain_broke_off", "drained"]
    assert dead.ended
