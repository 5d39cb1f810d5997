"""``ls`` and ``status``: what is stored, and what is not done yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from logweir.clock import timestamp
from logweir.entrypoints.cli.access import tenant_id, with_ports
from logweir.entrypoints.cli.flags import LOOK, takes_settings
from logweir.entrypoints.cli.output import Columns, Json, duration, one_line, print_json, print_line
from logweir.ids import TenantId
from logweir.pipeline.broker import Backlog
from logweir.settings import Settings

if TYPE_CHECKING:
    from logweir.bootstrap import Ports


@takes_settings(*LOOK)
def ls(
    settings: Settings,
    tenant: Annotated[
        str | None, typer.Argument(metavar="[TENANT]", help="Whose logs; else all tenants.")
    ] = None,
    json: Json = False,
) -> None:
    """List the tenants, or one tenant's documents; with --json whole documents, one a line."""
    whose = None if tenant is None else tenant_id(tenant)
    if whose is None:
        with_ports(settings, lambda ports: _list_tenants(ports, json))
    else:
        with_ports(settings, lambda ports: _list_documents(ports, whose, json))


@takes_settings(*LOOK)
def status(settings: Settings, json: Json = False) -> None:
    """Show what waits and what is in flight, by tenant, and the age of the oldest.

    A cloud's queue tells it by lane; what it does not tell is a dash, and null with --json.
    """

    async def read(ports: Ports) -> tuple[list[Backlog], int | None]:
        return list(await ports.backlog.backlog()), await ports.backlog.quarantined()

    backlog, quarantined = with_ports(settings, read)
    ages = [each.oldest_seconds for each in backlog if each.oldest_seconds is not None]
    total = Backlog(
        waiting=_sum(each.waiting for each in backlog),
        in_flight=_sum(each.in_flight for each in backlog),
        oldest_seconds=max(ages, default=None),
    )
    if json:
        tenants = [{"tenant_id": b.tenant, **_counts(b)} for b in backlog if b.tenant]
        lanes = [{"lane": b.lane, **_counts(b)} for b in backlog if b.lane]
        parts = {"tenants": tenants, **({"lanes": lanes} if lanes else {})}
        print_json({**_counts(total), "quarantined": quarantined, **parts})
        return
    columns = Columns("LANE" if backlog and backlog[0].lane else "TENANT", *_COUNT_TITLES)
    for each in backlog:
        columns.add(each.tenant or each.lane or "", *_count_cells(each))
    columns.add("total", *_count_cells(total))
    columns.end()
    print_line(f"\nMessages; a chunk of a long log is one. Quarantined: {_number(quarantined)}.")


_COUNT_TITLES: Final = (">WAITING", ">IN FLIGHT", ">OLDEST")


def _count_cells(b: Backlog) -> tuple[str, str, str]:
    return _number(b.waiting), _number(b.in_flight), _age(b.oldest_seconds)


def _counts(b: Backlog) -> dict[str, object]:
    return {"waiting": b.waiting, "in_flight": b.in_flight, "oldest_seconds": b.oldest_seconds}


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = list(numbers)
    return None if None in known else sum(number or 0 for number in known)


def _number(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


async def _list_tenants(ports: Ports, json: bool) -> None:
    columns = Columns("TENANT", ">DOCUMENTS", ">DEAD LETTERS", ">UNFINISHED PLANS")
    async for tenant in ports.reader.tenants():
        if json:
            print_json(tenant)
            continue
        numbers = (tenant.documents, tenant.dead_letters, tenant.plans)
        columns.add(tenant.tenant_id, *(f"{number:,}" for number in numbers))
    if not json:
        columns.end(if_empty="No tenant has sent anything that is done yet.")


async def _list_documents(ports: Ports, tenant: TenantId, json: bool) -> None:
    columns = Columns("LOG", "PROCESSED", "SOURCE", ">CHARACTERS", ">REDACTED", "MODIFIED DATA")
    async for document in ports.reader.documents(tenant):
        if json:
            print_json(document)
            continue
        columns.add(
            document.log_id,
            timestamp(document.processed_at)[:19] + "Z",
            document.source.value,
            f"{document.characters:,}",
            f"{sum(document.redactions.values()):,}",
            one_line(document.modified_data),
        )
    if not json:
        columns.end(if_empty=f"{tenant} has no documents.")


def _age(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)
