"""Admission by work: a text is refused while too much of what was accepted is unfinished.

A worker's time is sold by the character (0.05 s each), and a public endpoint asks nobody who he is;
so what counts is work, in characters, and not requests or bytes. Only gateways ask here: chunks
and what is tried again always get through.

    known       what the ledger said, at the moment when it was last asked
  + confirmed   what this gateway has handed over since that moment
  + pending     what this gateway is just handing over
  = unfinished  refused while this has reached the bound

A gateway never overlooks what it has admitted itself. Of others it learns by the next reading, so
the bound is passed by one text at most, and by what other gateways admit in the meantime.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import structlog

from logweir.clock import Clock
from logweir.errors import LogweirError, Rejection
from logweir.ids import TenantId
from logweir.limits import Limits
from logweir.reasons import Reason

_log = structlog.get_logger()

_TENANTS_MAX: Final = 10_000  # remembered; one that is forgotten is read again
_READING_SECONDS_MAX: Final = 2.0
# A reading is made again no sooner than after so many times what it took: 2 % of the time at most.
_READINGS_APART: Final = 50
_PERIOD_SECONDS_MAX: Final = 30.0
_STALE_SECONDS: Final = 60.0  # a reading older than this refuses nobody


class WorkLedger(Protocol):
    """PORT: how much of what was accepted is unfinished, in characters of text.

    It changes nothing. None where the back end does not tell. Raises Unavailable.
    """

    @property
    def period_seconds(self) -> float:
        """How long a reading serves: where each costs money, longer."""
        ...

    @property
    def counts_short(self) -> bool:
        """Does it count texts of a single chunk? What it does not count, nobody asks it about."""
        ...

    async def total(self) -> int | None:
        """Of all tenants."""
        ...

    async def of(self, tenant: TenantId) -> int | None:
        """Of one."""
        ...


class Uncounted:
    """The WorkLedger of a back end that tells nothing."""

    period_seconds = math.inf
    counts_short = False

    async def total(self) -> int | None:
        """Unknown."""
        return None

    async def of(self, tenant: TenantId) -> int | None:  # noqa: ARG002
        """Unknown."""
        return None


@dataclass(slots=True, eq=False)
class _Account:
    """What a gateway knows of one tenant's unfinished work, or of all of it."""

    known: int | None = 0
    confirmed: int = 0
    pending: int = 0
    read_at: float = -math.inf
    due_at: float = -math.inf
    was_tried: bool = False
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def unfinished(self) -> int | None:
        """None where the ledger does not tell."""
        return None if self.known is None else self.known + self.confirmed + self.pending


@dataclass(frozen=True, slots=True)
class Admitted:
    """A text on its way into the broker, which counts until ``Admission.settle``."""

    characters: int
    accounts: tuple[_Account, ...]


class Admission:
    """The bounds on unfinished work, of one gateway."""

    def __init__(
        self, ledger: WorkLedger, clock: Clock, limits: Limits, chunk_characters: int | None
    ) -> None:
        """``chunk_characters``: of one chunk at most; None where nothing is cut."""
        self._ledger = ledger
        self._clock = clock
        self._max = limits.backlog_characters_max or math.inf
        self._tenant_max = limits.tenant_backlog_characters_max or math.inf
        self._uncounted = 0 if ledger.counts_short else chunk_characters or 0
        self._total = _Account()
        self._tenants: OrderedDict[TenantId, _Account] = OrderedDict()

    async def admit(self, tenant: TenantId, characters: int) -> Admitted:
        """Let a text through, which must be settled whatever becomes of it. Raises Rejection.

        Where the ledger does not answer, the last reading serves for a minute, and then everyone
        is let through: its outage is not the clients' fault.
        """
        if characters <= self._uncounted or self._max == self._tenant_max == math.inf:
            return Admitted(characters, ())
        account = self._account(tenant)
        await self._read(self._total, self._ledger.total)
        if tenant_may_be_full := self._tenant_may_be_full():
            await self._read(account, partial(self._ledger.of, tenant))
        # From here on nothing waits, so of many at once each sees those before it.
        _check(self._total, self._max, Reason.BACKLOG_FULL)
        if tenant_may_be_full:
            _check(account, self._tenant_max, Reason.TENANT_BACKLOG_FULL)
        self._total.pending += characters
        account.pending += characters
        return Admitted(characters, (self._total, account))

    def settle(self, admitted: Admitted) -> None:
        """It was handed over, or perhaps not: then too it counts until the next reading."""
        for account in admitted.accounts:
            account.pending -= admitted.characters
            account.confirmed += admitted.characters

    def _account(self, tenant: TenantId) -> _Account:
        account = self._tenants.get(tenant)
        if account is None:
            if len(self._tenants) >= _TENANTS_MAX:
                self._tenants.popitem(last=False)
            account = self._tenants[tenant] = _Account()
        else:
            self._tenants.move_to_end(tenant)
        return account

    def _tenant_may_be_full(self) -> bool:
        """No tenant has more than all have together: mostly that is all that need be asked."""
        total = self._total.unfinished
        return self._tenant_max < math.inf and (total is None or total >= self._tenant_max)

    async def _read(self, account: _Account, ask: Callable[[], Awaitable[int | None]]) -> None:
        """See to it that the account is as fresh as it must be."""
        if self._clock.monotonic() < account.due_at:
            return
        if account.was_tried and account.reading.locked():
            return  # another is just asking; until then what is known serves
        async with account.reading:
            if self._clock.monotonic() >= account.due_at:
                await self._read_now(account, ask)

    async def _read_now(self, account: _Account, ask: Callable[[], Awaitable[int | None]]) -> None:
        began_at, before = self._clock.monotonic(), account.confirmed
        period = self._ledger.period_seconds
        try:
            async with asyncio.timeout(_READING_SECONDS_MAX):
                account.known = await ask()
        except (LogweirError, TimeoutError) as error:
            _log.warning("backlog_unknown", error=str(error) or type(error).__name__)
            if began_at - account.read_at > _STALE_SECONDS:
                account.known = account.confirmed = 0
        else:
            account.read_at = began_at
            account.confirmed -= before  # the reading has these
            took = self._clock.monotonic() - began_at
            period = max(period, min(_READINGS_APART * took, _PERIOD_SECONDS_MAX))
        account.was_tried = True
        account.due_at = math.inf if account.known is None else began_at + period


def _check(account: _Account, most: float, reason: Reason) -> None:
    unfinished = account.unfinished
    if unfinished is not None and unfinished >= most:
        raise Rejection(
            reason,
            "Send it again later: workers must catch up first. The limit is in characters of text"
            " that is accepted and not worked on yet.",
            limit=most,
            actual=unfinished,
        )
