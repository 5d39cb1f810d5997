"""What the ``dead`` commands do with a letter: find it by name, see if it is resolved, replay it.

A letter is keyed (tenant, log, sha256), since two texts may be buried under one id. Its name is
``LOG_ID.SHA16``, as in its place ``dead_letters/{log_id}.{sha256[:16]}``; where there is but one,
``LOG_ID`` alone does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from logweir.entrypoints.exits import NotFound, Usage
from logweir.envelope import Envelope
from logweir.ids import LogId, TenantId
from logweir.pipeline.plan import Planner
from logweir.pipeline.records import DeadLetter, TextKey
from logweir.pipeline.store import Found, LetterSummary, Store
from logweir.reasons import Burial

if TYPE_CHECKING:
    from logweir.bootstrap import Ports

_SHA_CHARACTERS = 16
_LOG_CHARACTERS_MAX = 128 - 1 - _SHA_CHARACTERS


class Outcome(StrEnum):
    """What became of a replay."""

    REPLAYED = "replayed"
    RESOLVED = "resolved"  # its text is a document: nothing was published
    ID_TAKEN = "id_taken"  # another text is the document of the id it was to have


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One letter's replay: under which id, or as which its text is a document already."""

    key: TextKey
    outcome: Outcome
    replayed_as: LogId


def name_of(key: TextKey) -> str:
    """What the letter is called."""
    return f"{key.log}.{key.sha256[:_SHA_CHARACTERS]}"


def conflict_id(key: TextKey) -> LogId:
    """The new id of a conflict: the same each time, so that replaying twice changes nothing."""
    return LogId(f"{key.log[:_LOG_CHARACTERS_MAX]}.{key.sha256[:_SHA_CHARACTERS]}")


async def named(ports: Ports, tenant: TenantId, name: str) -> LetterSummary:
    """The letter of that name. Raises NotFound, and Usage where there are several."""
    found = [letter async for letter in ports.reader.letters(tenant) if _is_named(letter, name)]
    if len(found) > 1:
        choices = ", ".join(name_of(letter.key) for letter in found)
        raise Usage(f"{tenant} has {len(found)} dead letters of that name: say which of {choices}")
    if not found:
        raise NotFound(f"{tenant} has no dead letter {name}")
    return found[0]


async def find(ports: Ports, tenant: TenantId, name: str) -> tuple[DeadLetter, LogId | None]:
    """The same with its text, and what it is resolved as."""
    summary = await named(ports, tenant, name)
    letter = await ports.reader.letter(summary.key)
    if letter is None:
        raise NotFound(f"{tenant} has no dead letter {name}: it has just been purged")
    return letter, await resolved_as(ports.store, summary)


async def resolved_as(store: Store, letter: LetterSummary) -> LogId | None:
    """The id under which the letter's text is a document: its own, or the one of its replay."""
    if letter.resolved:
        return letter.key.log
    if letter.reason is not Burial.CONFLICT:
        return None
    replayed = dataclasses.replace(letter.key, log=conflict_id(letter.key))
    return replayed.log if await store.find(replayed) is Found.SAME else None


async def all_letters(ports: Ports, tenant: TenantId | None) -> AsyncIterator[LetterSummary]:
    """A tenant's letters, or everyone's."""
    if tenant is not None:
        async for letter in ports.reader.letters(tenant):
            yield letter
        return
    async for summary in ports.reader.tenants():
        if summary.dead_letters:
            async for letter in ports.reader.letters(summary.tenant_id):
                yield letter


async def replay(
    ports: Ports, planner: Planner, letter: LetterSummary, new_id: LogId | None
) -> Replay:
    """Publish the letter's text again, unless it is a document; the letter stays.

    A conflict gets an id of its own, and so does a letter whose id another text has taken since.
    """
    key = letter.key
    taken = await ports.store.find(key) is Found.OTHER or letter.reason is Burial.CONFLICT
    log = new_id or (conflict_id(key) if taken else key.log)
    outcome = Outcome.REPLAYED
    if done := await resolved_as(ports.store, letter):
        log, outcome = done, Outcome.RESOLVED
    else:
        match await ports.store.find(dataclasses.replace(key, log=log)):
            case Found.SAME:
                outcome = Outcome.RESOLVED
            case Found.OTHER:
                outcome = Outcome.ID_TAKEN
            case Found.ABSENT:
                await _publish(ports, planner, key, log)
    return Replay(key=key, outcome=outcome, replayed_as=log)


async def _publish(ports: Ports, planner: Planner, key: TextKey, log: LogId) -> None:
    letter = await ports.reader.letter(key)
    if letter is None:  # purged since it was listed
        return
    await planner.hand_over(
        Envelope(
            tenant=key.tenant,
            log=log,
            source=letter.source,
            received_at=letter.received_at,
            sha256=letter.sha256,
            characters=letter.characters,
            text=letter.text,
        )
    )


def _is_named(letter: LetterSummary, name: str) -> bool:
    log, _, sha256 = name.rpartition(".")
    by_sha256 = len(sha256) >= _SHA_CHARACTERS and letter.key.sha256.startswith(sha256)
    return letter.key.log == name or (letter.key.log == log and by_sha256)
