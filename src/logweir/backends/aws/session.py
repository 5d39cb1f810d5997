"""A worker's session over SQS's long polls; for the emulator, ECS and Kubernetes.

    polls ──▶ received ──claim──▶ held ──acknowledge──▶ gone
                                    ├──delay──▶ comes again later
                                    └──end──▶ comes again at once

Received and held messages are kept by extending their visibility at each heartbeat. A worker that
dies extends nothing more, and others get its messages ``lease_seconds`` later.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Sequence

from logweir.backends.aws.clients import Client
from logweir.backends.aws.names import Names
from logweir.backends.aws.polls import Polls
from logweir.backends.aws.queues import Queues
from logweir.backends.aws.visibility import VISIBILITY_SECONDS_MAX, Visibility, entry_batcher
from logweir.clock import Clock
from logweir.errors import LeaseLost, Refused
from logweir.limits import Limits
from logweir.pipeline.held import Held, HeldClaim


class SqsSession:
    """What one worker holds: what it has claimed, and what has come and is not claimed yet."""

    def __init__(
        self,
        client: Client,
        queues: Queues,
        names: Names,
        clock: Clock,
        limits: Limits,
        polled: tuple[str, ...],
    ) -> None:
        """``polled``: the names of its queues."""
        self._clock = clock
        self._lease_seconds = min(VISIBILITY_SECONDS_MAX, math.ceil(limits.lease_seconds))
        self._held = Held(polled)
        self._polls = Polls(client, queues, self._held, names.dead, self._lease_seconds)
        self._delete = {
            name: entry_batcher(client, queues, "delete_message_batch", name) for name in polled
        }
        self._visibility = Visibility(client, queues)
        self._extending = asyncio.Lock()
        self._returning: list[HeldClaim] = []  # what an end has still to hand back
        self._extended_at = clock.monotonic()

    async def claim(
        self,
        slots: int,
        bytes_max: int,
        in_flight: int,  # noqa: ARG002  # suspects are the local broker's matter
    ) -> Sequence[HeldClaim]:
        """Take up to ``slots`` of the messages that have come, from each queue in turn."""
        if failure := self._polls.failure:
            self._polls.failure = None
            raise failure
        claims = self._held.take(slots, bytes_max)
        if claims:
            self._polls.taken()
        return claims

    async def acknowledge(self, claim: HeldClaim) -> None:
        """Take a message off the broker. Raises LeaseLost."""
        self._held.check(claim)
        await self._settle(claim, self._delete[claim.queue]([{"ReceiptHandle": claim.ticket}]))

    async def delay(self, claim: HeldClaim, after_seconds: float) -> None:
        """Have a message delivered again later, at most twelve hours. Raises LeaseLost."""
        self._held.check(claim)
        await self._settle(claim, self._hide_after_extensions(claim, after_seconds))

    async def heartbeat(self) -> None:
        """Extend the visibility of all that is here. Raises LeaseLost once it has run out."""
        began = self._clock.monotonic()
        async with self._extending:
            left = await self._set_visibility(self._held.all(), self._lease_seconds)
        if not left:
            self._extended_at = began
        elif self._clock.monotonic() - self._extended_at > self._lease_seconds:
            raise LeaseLost("the visibility could not be extended in time")
        for _, outage in left:
            raise outage

    async def end(self) -> None:
        """Hand back what is still held; SQS counts it as a delivery all the same."""
        await self._polls.close()
        self._returning += self._held.all()
        # A heartbeat must not extend any more what is handed back: neither a new one, nor what is
        # under way of one, which may have been cancelled.
        self._held.forget()
        await self._visibility.close()
        left = await self._set_visibility(tuple(self._returning), 0)
        self._returning = [claim for claim, _ in left]
        for _, outage in left:
            raise outage

    def abandon(self) -> None:
        """Extend nothing more; what is held comes again when its visibility is over."""
        self._polls.abandon()
        self._returning.clear()
        self._held.forget()

    async def _hide(self, claim: HeldClaim, seconds: float) -> None:
        await self._visibility.hide(claim.queue, claim.ticket, seconds)

    async def _hide_after_extensions(self, claim: HeldClaim, seconds: float) -> None:
        async with self._extending:
            pass  # requests overtake each other: those of a heartbeat must have ended
        await self._hide(claim, seconds)

    async def _settle(self, claim: HeldClaim, settling: Awaitable[None]) -> None:
        self._held.release(claim)  # else a heartbeat meanwhile cuts a long delay down to a lease
        try:
            await settling
        except Refused as error:
            # SQS knows this receipt no more: somebody else has the message, or had it.
            raise LeaseLost(f"the message is not held any more: {error}") from error
        except BaseException:
            self._held.keep(claim)  # to be settled again, or handed back
            raise

    async def _set_visibility(
        self, claims: Sequence[HeldClaim], seconds: int
    ) -> list[tuple[HeldClaim, BaseException]]:
        """Those of which it is unknown, and why."""
        results = await asyncio.gather(
            *(self._hide(claim, seconds) for claim in claims), return_exceptions=True
        )
        left = []
        for claim, error in zip(claims, results, strict=True):
            if isinstance(error, Refused):
                # It was acknowledged meanwhile; or its time was over, and another has it.
                self._held.release(claim)
            elif error is not None:
                left.append((claim, error))
        return left
