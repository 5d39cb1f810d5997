"""``dead ls`` and ``dead show``: dead letters, and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from logweir.clock import timestamp
from logweir.entrypoints.cli.access import Tenant, tenant_id, with_ports
from logweir.entrypoints.cli.flags import LOOK, takes_settings
from logweir.entrypoints.cli.get import print_text
from logweir.entrypoints.cli.letters import all_letters, find, name_of, resolved_as
from logweir.entrypoints.cli.output import (
    Columns,
    Json,
    as_json,
    one_line,
    print_fields,
    print_json,
)
from logweir.ids import LogId
from logweir.pipeline.records import TextKey
from logweir.pipeline.store import LetterSummary
from logweir.settings import Settings

if TYPE_CHECKING:
    from logweir.bootstrap import Ports

Letter = Annotated[
    str, typer.Argument(metavar="LOG_ID[.SHA16]", help="Which letter, as `dead ls` names it.")
]


@takes_settings(*LOOK)
def list_letters(
    settings: Settings,
    tenant: Annotated[
        str | None, typer.Argument(metavar="[TENANT]", help="Whose; else everyone's.")
    ] = None,
    json: Json = False,
) -> None:
    """List dead letters, with the reason and whether their text has meanwhile become a document."""
    whose = None if tenant is None else tenant_id(tenant)
    columns = Columns(
        *(
            "TENANT",
            "LETTER",
            "REASON",
            "RESOLVED AS",
            ">CHARACTERS",
            ">ATTEMPTS",
            "BURIED",
            "ERROR",
        )
    )

    async def show(ports: Ports) -> None:
        async for letter in all_letters(ports, whose):
            done = await resolved_as(ports.store, letter)
            if json:
                print_json(_summary(letter, done))
                continue
            columns.add(
                *(letter.key.tenant, name_of(letter.key), letter.reason.value, done or "-"),
                *(f"{letter.characters:,}", str(letter.attempts)),
                *(timestamp(letter.buried_at)[:19] + "Z", one_line(letter.error or "-")),
            )

    with_ports(settings, show)
    if not json:
        columns.end(if_empty="There are no dead letters.")


@takes_settings(*LOOK)
def show_letter(settings: Settings, tenant: Tenant, letter: Letter, json: Json = False) -> None:
    """Print one dead letter, with its text."""
    found, done = with_ports(settings, lambda ports: find(ports, tenant_id(tenant), letter))
    if json:
        print_json({**as_json(found), "resolved": done is not None, "resolved_as": done})
        return
    print_fields(
        {
            "tenant_id": found.tenant_id,
            "log_id": found.log_id,
            "source": found.source.value,
            "reason": found.reason.value,
            "error": found.error or "-",
            "attempts": str(found.attempts),
            "received_at": timestamp(found.received_at),
            "buried_at": timestamp(found.buried_at),
            "characters": f"{found.characters:,}",
            "sha256": found.sha256,
            "resolved_as": done or "-",
        }
    )
    print_text("text", found.text)


def key_json(key: TextKey) -> dict[str, object]:
    """Which letter it is."""
    ids = {"tenant_id": key.tenant, "log_id": key.log, "sha256": key.sha256}
    return {**ids, "letter": name_of(key)}


def _summary(letter: LetterSummary, done: LogId | None) -> dict[str, object]:
    fields = as_json(letter)
    del fields["key"]
    return {**key_json(letter.key), **fields, "resolved": done is not None, "resolved_as": done}
