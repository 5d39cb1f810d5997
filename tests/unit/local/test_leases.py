"""Leases, delays, fairness and suspects of the broker of one machine."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.logs import a_log, a_plan

from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.leases import ALONE_DEATHS, DELAY_SECONDS_MAX, SUSPECT_DEATHS, Claim
from logweir.backends.local.session import Session
from logweir.clock import ManualClock
from logweir.envelope import Envelope, decode
from logweir.errors import LeaseLost
from logweir.ids import TenantId
from logweir.limits import DEFAULT_LIMITS

LEASE = DEFAULT_LIMITS.lease_seconds
ANY_SIZE = 1 << 30
SLOTS = 8


# ---- leases --------------------------------------------------------------------------------------


async def test_a_session_whose_lease_has_run_out_can_do_nothing(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await broker.publish([a_log(log="1"), a_log(log="2"), a_log(log="3")])
    session = await broker.session()
    first, second = await claim(session, 2)
    await clock.advance(LEASE)
    for call in (
        *(session.acknowledge(first), session.delay(second, 1), session.heartbeat()),
        session.claim(1, ANY_SIZE, 2),
    ):
        with pytest.raises(LeaseLost):
            await call
    session.abandon()
    assert logs_of(await claim(await broker.session(), 9)) == ["1", "2", "3"]


async def test_a_heartbeat_keeps_the_lease(broker: LocalBroker, clock: ManualClock) -> None:
    await broker.publish([a_log()])
    session = await broker.session()
    (held,) = await claim(session, 1)
    for _ in range(10):
        await clock.advance(LEASE - 0.001)
        await session.heartbeat()
        assert await broker.reap() == 0
    await session.acknowledge(held)


async def test_who_wakes_up_after_its_lease_harms_nobody(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await broker.publish([a_log()])
    frozen = await broker.session()
    (old,) = await claim(frozen, 1)
    await clock.advance(LEASE)
    other = await broker.session()  # which hands back what the frozen one held
    (new,) = await claim(other, 1)
    assert (new.delivery.deliveries, new.delivery.unanswered) == (2, 1)
    for call in (frozen.acknowledge(old), frozen.delay(old, 5), frozen.heartbeat()):
        with pytest.raises(LeaseLost):
            await call
    await frozen.end()
    await other.acknowledge(new)
    assert await broker.backlog() == []


async def test_a_heartbeat_hands_back_what_a_frozen_worker_held_too_long(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await broker.publish([a_log()])
    frozen = await broker.session()
    await claim(frozen, 1)
    await clock.advance(LEASE / 2)
    alive = await broker.session()
    await clock.advance(LEASE / 2)
    assert await claim(alive, 1) == []
    await alive.heartbeat()
    assert logs_of(await claim(alive, 1)) == ["log-1"]


async def test_what_a_dead_worker_held_is_handed_back_at_once(
    tmp_path: Path, broker: LocalBroker, clock: ManualClock
) -> None:
    await broker.publish([a_log(log="1"), a_log(log="2")])
    dead = await broker.session()
    await claim(dead, 2)
    other = LocalBroker(tmp_path, clock, DEFAULT_LIMITS)
    assert await other.reap() == 0, "its process lives"
    dead.abandon()  # the kernel lets go of a dead process's locks
    assert await other.reap() == 2
    assert await other.reap() == 0
    claims = await claim(await other.session(), 9)
    assert [(c.delivery.deliveries, c.delivery.unanswered) for c in claims] == [(2, 1)] * 2
    await other.close()


KILLED_WORKER = """
import asyncio, os, signal, sys
from pathlib import Path
from logweir.backends.local.broker import LocalBroker
from logweir.clock import SystemClock
from logweir.limits import DEFAULT_LIMITS

async def main():
    session = await LocalBroker(Path(sys.argv[1]), SystemClock(), DEFAULT_LIMITS).session()
    assert len(await session.claim(10, 1 << 30, 0)) == 1
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_what_a_killed_process_held_is_handed_back_at_once(
    tmp_path: Path, broker: LocalBroker
) -> None:
    await broker.publish([a_log()])
    src = str(Path(__file__).parents[3] / "src")
    process = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED_WORKER, str(tmp_path)],
        env={"PYTHONPATH": src},
        timeout=30,
        check=False,
    )
    assert process.returncode == -9
    assert await broker.reap() == 1


async def test_what_is_handed_back_in_good_order_counts_no_death(broker: LocalBroker) -> None:
    await broker.publish([a_log()])
    for number in range(10):
        session = await broker.session()
        (held,) = await claim(session, 1)
        assert (held.delivery.deliveries, held.delivery.unanswered) == (number + 1, 0)
        await session.end()


async def test_no_lock_file_is_left_behind(tmp_path: Path, broker: LocalBroker) -> None:
    for _ in range(3):
        await (await broker.session()).end()
    (await broker.session()).abandon()
    await broker.reap()
    assert list((tmp_path / "leases").iterdir()) == []


async def test_a_session_is_never_given_the_token_of_another(broker: LocalBroker) -> None:
    tokens = []
    for _ in range(5):
        session = await broker.session()
        tokens.append(session._id)
        await session.end()
    assert len(set(tokens)) == 5


# ---- delays --------------------------------------------------------------------------------------


async def test_a_delayed_message_waits_until_its_time(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await broker.publish([a_log()])
    session = await broker.session()
    (held,) = await claim(session, 1)
    await session.delay(held, 5.0)
    with pytest.raises(LeaseLost):
        await session.acknowledge(held)
    await clock.advance(4.999)
    assert await claim(session, 1) == []
    assert [backlog.waiting for backlog in await broker.backlog()] == [1]
    await clock.advance(0.001)
    (again,) = await claim(session, 1)
    assert (again.delivery.deliveries, again.delivery.unanswered) == (2, 0)


async def test_no_delay_is_longer_than_the_longest(broker: LocalBroker, clock: ManualClock) -> None:
    await broker.publish([a_log()])
    session = await broker.session()
    await session.delay((await claim(session, 1))[0], 1e9)
    for _ in range(10):
        await clock.advance(DELAY_SECONDS_MAX / 10)
        await session.heartbeat()
    assert len(await claim(session, 1)) == 1


@pytest.mark.parametrize("uptime", [1.0, 50.0, 1e6, 1e9])
async def test_a_delay_from_before_a_boot_is_no_longer_than_the_longest(
    tmp_path: Path, uptime: float
) -> None:
    before = ManualClock()
    await before.advance(uptime)
    broker = LocalBroker(tmp_path, before, DEFAULT_LIMITS)
    await broker.publish([a_log()])
    session = await broker.session()
    await session.delay((await claim(session, 1))[0], 55.0)
    session.abandon()  # the machine goes down
    await broker.close()

    after = ManualClock()  # and comes up: the monotonic clock begins again
    broker = LocalBroker(tmp_path, after, DEFAULT_LIMITS)
    session = await broker.session()
    claims: Sequence[Claim] = []
    while not claims and after.monotonic() < DELAY_SECONDS_MAX:
        claims = await claim(session, 1)
        await after.advance(1)
        await session.heartbeat()
    assert len(claims) == 1
    await broker.close()


async def test_a_lease_from_before_a_boot_ends_with_its_lock(tmp_path: Path) -> None:
    before = ManualClock()
    await before.advance(1e9)
    broker = LocalBroker(tmp_path, before, DEFAULT_LIMITS)
    await broker.publish([a_log()])
    session = await broker.session()
    await claim(session, 1)
    session.abandon()
    await broker.close()
    broker = LocalBroker(tmp_path, ManualClock(), DEFAULT_LIMITS)
    assert await broker.reap() == 1
    await broker.close()


# ---- fairness ------------------------------------------------------------------------------------


async def test_a_claim_goes_to_the_tenant_with_the_fewest_in_flight(broker: LocalBroker) -> None:
    await publish(broker, big=100, small=3, tiny=1)
    session = await broker.session()
    assert tenants_of(await claim(session, 3)) == {"big": 1, "small": 1, "tiny": 1}
    assert tenants_of(await claim(session, 3)) == {"big": 2, "small": 1}
    assert tenants_of(await claim(session, 2)) == {"big": 1, "small": 1}
    await publish(broker, late=10)
    assert tenants_of(await claim(session, 4)) == {"late": 4}
    assert tenants_of(await claim(session, 2)) == {"big": 1, "late": 1}


async def test_one_claim_of_many_shares_fairly(broker: LocalBroker) -> None:
    await publish(broker, a=100, b=100, c=2)
    session = await broker.session()
    assert tenants_of(await claim(session, 22)) == {"a": 10, "b": 10, "c": 2}


async def test_what_is_answered_is_not_in_flight_any_more(broker: LocalBroker) -> None:
    await publish(broker, a=10)
    session = await broker.session()
    claims = await claim(session, 4)
    await publish(broker, b=10)
    for held in claims[:2]:
        await session.acknowledge(held)
    await session.delay(claims[2], 1)
    assert tenants_of(await claim(session, 3)) == {"a": 1, "b": 2}


async def test_of_equals_the_least_recently_served_comes_first(
    broker: LocalBroker, clock: ManualClock
) -> None:
    served = ""
    for tenant in "cab":
        await publish(broker, **{tenant: 4})
        await clock.advance(0.5)
    session = await broker.session()
    for _ in range(9):
        (held,) = await claim(session, 1)
        served += held.tenant
        await clock.advance(0.5)
        await session.acknowledge(held)
    assert served == "cab" * 3


async def test_a_tenant_for_whose_message_no_room_was_left_has_not_been_served(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await publish(broker, a=4, b=4, c=4)
    await clock.advance(0.5)
    session = await broker.session()
    served = ""
    for _ in range(9):
        (held,) = await session.claim(100, 1, 0)  # one byte: a single message
        served += held.tenant
        await clock.advance(0.5)
        await session.acknowledge(held)
    assert served == "abc" * 3


@pytest.mark.parametrize("slots", [1, 2, 10])
async def test_logs_and_chunks_of_one_tenant_take_turns(broker: LocalBroker, slots: int) -> None:
    plan = a_plan("0123456789" * 40, 10)
    await broker.publish([a_log(log=f"log-{number}") for number in range(40)])
    await broker.publish([plan.chunk(index) for index in range(40)])
    session = await broker.session()
    kinds: Counter[bool] = Counter()
    for _ in range(20 // slots):
        claims = await claim(session, slots)
        kinds += Counter(decode(held.delivery.raw).chunk is None for held in claims)
    assert kinds == {True: 10, False: 10}


async def test_where_one_lane_is_empty_the_other_gets_all(broker: LocalBroker) -> None:
    plan = a_plan("0123456789" * 10, 10)
    await broker.publish([plan.chunk(index) for index in range(10)])
    await broker.publish([a_log()])
    assert len(await claim(await broker.session(), 9)) == 9
    assert len(await claim(await broker.session(), 9)) == 2


async def test_of_one_lane_the_oldest_comes_first(broker: LocalBroker) -> None:
    await broker.publish([a_log(log=f"{number:03}") for number in range(30)])
    session = await broker.session()
    claimed = [log for _ in range(6) for log in logs_of(await claim(session, 5))]
    assert claimed == sorted(claimed)


async def test_a_claim_takes_no_more_bytes_than_it_may_but_for_the_last_message(
    broker: LocalBroker,
) -> None:
    await broker.publish([a_log("x" * 10_000, log=f"{number}") for number in range(10)])
    session = await broker.session()
    assert len(await session.claim(100, 25_000, 0)) == 3
    assert len(await session.claim(100, 1, 0)) == 1
    assert len(await session.claim(100, 0, 0)) == 0
    assert len(await session.claim(0, ANY_SIZE, 0)) == 0


# ---- suspects ------------------------------------------------------------------------------------


async def test_two_deaths_are_no_suspicion(broker: LocalBroker) -> None:
    await publish(broker, a=SLOTS)
    await die_with_all(broker, SUSPECT_DEATHS - 1)
    assert len(await claim(await broker.session(), SLOTS)) == SLOTS


@pytest.mark.parametrize(("deaths", "company"), [(3, 4), (4, 2), (5, 1), (6, 1)])
async def test_the_company_of_suspects_halves_with_each_death(
    broker: LocalBroker, deaths: int, company: int
) -> None:
    await publish(broker, a=SLOTS)
    await set_deaths(broker, deaths)
    assert len(await claim_suspects(await broker.session())) == company


@pytest.mark.parametrize(("deaths", "company"), [(ALONE_DEATHS - 1, 2), (ALONE_DEATHS, 1), (50, 1)])
async def test_from_the_thirteenth_death_on_a_suspect_is_alone(
    broker: LocalBroker, deaths: int, company: int
) -> None:
    await publish(broker, a=4)
    await set_deaths(broker, deaths)
    assert len(await claim_suspects(await broker.session(), slots=2048)) == company


async def test_the_least_suspected_come_first(broker: LocalBroker) -> None:
    await publish(broker, a=2)
    await set_deaths(broker, 7)
    await publish(broker, b=2)
    await set_deaths(broker, 4, tenant="b")
    assert tenants_of(await claim_suspects(await broker.session())) == {"b": 2}


async def test_a_company_that_ends_well_doubles_the_next(broker: LocalBroker) -> None:
    await publish(broker, a=20)
    await set_deaths(broker, 5)
    session = await broker.session()
    companies = []
    while claims := await claim_suspects(session):
        companies.append(len(claims))
        for held in claims:
            await session.acknowledge(held)
    assert companies == [1, 2, 4, 8, 5]


async def test_suspects_take_no_more_bytes_than_a_worker_may_hold(broker: LocalBroker) -> None:
    await broker.publish([a_log("x" * 10_000, log=f"{number}") for number in range(8)])
    await set_deaths(broker, 3)
    session = await broker.session()
    claims: Sequence[Claim] = []
    while not claims:
        claims = await session.claim(SLOTS, 15_000, 0)
    assert len(claims) == 2


async def test_suspects_are_in_the_backlog_also_after_a_worker_started(
    broker: LocalBroker,
) -> None:
    await publish(broker, a=4)
    await set_deaths(broker, 3)
    session = await broker.session()
    assert [(b.waiting, b.in_flight) for b in await broker.backlog()] == [(4, 0)]
    held = await claim_suspects(session, slots=2)
    assert [(b.waiting, b.in_flight) for b in await broker.backlog()] == [(3, 1)]
    await publish(broker, a=1)
    await session.acknowledge(held[0])
    assert [(b.waiting, b.in_flight) for b in await broker.backlog()] == [(4, 0)]


async def test_suspects_are_handed_out_to_empty_hands_only(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await publish(broker, a=2)
    await set_deaths(broker, 3)
    session = await broker.session()
    await publish(broker, b=9)
    if session._id % 2 == 0:  # its first turn is the others'
        await claim(session, 3)
    assert await claim(session, 3, in_flight=3) == []
    assert tenants_of(await claim(session, 3, in_flight=0)) == {"a": 1}


async def test_nobody_gets_anything_while_suspects_are_worked_on(broker: LocalBroker) -> None:
    await publish(broker, a=4)
    await set_deaths(broker, 3)
    session = await broker.session()
    held = await claim_suspects(session, slots=2)
    await publish(broker, b=9)
    assert await claim(session, 3, in_flight=1) == []
    await session.acknowledge(held[0])
    assert tenants_of(await claim(session, 3, in_flight=0)) == {"b": 3}, "the others' turn"
    assert await claim(session, 3, in_flight=3) == [], "the suspects', once the hands are empty"
    assert tenants_of(await claim(session, 3, in_flight=0)) == {"a": 3}


async def test_suspects_do_not_wait_for_empty_hands_for_ever(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await publish(broker, a=2)
    await set_deaths(broker, 3)
    session = await broker.session()
    await claim_nothing(session, in_flight=5)
    for _ in range(24):
        await clock.advance(5)
        await session.heartbeat()
    assert tenants_of(await claim(session, 3, in_flight=5)) == {"a": 1}


async def test_how_long_one_suspect_waited_does_not_count_for_the_next(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await publish(broker, a=2)
    await set_deaths(broker, 3)
    session = await broker.session()
    await claim_nothing(session, in_flight=5)
    await broker._commit.run(lambda db: db.execute("DELETE FROM messages"))  # another worker did it
    await publish(broker, b=1)
    for _ in range(50):
        await clock.advance(5)
        await session.heartbeat()
    assert tenants_of(await claim(session, 3, in_flight=5)) == {"b": 1}
    await publish(broker, c=1)
    await set_deaths(broker, 3, tenant="c")
    assert await claim(session, 3, in_flight=5) == []


async def test_who_was_alone_with_a_death_waits_longer_each_time(
    broker: LocalBroker, clock: ManualClock
) -> None:
    await publish(broker, a=1)
    await set_deaths(broker, ALONE_DEATHS)
    session = await broker.session()
    assert len(await claim_suspects(session)) == 1
    session.abandon()
    await broker.reap()
    session = await broker.session()
    assert await claim_suspects(session) == []
    await clock.advance(0.25)
    (held,) = await claim_suspects(session)
    assert held.delivery.unanswered == ALONE_DEATHS + 1


async def test_others_are_served_between_the_deaths_of_a_poison(broker: LocalBroker) -> None:
    await publish(broker, poison=1)
    await set_deaths(broker, 5)
    await publish(broker, innocent=100)
    done = 0
    for _ in range(10):  # every worker dies as soon as it has the poison
        session = await broker.session()
        for _ in range(3):
            claims = await claim(session, 1)
            if "poison" in tenants_of(claims):
                break
            for held in claims:
                await session.acknowledge(held)
                done += 1
        session.abandon()
        await broker.reap()
    assert done >= 5


# ---- what the tests say in words -----------------------------------------------------------------


async def publish(broker: LocalBroker, **counts: int) -> None:
    """So many short logs of each tenant."""
    for tenant, count in counts.items():
        await broker.publish(
            [a_log(tenant=TenantId(tenant), log=f"log-{number}") for number in range(count)]
        )


async def claim(session: Session, slots: int, in_flight: int = 0) -> Sequence[Claim]:
    """Claim, whatever the messages' sizes."""
    return await session.claim(slots, ANY_SIZE, in_flight)


async def claim_suspects(session: Session, slots: int = SLOTS) -> Sequence[Claim]:
    """The next suspects; nothing else waits, and the others' turn may come first."""
    return await claim(session, slots) or await claim(session, slots)


async def claim_nothing(session: Session, in_flight: int) -> None:
    """Let the session see suspects while its hands are full."""
    for _ in range(2):
        assert await claim(session, 3, in_flight) == []


async def die_with_all(broker: LocalBroker, times: int) -> None:
    """Worker after worker claims all there is and dies."""
    for _ in range(times):
        session = await broker.session()
        assert await claim(session, 1000)
        session.abandon()
        await broker.reap()


async def set_deaths(broker: LocalBroker, deaths: int, tenant: str = "%") -> None:
    """As if the messages had seen so many deaths: once more, in truth."""
    await broker._commit.run(
        lambda db: db.execute(
            "UPDATE messages SET deaths = ? WHERE tenant LIKE ? AND state = 'waiting'",
            (SUSPECT_DEATHS - 1, tenant),
        )
    )
    session = await broker.session()
    held = [c for c in await claim(session, 1000) if tenant in ("%", c.tenant)]
    assert held
    session.abandon()
    await broker.reap()
    await broker._commit.run(
        lambda db: db.execute(
            "UPDATE messages SET deaths = ? WHERE tenant LIKE ? AND state = 'suspect'",
            (deaths, tenant),
        )
    )


def tenants_of(claims: Sequence[Claim]) -> dict[str, int]:
    """How many claims each tenant has."""
    return dict(Counter(held.tenant for held in claims))


def logs_of(claims: Sequence[Claim]) -> list[str]:
    """The log ids of what was claimed, in order."""
    envelopes: list[Envelope] = [decode(held.delivery.raw) for held in claims]
    return [envelope.log for envelope in envelopes]
