"""What lies under one tenant, and the walls around it.

Only this module makes partition keys, and each of a TenantId: none can leave its tenant's part.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Final

from logweir.backends.aws import keys
from logweir.backends.aws.table import Key, Table
from logweir.errors import InvalidId
from logweir.ids import TenantId
from logweir.pipeline.fields import Fields
from logweir.pipeline.records import TextKey

_KNOWN_MAX: Final = 10_000  # tenants whose registration a process remembers


class Partition:
    """Everything under ``TENANT#{tenant}``, by sort keys. Raises StoreUnavailable."""

    def __init__(self, table: Table, tenant: TenantId, register: Register) -> None:
        self._table = table
        self._tenant = tenant
        self._register = register
        self.work = Work(table, tenant)

    async def read(self, sort: str, names: Sequence[str] | None = None) -> Fields | None:
        """An item, or these fields of it; None where there is none."""
        return await self._table.get(self._key(sort), names)

    async def read_many(
        self, sorts: Iterable[str], names: Sequence[str] | None = None, *, consistent: bool = True
    ) -> dict[str, Fields]:
        """Those of the items that are there, by their sort keys."""
        found = await self._table.get_many(map(self._key, sorts), names, consistent=consistent)
        return {key.sk: item for key, item in found.items()}

    async def create(self, sort: str, fields: Fields) -> None:
        """Write an item where there is none. Raises Exists; a lost answer can make it do so."""
        # Before it: a tenant may be listed without records, but never have some unlisted.
        await self._register.enter(self._tenant)
        await self._table.create(self._key(sort), fields)

    async def update(self, sort: str, fields: Fields) -> None:
        """Set some fields of an item. Raises Unmet where there is none."""
        await self._table.update(self._key(sort), fields)

    async def add(
        self, sort: str, name: str, value: int | frozenset[int], *, marks: Fields
    ) -> Fields:
        """Add to a number or to a set of numbers, and set ``marks``: the item as it is then."""
        return await self._table.add(self._key(sort), name, value, marks=marks)

    async def delete(self, sort: str, *, nonce: str | None = None) -> None:
        """Delete an item, there or not. Raises Unmet where it is there and of another nonce."""
        await self._table.delete(self._key(sort), nonce=nonce)

    async def write_many(self, items: Mapping[str, Fields]) -> None:
        """Write items, over those that are there: not in one step, and in no order."""
        await self._table.put_many({self._key(sort): fields for sort, fields in items.items()})

    async def delete_many(self, sorts: Iterable[str]) -> None:
        """Delete items, there or not: not in one step, and in no order."""
        await self._table.delete_many(map(self._key, sorts))

    async def pages(
        self, prefix: str, names: Sequence[str] | None = None
    ) -> AsyncIterator[list[Fields]]:
        """The items whose sort keys begin so, in their order."""
        async for page in self._table.pages(keys.partition(self._tenant), prefix, names):
            yield page

    async def count(self, prefix: str) -> int:
        """How many items' sort keys begin so."""
        return await self._table.count(keys.partition(self._tenant), prefix)

    def _key(self, sort: str) -> Key:
        return Key(keys.partition(self._tenant), sort)


class Work:
    """Everything under ``WORK#{tenant}``: how much work each planned text is."""

    def __init__(self, table: Table, tenant: TenantId) -> None:
        self._table = table
        self._pk = keys.work_partition(tenant)

    async def note(self, key: TextKey, characters: int, *, marks: Fields) -> None:
        """Note it; again, and nothing changes."""
        await self._table.put(Key(self._pk, keys.work(key)), {"characters": characters, **marks})

    async def forget(self, key: TextKey) -> None:
        """Forget it, there or not."""
        await self._table.delete(Key(self._pk, keys.work(key)))

    async def characters(self) -> int:
        """All of it."""
        total = 0
        async for page in self._table.pages(self._pk, None, ["characters"], consistent=False):
            total += sum(item["characters"] for item in page)
        return total


class Register:
    """Who has, or had, records: so that nothing need scan the table for its tenants."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[TenantId, None] = {}

    async def enter(self, tenant: TenantId) -> None:
        """See to it that the tenant is registered; once for a process and tenant."""
        if tenant in self._known:
            return
        key = Key(keys.TENANTS, tenant)
        # Nothing of it is ever removed, so an old answer will do; and a read costs less.
        if await self._table.get(key, ["sk"], consistent=False) is None:
            await self._table.put(key, {})
        if len(self._known) >= _KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._known[tenant] = None

    async def tenants(self) -> AsyncIterator[TenantId]:
        """All of them, in the order of the ids."""
        async for page in self._table.pages(keys.TENANTS, None, ["sk"]):
            for item in page:
                if (tenant := _tenant_id(item["sk"])) is not None:
                    yield tenant


class Partitions:
    """The partitions of all tenants of a table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._register = Register(table)

    def of(self, tenant: TenantId) -> Partition:
        """What lies under the tenant."""
        return Partition(self._table, tenant, self._register)

    def work(self, tenant: TenantId) -> Work:
        """What its planned texts are in work."""
        return Work(self._table, tenant)

    def tenants(self) -> AsyncIterator[TenantId]:
        """Everyone who may have records, in the order of the ids."""
        return self._register.tenants()


def _tenant_id(name: str) -> TenantId | None:
    try:
        return TenantId(name)
    except InvalidId:
        return None  # not one of ours
