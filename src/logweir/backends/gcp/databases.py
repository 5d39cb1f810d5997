"""Which database a tenant's records lie in, and as whom it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from logweir.backends.gcp.names import Names
from logweir.backends.gcp.subtree import Subtree, sum_of_all, tenant_ids
from logweir.ids import TenantId
from logweir.settings import Settings

if TYPE_CHECKING:
    from logweir.backends.gcp.client import Client


class Databases:
    """A client for each database and account, made at its first use: the library loads slowly."""

    def __init__(self, settings: Settings) -> None:
        self._project = Names.of(settings).project
        self._emulator = settings.firestore_emulator
        self._common = settings.gcp_database
        self._own = {
            each.tenant: (each.database, each.service_account)
            for each in settings.gcp_tenant_databases
        }
        self._clients: dict[tuple[str, str | None], Client] = {}

    def of(self, tenant: TenantId) -> Subtree:
        """What lies under the tenant, in the database that it has."""
        database, account = self._own.get(tenant, (self._common, None))
        return Subtree(lambda: self._client(database, account), tenant)

    async def tenants(self) -> Sequence[TenantId]:
        """Everyone who may have records, in the order of the ids."""
        common = await tenant_ids(lambda: self._client(self._common, None))
        return sorted({*common, *self._own})

    async def sum(self, collection: str, field: str) -> int:
        """Of a field of all documents in collections of that name, in the database of most."""
        return await sum_of_all(lambda: self._client(self._common, None), collection, field)

    async def close(self) -> None:
        """Close the connections."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.channel.close(grace=None)

    def _client(self, database: str, account: str | None) -> Client:
        if (database, account) not in self._clients:
            from logweir.backends.gcp.client import Client

            self._clients[database, account] = Client(
                self._project, database, account=account, emulator=self._emulator
            )
        return self._clients[database, account]
