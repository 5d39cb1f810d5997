"""Planted bugs of answering, acknowledging, burying. What each does is its docstring."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tests.simulation.mutants import Patch, do_later, mutant

from logweir.backends.memory import MemoryBroker
from logweir.entrypoints.ingest import Ingest
from logweir.envelope import Envelope
from logweir.errors import BrokerUnavailable, Unavailable
from logweir.pipeline import consume
from logweir.pipeline.consume import Ack, Consumer
from logweir.pipeline.plan import Planner
from logweir.reasons import Burial
from logweir.redact import Redacted, Redactor

# ---- the gateway


@mutant
def answers_before_publish() -> Sequence[Patch]:
    """202 first, and the broker later."""
    hand_over = Ingest._hand_over

    async def mutated(self: Ingest, *arguments: Any) -> None:
        do_later(hand_over(self, *arguments))

    return [(Ingest, "_hand_over", mutated)]


@mutant
def takes_an_outage_for_success() -> Sequence[Patch]:
    """202 where the broker has not confirmed."""
    hand_over = Planner.hand_over

    async def mutated(self: Planner, envelope: Envelope) -> None:
        with suppress(BrokerUnavailable):
            await hand_over(self, envelope)

    return [(Planner, "hand_over", mutated)]


@mutant
def publishes_before_the_plan() -> Sequence[Patch]:
    """The envelope that names a plan goes out before the plan is stored."""

    async def mutated(self: Planner, envelope: Envelope) -> None:
        if self._fits_message(envelope):
            return await self._publisher.publish([envelope])
        await self._publisher.publish([replace(envelope, text=None)])
        await self.plan(envelope)
        return None

    return [(Planner, "hand_over", mutated)]


# ---- verdicts


@mutant
def acknowledges_before_the_store() -> Sequence[Patch]:
    """ACK first, and the document later."""
    finish = Consumer._finish

    async def mutated(self: Consumer, *arguments: Any) -> Ack:
        do_later(finish(self, *arguments))
        return Ack()

    return [(Consumer, "_finish", mutated)]


@mutant
def retry_acknowledges() -> Sequence[Patch]:
    """What cannot be tried now is taken off the broker."""

    async def mutated(self: Consumer, delivery: Any) -> Any:
        try:
            return await self._read(delivery)
        except Unavailable:
            return Ack()

    return [(Consumer, "consume", mutated)]


@mutant
def outage_counts_as_attempt() -> Sequence[Patch]:
    """An outage of the store is the log's own fault."""
    return [(consume, "_NOT_ITS_FAULT", (BrokerUnavailable,))]


@mutant
def acknowledges_before_the_next_attempt() -> Sequence[Patch]:
    """ACK first, and the next attempt is published later."""
    try_again = Consumer._try_again

    async def mutated(self: Consumer, *arguments: Any) -> Ack:
        do_later(try_again(self, *arguments))
        return Ack()

    return [(Consumer, "_try_again", mutated)]


@mutant
def attempts_not_counted() -> Sequence[Patch]:
    """What raises is tried for ever."""
    return [(Envelope, "next_attempt", lambda self: self)]


@mutant
def deaths_not_counted() -> Sequence[Patch]:
    """What kills its workers is worked on for ever."""
    bring_on = Consumer._bring_on

    async def mutated(self: Consumer, envelope: Any, delivery: Any, _: int) -> Any:
        return await bring_on(self, envelope, delivery, 0)

    return [(Consumer, "_bring_on", mutated)]


@mutant
def buries_at_the_first_death() -> Sequence[Patch]:
    """A log is a dead letter although only its worker was killed."""
    bring_on = Consumer._bring_on

    async def mutated(self: Consumer, envelope: Any, delivery: Any, deaths: int) -> Any:
        return await bring_on(self, envelope, delivery, 99 if deaths else 0)

    return [(Consumer, "_bring_on", mutated)]


@mutant
def conflict_dropped() -> Sequence[Patch]:
    """The second text under an id is acknowledged, and not kept."""
    bury_text = Consumer._bury_text

    async def mutated(self: Consumer, envelope: Any, text: str, reason: Burial, *rest: Any) -> Any:
        if reason is Burial.CONFLICT:
            return Ack()
        return await bury_text(self, envelope, text, reason, *rest)

    return [(Consumer, "_bury_text", mutated)]


@mutant
def buries_the_chunk_alone() -> Sequence[Patch]:
    """The dead letter of a long text has only the chunk that failed."""

    async def mutated(self: Consumer, envelope: Any, _: Any, reason: Any, error: Any = None) -> Any:
        return await self._bury_text(envelope, envelope.text or "", reason, error)

    return [(Consumer, "_bury", mutated)]


@mutant
def quarantine_not_kept() -> Sequence[Patch]:
    """What cannot be read is thrown away."""

    async def mutated(self: MemoryBroker, *_: Any) -> None:
        pass

    return [(MemoryBroker, "quarantine", mutated)]


@mutant
def not_redacted() -> Sequence[Patch]:
    """The document holds the text as it came."""
    redact = Redactor.redact

    def mutated(self: Redactor, text: str) -> Redacted:
        return redact(self, text)._replace(text=text)

    return [(Redactor, "redact", mutated)]
