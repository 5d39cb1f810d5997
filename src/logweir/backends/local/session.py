"""A session: one run of one worker, which holds its messages by one lease.

    begin ──▶ held ──heartbeat──▶ held … ──end──▶ (nothing held)
                │
                └── no heartbeat for lease_seconds, or its process died ──▶ lost: all handed back

The session's id is the fencing token: whoever has lost its lease finds its row gone, or run out,
and can neither acknowledge nor delay nor extend. A lock on a file tells a dead worker from a slow
one: the kernel lets go of it when the process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import apsw

from logweir.backends.local import leases
from logweir.backends.local.commit import GroupCommit
from logweir.backends.local.leases import Claim
from logweir.clock import Clock
from logweir.errors import BrokerUnavailable, LeaseLost
from logweir.limits import Limits

Result = TypeVar("Result")

_EMPTY_HANDS_SECONDS_MAX: Final = 120.0  # how long suspects wait for a worker to have nothing else


class Session:
    """What a worker holds. Only ``begin`` makes one."""

    def __init__(
        self,
        commit: GroupCommit[Any, Any],
        clock: Clock,
        limits: Limits,
        reap: Callable[[], Awaitable[int]],
        id_: int,
        lock: int,
        lock_path: Path,
    ) -> None:
        self._commit = commit
        self._clock = clock
        self._limits = limits
        self._reap = reap
        self._id = id_
        self._lock: int | None = lock
        self._lock_path = lock_path
        self._turn = 0
        self._known: set[int] = set()  # ids of the messages that the worker knows it holds
        self._unsure = False  # whether a claim that failed has happened all the same
        self._suspects = _SuspectTurns()

    @classmethod
    async def begin(
        cls,
        commit: GroupCommit[Any, Any],
        clock: Clock,
        limits: Limits,
        reap: Callable[[], Awaitable[int]],
        lock_path_of: Callable[[int], Path],
    ) -> Session:
        """A new session with its lease."""
        expires_at = clock.monotonic() + limits.lease_seconds
        locks: list[int] = []

        def start(db: apsw.Connection) -> tuple[int, int, Path]:
            id_ = leases.start_session(db, os.getpid(), expires_at)
            # Locked before the row can be seen: a session without its lock counts as dead.
            path = lock_path_of(id_)
            locks.append(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            fcntl.flock(locks[-1], fcntl.LOCK_EX)
            return id_, locks[-1], path

        try:
            return cls(commit, clock, limits, reap, *await commit.run(start))
        except BaseException:
            # The id is given again if this was rolled back, and who gets it waits for the lock.
            for lock in locks:
                os.close(lock)
            raise

    async def claim(self, slots: int, bytes_max: int, in_flight: int) -> Sequence[Claim]:
        """Take up to ``slots`` messages. Raises LeaseLost.

        ``in_flight`` is how many this worker has now: suspects are for empty hands, or for hands
        that did not become empty in two minutes.
        """
        if slots <= 0 or bytes_max <= 0:
            return []
        if not (
            self._unsure
            or await self._commit.read(lambda db: leases.has_work(db, self._clock.monotonic()))
        ):
            return []
        self._turn += 1
        wall = self._clock.now().timestamp()

        def take(db: apsw.Connection, now: float) -> Sequence[Claim]:
            if self._unsure and (unknown := leases.held(db, self._id, besides=self._known)):
                return unknown
            leases.promote_delayed(db, now)
            match self._suspects.whose_turn(leases.has_suspects(db), in_flight, now):
                case "none":
                    return []
                case "suspects":
                    return leases.claim_suspects(
                        db, self._id, slots, bytes_max, doublings=self._suspects.ended_well
                    )
                case _:
                    return leases.claim_fairly(
                        db, self._id, slots, bytes_max, wall=wall, turn=self._turn
                    )

        try:
            claims: Sequence[Claim] = await self._holding(take)
        except BrokerUnavailable:
            self._unsure = True
            raise
        self._unsure = False
        self._known.update(claim.id for claim in claims)
        return claims

    async def acknowledge(self, claim: Claim) -> None:
        """Take a message off the broker. Raises LeaseLost."""
        await self._settle(claim, lambda db, _: leases.acknowledge(db, self._id, claim))

    async def delay(self, claim: Claim, after_seconds: float) -> None:
        """Have a message delivered again later. Raises LeaseLost."""
        after = min(after_seconds, leases.DELAY_SECONDS_MAX)
        await self._settle(claim, lambda db, now: leases.delay(db, self._id, claim, now + after))

    async def heartbeat(self) -> None:
        """Extend the lease, and hand back what others held too long. Raises LeaseLost."""
        await self._holding(
            lambda db, now: leases.extend(db, self._id, now + self._limits.lease_seconds)
        )
        await self._reap()

    async def end(self) -> None:
        """Hand back what is still held, as if it had never been handed out."""
        try:
            await self._commit.run(
                lambda db: leases.end_session(db, self._id, self._clock.monotonic(), died=False)
            )
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of the lock of a session whose lease is lost; again, and nothing happens."""
        if self._lock is not None:
            self._lock_path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    async def _settle(
        self, claim: Claim, operation: Callable[[apsw.Connection, float], bool]
    ) -> None:
        held = await self._holding(operation)
        self._known.discard(claim.id)
        if not held:
            raise LeaseLost("the message is not held any more")

    async def _holding(self, operation: Callable[[apsw.Connection, float], Result]) -> Result:
        """Run an operation in a transaction that has seen the lease held."""

        def run(db: apsw.Connection) -> Result | LeaseLost:
            now = self._clock.monotonic()
            if not leases.holds_lease(db, self._id, now):
                return LeaseLost(f"the lease of session {self._id} has run out")
            return operation(db, now)

        result: Result = await self._commit.run(run)
        return result


class _SuspectTurns:
    """Whether suspects are handed out now, and in what company; ``docs/adr`` says why so.

    A message that has seen three workers die may be killing them. Suspects are worked on apart
    from the others, in a company that halves with each death, so that a poisonous one is alone
    after some more and the innocent are done. Where kills come from outside, every company that
    ends well doubles the next. Others get every second turn, and the first.
    """

    def __init__(self) -> None:
        self._at_work = False
        # Began a session with suspects, poison that ends each session would starve the others.
        self._others_next = True
        self.ended_well = 0
        self._emptying_since: float | None = None

    def whose_turn(
        self, suspects_wait: bool, in_flight: int, now: float
    ) -> Literal["others", "suspects", "none"]:
        """``others``, ``suspects``, or ``none`` until the worker's hands are empty."""
        if self._at_work:
            if in_flight:
                return "none"
            self._at_work = False
            self.ended_well += 1
            self._others_next = True
        if not suspects_wait or self._others_next:
            self._others_next = False
            self._emptying_since = None
            return "others"
        if self._emptying_since is None:
            self._emptying_since = now
        if in_flight and now - self._emptying_since < _EMPTY_HANDS_SECONDS_MAX:
            return "none"
        self._emptying_since = None
        self._at_work = True
        return "suspects"
