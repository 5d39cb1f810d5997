"""What the commands that look share: the ports, and ids given as arguments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from logweir.errors import InvalidId
from logweir.ids import LogId, TenantId
from logweir.settings import Settings

if TYPE_CHECKING:
    from logweir.bootstrap import Ports

Result = TypeVar("Result")


def tenant_id(value: str) -> TenantId:
    """Raises InvalidId, and says of which argument."""
    try:
        return TenantId(value)
    except InvalidId as error:
        raise InvalidId(f"TENANT {error}") from None


def log_id(value: str) -> LogId:
    """Raises InvalidId, and says of which argument."""
    try:
        return LogId(value)
    except InvalidId as error:
        raise InvalidId(f"LOG_ID {error}") from None


Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="Whose log it is.")]
Log = Annotated[str, typer.Argument(metavar="LOG_ID", help="Which of the tenant's logs.")]


def with_ports(settings: Settings, use: Callable[[Ports], Awaitable[Result]]) -> Result:
    """Run ``use`` on the back end's ports. Raises Misconfigured where there is no data."""
    import logweir.entrypoints.logs  # noqa: F401  # before all that loads structlog: see there
    from logweir.bootstrap import open_ports

    async def main() -> Result:
        async with open_ports(settings, create=False) as ports:
            return await use(ports)

    return asyncio.run(main())
