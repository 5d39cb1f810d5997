"""``dead replay`` and ``dead purge``: what can be done with a dead letter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import typer

from logweir.entrypoints.cli.access import Tenant, log_id, tenant_id, with_ports
from logweir.entrypoints.cli.dead import Letter, key_json
from logweir.entrypoints.cli.flags import CUT, LOOK, takes_settings
from logweir.entrypoints.cli.letters import Outcome, Replay, find, name_of, named, replay
from logweir.entrypoints.cli.output import Json, count, print_json, print_line
from logweir.entrypoints.exits import Code, NotFound, Usage
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter
from logweir.settings import Settings

if TYPE_CHECKING:
    from logweir.bootstrap import Ports


@takes_settings(*LOOK, *CUT)
def replay_letters(
    settings: Settings,
    tenant: Tenant,
    letter: Annotated[
        str | None,
        typer.Argument(metavar="[LOG_ID[.SHA16]]", help="Which letter; or --all of the tenant's."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are not resolved.")] = False,
    new_id: Annotated[
        str | None, typer.Option("--as", metavar="LOG_ID", help="Replay it under this id.")
    ] = None,
    json: Json = False,
) -> None:
    """Publish dead letters again. They stay, and are resolved once their text is a document.

    A conflict is replayed under a new id: LOG_ID.SHA16, unless --as says another. What is a
    document already is not published again.
    """
    if (letter is None) is not every:
        raise Usage("name one letter, or say --all")
    if new_id is not None and every:
        raise Usage("--as is for one letter")
    whose, log = tenant_id(tenant), None if new_id is None else log_id(new_id)

    async def act(ports: Ports) -> list[Outcome]:
        outcomes = []
        async for done in _replays(settings, ports, whose, letter, log):
            print_json(_as_json(done)) if json else print_line(_describe(done))
            outcomes.append(done.outcome)
        return outcomes

    outcomes = with_ports(settings, act)
    if every and not json:
        print_line(f"{count(outcomes.count(Outcome.REPLAYED), 'letter')} replayed")
    if Outcome.ID_TAKEN in outcomes:
        raise typer.Exit(Code.NEGATIVE)


@takes_settings(*LOOK)
def purge_letter(
    settings: Settings,
    tenant: Tenant,
    letter: Letter,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Delete one dead letter for good. Nothing else ever deletes one."""
    whose = tenant_id(tenant)
    found, done = with_ports(settings, lambda ports: find(ports, whose, letter))
    if not yes:
        typer.confirm(_question(found, done), abort=True, err=True)
    if not with_ports(settings, lambda ports: ports.reader.purge(found.key)):
        raise NotFound(f"{whose} has no dead letter {letter}: it has just been purged by another")
    if json:
        print_json({**key_json(found.key), "purged": True})
    else:
        print_line(f"purged {found.tenant_id}/{name_of(found.key)}")


async def _replays(
    settings: Settings, ports: Ports, tenant: TenantId, name: str | None, new_id: LogId | None
) -> AsyncIterator[Replay]:
    from logweir.bootstrap import planner

    cutter = planner(settings, ports.store, ports.publisher)
    if name is not None:
        yield await replay(ports, cutter, await named(ports, tenant, name), new_id)
        return
    async for letter in ports.reader.letters(tenant):
        yield await replay(ports, cutter, letter, None)


def _as_json(done: Replay) -> dict[str, object]:
    return {**key_json(done.key), "outcome": done.outcome, "replayed_as": done.replayed_as}


def _describe(done: Replay) -> str:
    letter = f"{done.key.tenant}/{name_of(done.key)}"
    document = f"{done.key.tenant}/{done.replayed_as}"
    match done.outcome:
        case Outcome.REPLAYED:
            return f"{letter} replayed as {document}"
        case Outcome.RESOLVED:
            return f"{letter} is resolved: its text is the document {document}; not replayed again"
        case Outcome.ID_TAKEN:
            return f"{letter} not replayed: {document} is another text. Choose an id with --as."


def _question(letter: DeadLetter, done: LogId | None) -> str:
    name = f"{letter.tenant_id}/{name_of(letter.key)}"
    if done:
        return f"Purge {name}? Its text stays in the document {letter.tenant_id}/{done}."
    return (
        f"Purge {name}? Its text of {count(letter.characters, 'character')} is in no document:"
        " this is its last copy, and it is lost for good."
    )
