"""The lease of a session, in SQL: claims, settlements, and what a dead worker leaves behind.

Every function runs inside the caller's transaction. ``now`` is monotonic, in seconds.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import apsw

from logweir.backends.local.database import select
from logweir.pipeline.broker import Delivery, work_of

DELAY_SECONDS_MAX: Final = 60.0
SUSPECT_DEATHS: Final = 3
ALONE_DEATHS: Final = 13
_LANES: Final = ("log", "chunk")

NewMessage = tuple[str, str, str, float, int, bytes, int]
"""(tenant, log, kind, enqueued_at, weight_bytes, envelope), and its work in characters."""

_COLUMNS: Final = "id, tenant, envelope, deliveries, deaths, weight_bytes"
Row = tuple[int, str, bytes, int, int, int]  # of these columns


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that a session holds."""

    id: int
    tenant: str
    delivery: Delivery
    weight_bytes: int


def start_session(db: apsw.Connection, pid: int, expires_at: float) -> int:
    """The id of a new session, which is its fencing token."""
    db.execute("INSERT INTO sessions (pid, expires_at) VALUES (?, ?)", (pid, expires_at))
    id_ = db.last_insert_rowid()
    # Tenants with nothing left are swept here and not at each settlement, where it would cost most.
    db.execute("""
        DELETE FROM tenants WHERE waiting = 0 AND in_flight = 0
            AND tenant NOT IN (SELECT tenant FROM messages WHERE state = 'suspect')
            AND tenant NOT IN (SELECT tenant FROM messages WHERE state = 'delayed')
    """)
    # Once in a while from the sums themselves, should a process of an older release not count.
    db.execute("UPDATE backlog SET characters = (SELECT coalesce(sum(characters), 0) FROM tenants)")
    return id_


def holds_lease(db: apsw.Connection, session: int, now: float) -> bool:
    """Is the session's lease still its own?"""
    row = db.execute("SELECT expires_at > ? FROM sessions WHERE id = ?", (now, session)).get
    return bool(row)


def extend(db: apsw.Connection, session: int, expires_at: float) -> None:
    """Move the end of a lease that is still held."""
    db.execute("UPDATE sessions SET expires_at = ? WHERE id = ?", (expires_at, session))


def sessions(db: apsw.Connection, now: float) -> list[tuple[int, bool]]:
    """Every session, and whether its lease has run out."""
    return select(db, "SELECT id, expires_at <= ? FROM sessions", (now,))


def insert_messages(db: apsw.Connection, rows: Sequence[NewMessage]) -> None:
    """Add waiting messages."""
    db.executemany(
        "INSERT INTO messages (tenant, log, kind, enqueued_at, weight_bytes, envelope)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (row[:-1] for row in rows),
    )
    work: dict[str, int] = {}
    for row in rows:  # no Counter: on the way of each log it takes twice the time
        work[row[0]] = work.get(row[0], 0) + row[-1]
    _add_waiting(db, Counter(row[0] for row in rows), {row[0]: row[3] for row in rows}, work)
    db.execute("UPDATE backlog SET characters = characters + ?", (sum(work.values()),))


def promote_delayed(db: apsw.Connection, now: float) -> None:
    """Let wait again whose delay is over."""
    # A delay beyond the longest was made before a boot set the monotonic clock back.
    query = """
        UPDATE messages SET visible_at = NULL,
            state = CASE WHEN deaths >= ? THEN 'suspect' ELSE 'waiting' END
        WHERE state = 'delayed' AND (visible_at <= ? OR visible_at > ?)
        RETURNING tenant, state, enqueued_at
    """
    _count_waiting(db, select(db, query, (SUSPECT_DEATHS, now, now + DELAY_SECONDS_MAX)))


def claim_fairly(
    db: apsw.Connection, session: int, slots: int, bytes_max: int, *, wall: float, turn: int
) -> list[Claim]:
    """Up to ``slots`` waiting messages, each from the tenant that then has the fewest in flight.

    Of one tenant, logs and chunks take turns. More than ``bytes_max`` only by the last message.
    """
    claims: list[Claim] = []
    room = bytes_max
    lanes = _LANES if turn % 2 == 0 else _LANES[::-1]
    for tenant, share in _shares(db, slots).items():
        mine: list[Claim] = []
        for lane, most in ((lanes[0], (share + 1) // 2), (lanes[1], share), (lanes[0], share)):
            taken = _claim_lane(db, session, tenant, lane, most - len(mine), room)
            room -= sum(claim.weight_bytes for claim in taken)
            mine += taken
        if not mine:  # no room was left: it has not been served
            continue
        db.execute(
            "UPDATE tenants SET waiting = waiting - ?1, in_flight = in_flight + ?1, served_at = ?2"
            " WHERE tenant = ?3",
            (len(mine), wall, tenant),
        )
        claims += mine
    return claims


def claim_suspects(
    db: apsw.Connection, session: int, slots: int, bytes_max: int, *, doublings: int
) -> list[Claim]:
    """Those suspects that have seen the fewest deaths, since they are the likeliest to be innocent.

    Half of ``slots`` at the third death, half of that at the fourth …; twice it for each doubling.
    """
    fewest = db.execute("SELECT min(deaths) FROM messages WHERE state = 'suspect'").get
    halvings = fewest - SUSPECT_DEATHS + 1
    company = 1 if fewest >= ALONE_DEATHS else max(1, min(slots, (slots << doublings) >> halvings))
    rows = select(
        db,
        f"SELECT {_COLUMNS} FROM messages"
        " WHERE state = 'suspect' AND deaths = ? ORDER BY id LIMIT ?",
        (fewest, company),
    )
    claims = _lease(db, session, _fitting(rows, bytes_max))
    for tenant, count in Counter(claim.tenant for claim in claims).items():
        _add_in_flight(db, tenant, count)
    return claims


def has_suspects(db: apsw.Connection) -> bool:
    """Does a message wait that has seen several of its workers die?"""
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM messages WHERE state = 'suspect')").get)


def has_work(db: apsw.Connection, now: float) -> bool:
    """May a claim find something? Cheap, and takes no lock."""
    return bool(
        db.execute(
            "SELECT EXISTS (SELECT 1 FROM tenants WHERE waiting > 0)"
            " OR EXISTS (SELECT 1 FROM messages WHERE state = 'suspect')"
            " OR EXISTS (SELECT 1 FROM messages WHERE state = 'delayed'"
            "            AND (visible_at <= ? OR visible_at > ?))",
            (now, now + DELAY_SECONDS_MAX),
        ).get
    )


def held(db: apsw.Connection, session: int, *, besides: Container[int]) -> list[Claim]:
    """What a session holds and its worker does not know: the answer to a claim was lost."""
    rows = select(
        db,
        f"SELECT {_COLUMNS} FROM messages WHERE state = 'leased' AND lease = ?",
        (session,),
    )
    return [_claim_of(row) for row in rows if row[0] not in besides]


def acknowledge(db: apsw.Connection, session: int, claim: Claim) -> bool:
    """Take a message off the broker, if the session holds it."""
    db.execute("DELETE FROM messages WHERE id = ? AND lease = ?", (claim.id, session))
    if db.changes() == 0:
        return False
    done = work_of(claim.delivery.raw)
    db.execute(
        "UPDATE tenants SET in_flight = in_flight - 1, characters = max(0, characters - ?)"
        " WHERE tenant = ?",
        (done, claim.tenant),
    )
    db.execute("UPDATE backlog SET characters = max(0, characters - ?)", (done,))
    return True


def delay(db: apsw.Connection, session: int, claim: Claim, visible_at: float) -> bool:
    """Let a message wait until ``visible_at``, if the session holds it."""
    db.execute(
        "UPDATE messages SET state = 'delayed', lease = NULL, visible_at = ?"
        " WHERE id = ? AND lease = ?",
        (visible_at, claim.id, session),
    )
    if db.changes() == 0:
        return False
    _add_in_flight(db, claim.tenant, -1)
    return True


def end_session(db: apsw.Connection, session: int, now: float, *, died: bool) -> int:
    """Hand back all that a session holds; how many there were.

    A worker that died may have died of any of them, so each counts a death.
    """
    # Only who was alone with the worker's death is made to wait, longer each time.
    query = """
        UPDATE messages SET lease = NULL, deaths = deaths + ?1,
            state = CASE WHEN deaths + ?1 < ?2 THEN 'waiting'
                         WHEN deaths + ?1 <= ?3 THEN 'suspect'
                         ELSE 'delayed' END,
            visible_at = CASE WHEN deaths + ?1 > ?3
                              THEN ?4 + min(5.0, 0.25 * (deaths + ?1 - ?3)) END
        WHERE state = 'leased' AND lease = ?5
        RETURNING tenant, state, enqueued_at
    """
    bindings = (int(died), SUSPECT_DEATHS, ALONE_DEATHS, now, session)
    handed_back = select(db, query, bindings)
    for tenant, count in Counter(tenant for tenant, _, _ in handed_back).items():
        _add_in_flight(db, tenant, -count)
    _count_waiting(db, handed_back)
    db.execute("DELETE FROM sessions WHERE id = ?", (session,))
    return len(handed_back)


def _shares(db: apsw.Connection, slots: int) -> Counter[str]:
    heap = [
        (in_flight, served_at, tenant, waiting)
        for tenant, waiting, in_flight, served_at in db.execute(
            "SELECT tenant, waiting, in_flight, served_at FROM tenants WHERE waiting > 0"
            " ORDER BY in_flight, served_at LIMIT ?",
            (slots,),
        )
    ]
    shares: Counter[str] = Counter()
    while heap and slots > 0:
        in_flight, served_at, tenant, waiting = heap[0]
        shares[tenant] += 1
        slots -= 1
        if waiting > 1:
            heapq.heapreplace(heap, (in_flight + 1, served_at, tenant, waiting - 1))
        else:
            heapq.heappop(heap)
    return shares


def _claim_lane(
    db: apsw.Connection, session: int, tenant: str, lane: str, most: int, room: int
) -> list[Claim]:
    if most <= 0 or room <= 0:
        return []
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM messages"
        " WHERE state = 'waiting' AND tenant = ? AND kind = ? ORDER BY id LIMIT ?",
        (tenant, lane, most),
    )
    return _lease(db, session, _fitting(rows, room))


def _fitting(rows: Iterable[Row], room: int) -> Iterator[Row]:
    """As many as fit into ``room`` bytes, or one more."""
    for row in rows:
        yield row
        room -= row[-1]
        if room <= 0:
            return


def _lease(db: apsw.Connection, session: int, rows: Iterable[Row]) -> list[Claim]:
    claims = [_claim_of(row, now_delivered=1) for row in rows]
    db.executemany(
        "UPDATE messages SET state = 'leased', lease = ?, deliveries = deliveries + 1 WHERE id = ?",
        [(session, claim.id) for claim in claims],
    )
    return claims


def _claim_of(row: Row, *, now_delivered: int = 0) -> Claim:
    id_, tenant, raw, deliveries, deaths, weight = row
    delivery = Delivery(raw, deliveries + now_delivered, unanswered=deaths)
    return Claim(id_, tenant, delivery, weight)


def _add_in_flight(db: apsw.Connection, tenant: str, count: int) -> None:
    db.execute("UPDATE tenants SET in_flight = in_flight + ? WHERE tenant = ?", (count, tenant))


def _count_waiting(db: apsw.Connection, moved: Iterable[tuple[str, str, float]]) -> None:
    """Count those of (tenant, new state, enqueued_at) that wait now."""
    waiting = [(tenant, came_at) for tenant, state, came_at in moved if state == "waiting"]
    _add_waiting(db, Counter(tenant for tenant, _ in waiting), dict(waiting), {})


def _add_waiting(
    db: apsw.Connection, counts: Counter[str], came_at: dict[str, float], work: Mapping[str, int]
) -> None:
    """``work``: what is new of it, in characters; what only moves is counted already."""
    db.executemany(
        "INSERT INTO tenants (tenant, waiting, served_at, characters) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (tenant) DO UPDATE"
        " SET waiting = waiting + ?2, characters = characters + ?4",
        [(tenant, count, came_at[tenant], work.get(tenant, 0)) for tenant, count in counts.items()],
    )
