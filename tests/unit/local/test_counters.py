"""The tenants' counters are always the true counts, whatever happens in whatever order."""

from __future__ import annotations

import random
from collections import Counter
from importlib import resources

import apsw
import pytest
from tests.support.logs import a_log

from logweir.backends.local import leases
from logweir.backends.local.database import select
from logweir.backends.local.leases import Claim
from logweir.envelope import encode
from logweir.pipeline.broker import work_of

TENANTS = ["a", "b", "c"]


class Machine:
    """A broker's tables, sessions that live and die, and a clock."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.db = apsw.Connection(":memory:")
        schema = resources.files("logweir.backends.local").joinpath("broker.sql").read_text()
        self.db.execute(schema)
        self.now = 0.0
        self.held: dict[int, list[Claim]] = {}
        self.published = 0

    def step(self) -> str:
        """Do something at random; its name."""
        deeds = [self.publish] * 3 + [self.claim] * 4 + [self.acknowledge, self.delay] * 2
        deeds += [self.begin, self.end, self.die, self.die, self.wait, self.suspect]
        deed = self.draw.choice(deeds)
        deed()
        return deed.__name__

    def publish(self) -> None:
        """Some messages of some tenants."""
        count = self.draw.randrange(4)
        leases.insert_messages(
            self.db, [self._message(self.draw.randrange(1, 99)) for _ in range(count)]
        )
        self.published += count

    def _message(self, characters: int) -> leases.NewMessage:
        tenant, kind = self.draw.choice(TENANTS), self.draw.choice(("log", "chunk"))
        raw = encode(a_log("x" * characters))
        return tenant, "log-1", kind, self.now, 10, raw, characters

    def begin(self) -> None:
        """A worker starts."""
        self.held[leases.start_session(self.db, 1, self.now + 1e9)] = []

    def claim(self) -> None:
        """A worker claims what it may."""
        session = self._session()
        if session is None:
            return
        leases.promote_delayed(self.db, self.now)
        slots, room = self.draw.randrange(1, 6), self.draw.choice([1, 25, 1000])
        if leases.has_suspects(self.db) and self.draw.random() < 0.5:
            claims = leases.claim_suspects(self.db, session, slots, room, doublings=1)
        else:
            claims = leases.claim_fairly(
                self.db, session, slots, room, wall=self.now, turn=self.draw.randrange(9)
            )
        assert len(claims) <= slots
        assert len(claims) <= room // 10 + 1
        in_flight = {claim.id for held in self.held.values() for claim in held}
        assert not in_flight & {claim.id for claim in claims}, "handed out twice"
        self.held[session] += claims

    def acknowledge(self) -> None:
        """A worker is done with a message; nobody else's acknowledgement counts."""
        session = self._session()
        if session is not None and self.held[session]:
            claim = self.held[session].pop()
            assert not leases.acknowledge(self.db, session + 1000, claim)
            assert leases.acknowledge(self.db, session, claim)
            assert not leases.acknowledge(self.db, session, claim)
            self.published -= 1

    def delay(self) -> None:
        """A worker puts a message off."""
        session = self._session()
        if session is not None and self.held[session]:
            claim = self.held[session].pop()
            assert leases.delay(self.db, session, claim, self.now + self.draw.uniform(0, 60))
            assert not leases.acknowledge(self.db, session, claim)

    def end(self) -> None:
        """A worker ends in good order."""
        self._end(died=False)

    def die(self) -> None:
        """A worker dies."""
        self._end(died=True)

    def suspect(self) -> None:
        """Some messages have seen deaths before."""
        self.db.execute(
            "UPDATE messages SET deaths = ? WHERE tenant = ?",
            (self.draw.choice([2, 3, 12, 13]), self.draw.choice(TENANTS)),
        )

    def wait(self) -> None:
        """Time goes by; once in a while the machine boots."""
        self.now = 0.0 if self.draw.random() < 0.1 else self.now + self.draw.uniform(0, 20)

    def _end(self, *, died: bool) -> None:
        session = self._session()
        if session is not None:
            held = self.held.pop(session)
            assert leases.end_session(self.db, session, self.now, died=died) == len(held)

    def _session(self) -> int | None:
        return self.draw.choice(list(self.held)) if self.held else None

    def counted(self) -> list[tuple[str, int, int]]:
        """What the counters say, of tenants that they say something of."""
        return select(
            self.db,
            "SELECT tenant, waiting, in_flight FROM tenants"
            " WHERE waiting <> 0 OR in_flight <> 0 ORDER BY tenant",
        )

    def true_counts(self) -> list[tuple[str, int, int]]:
        """The same, counted."""
        return select(
            self.db,
            "SELECT tenant, sum(state = 'waiting') AS w, sum(state = 'leased') AS l FROM messages"
            " GROUP BY tenant HAVING w <> 0 OR l <> 0 ORDER BY tenant",
        )

    def work_counted(self) -> tuple[int, list[tuple[str, int]]]:
        """What the sums say: of all, and of each tenant that has work."""
        (total,) = select(self.db, "SELECT characters FROM backlog")[0]
        query = "SELECT tenant, characters FROM tenants WHERE characters <> 0 ORDER BY tenant"
        return total, select(self.db, query)

    def true_work(self) -> tuple[int, list[tuple[str, int]]]:
        """The same, added up."""
        work: Counter[str] = Counter()
        for tenant, raw in select(self.db, "SELECT tenant, envelope FROM messages"):
            work[tenant] += work_of(raw)
        return work.total(), sorted(work.items())

    def tenants_without_a_row(self) -> list[tuple[str]]:
        """Tenants whose messages no list of the backlog would show."""
        return select(
            self.db, "SELECT tenant FROM messages EXCEPT SELECT tenant FROM tenants ORDER BY 1"
        )

    def messages(self) -> int:
        """How many messages there are."""
        return len(select(self.db, "SELECT id FROM messages"))


@pytest.mark.parametrize("seed", range(40))
def test_the_counters_are_the_true_counts_after_every_step(seed: int) -> None:
    machine = Machine(seed)
    machine.begin()
    done = []
    for _ in range(200):
        done.append(machine.step())
        assert machine.counted() == machine.true_counts(), done
        assert machine.work_counted() == machine.true_work(), done
        assert machine.tenants_without_a_row() == [], done
        assert machine.messages() == machine.published, done
    assert {"publish", "claim", "die", "delay", "acknowledge", "end", "begin"} <= set(done)
