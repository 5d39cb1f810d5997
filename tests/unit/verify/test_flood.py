"""The flood is an open loop: no answer, however slow, moves a later request."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from logweir.clock import ManualClock
from logweir.ids import LogId
from logweir.verify.flood import Reply, flood
from logweir.verify.tally import Tally
from logweir.verify.traffic import Request, traffic

OK = Reply(status=202)


class Log:
    """A witness that writes down who was sent when, and who ended when."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, float, float]] = []
        self.took: dict[int, float] = {}

    def invoked(self, request: Request, due: float, at: float) -> None:
        """Which, due when, sent when."""
        self.sent.append((request.index, round(due, 6), round(at, 6)))

    def ended(self, request: Request, due: float, at: float, answer: Reply) -> None:
        """How long since it was due."""
        assert answer is OK
        self.took[request.index] = round(at - due, 6)


async def flooded(clock: ManualClock, count: int, takes: dict[int, float]) -> Log:
    """Send ``count`` requests, one a second, to a server that takes so long for these."""
    witness = Log()

    async def send(request: Request) -> Reply:
        await clock.sleep(takes.get(request.index, 0.1))
        return OK

    requests = itertools.islice(traffic(1, 2), count)
    flooding = asyncio.create_task(
        flood(requests, per_second=1.0, send=send, witness=witness, clock=clock)
    )
    await clock.advance(1000)
    await flooding
    return witness


async def test_each_request_is_sent_when_it_is_due_whatever_the_server_does() -> None:
    slow = dict.fromkeys(range(10), 60.0)
    witness = await flooded(ManualClock(), 10, slow)
    assert witness.sent == [(index, float(index), float(index)) for index in range(10)]
    assert set(witness.took.values()) == {60.0}


async def test_one_stall_delays_nobody_else() -> None:
    witness = await flooded(ManualClock(), 6, {2: 500.0})
    assert witness.took == {0: 0.1, 1: 0.1, 2: 500.0, 3: 0.1, 4: 0.1, 5: 0.1}


async def test_after_a_hold_up_it_catches_up_and_latency_counts_from_when_it_was_due() -> None:
    clock = ManualClock()
    tally = Tally()

    async def send(request: Request) -> Reply:
        if request.index == 0:
            clock._elapsed += 3.5  # the machine stood still
        return OK

    flooding = asyncio.create_task(
        flood(
            itertools.islice(traffic(1, 1), 5),
            per_second=1.0,
            send=send,
            witness=tally,
            clock=clock,
        )
    )
    await clock.advance(10)
    await flooding
    [(label, latencies)] = tally.answers()
    assert (label, latencies.count) == ("202", 5)
    assert latencies.max_ms == 3500
    assert tally.late().max_ms == 2500  # the second one, due at 1.0


async def test_it_can_be_cut_short() -> None:
    clock = ManualClock()
    tally = Tally()

    async def send(request: Request) -> Reply:
        await clock.sleep(100 if request.index % 2 else 0.1)
        return OK

    flooding = asyncio.create_task(
        flood(traffic(1, 1), per_second=1.0, send=send, witness=tally, clock=clock)
    )
    await clock.advance(9.5)
    flooding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flooding
    assert (tally.started_count, tally.ended_count) == (10, 5)


async def repeated(request: Request, replies: list[Reply], repeats: int = 3) -> list[Request]:
    """What is sent of one request, if it is answered so."""
    clock, sent = ManualClock(), []

    async def send(request: Request) -> Reply:
        sent.append(request)
        return replies[len(sent) - 1]

    flooding = asyncio.create_task(
        flood(
            [request],
            per_second=1.0,
            send=send,
            witness=Tally(),
            clock=clock,
            repeats=repeats,
        )
    )
    await clock.advance(100)
    await flooding
    return sent


NAMED = next(request for request in traffic(1, 2) if request.log)
UNNAMED = next(request for request in traffic(1, 2) if not request.log)


@pytest.mark.parametrize("reply", [Reply(status=503), Reply(status=429), Reply(failure="broken")])
async def test_a_log_of_its_own_id_is_sent_again_until_it_is_accepted(reply: Reply) -> None:
    sent = await repeated(NAMED, [reply, reply, OK])
    assert [(each.log, each.text, each.attempt) for each in sent] == [
        (NAMED.log, NAMED.text, attempt) for attempt in (1, 2, 3)
    ]


async def test_it_is_sent_again_so_often_and_no_oftener() -> None:
    assert len(await repeated(NAMED, [Reply(status=503)] * 9, repeats=2)) == 3
    assert len(await repeated(NAMED, [Reply(status=503)], repeats=0)) == 1


async def test_what_is_refused_for_good_is_not_sent_again() -> None:
    assert len(await repeated(NAMED, [Reply(status=400)])) == 1


async def test_without_an_id_only_what_cannot_be_kept_twice_is_sent_again() -> None:
    assert len(await repeated(UNNAMED, [Reply(failure="broken")])) == 1
    assert len(await repeated(UNNAMED, [Reply(status=503)])) == 1
    assert len(await repeated(UNNAMED, [Reply(status=429), OK])) == 2
    told = await repeated(UNNAMED, [Reply(status=503, log=LogId("told")), OK])
    assert [each.log for each in told] == [None, "told"]
