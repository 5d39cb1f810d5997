"""What lies under one tenant: the calls of Firestore that we use, and the walls around them.

No other module makes a request, so none can leave its tenant's part of the tree.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, cast

from logweir.backends.gcp import paths
from logweir.backends.gcp.calls import Missing, patiently
from logweir.errors import InvalidId, StoreUnavailable
from logweir.ids import TenantId
from logweir.pipeline.fields import Fields

if TYPE_CHECKING:
    from google.cloud.firestore import (
        AsyncCollectionReference,
        AsyncDocumentReference,
        AsyncQuery,
        DocumentSnapshot,
    )
    from google.cloud.firestore_v1.async_aggregation import AsyncAggregationQuery

    from logweir.backends.gcp.client import Client

    Snapshot = DocumentSnapshot[AsyncDocumentReference]

T = TypeVar("T")

_SECONDS: Final = 15.0  # no try begins later
_TRY_SECONDS: Final = 10.0
_QUERY_SECONDS: Final = 30.0  # a try that may bring some dozens of MiB
_DELETES_MAX: Final = 500  # in one commit
_ID: Final = "__name__"


class Subtree:
    """Everything under ``tenants/{tenant}``; all paths are below it. Raises StoreUnavailable."""

    def __init__(self, client: Callable[[], Client], tenant: TenantId) -> None:
        self._client = client
        self._tenant = tenant

    async def read(self, path: str, fields: Sequence[str] | None = None) -> Fields | None:
        """A document, or these fields of it; None where there is none."""
        return (await self.read_all([path], fields)).get(path)

    async def read_all(
        self, paths: Sequence[str], fields: Sequence[str] | None = None
    ) -> dict[str, Fields]:
        """Those of the documents that are there, as of one moment."""

        async def read(client: Client) -> dict[str, Fields]:
            at = {self._document(client, path).path: path for path in paths}
            snapshots = client.get_all(
                [self._document(client, path) for path in paths],
                field_paths=fields,
                retry=None,
                timeout=_TRY_SECONDS,
            )
            return {at[s.reference.path]: s.to_dict() or {} async for s in snapshots if s.exists}

        return await self._call(read)

    async def create(self, path: str, fields: Fields) -> None:
        """Write a document where there is none. Raises Exists; a lost answer can make it do so."""
        await self._call(
            lambda client: self._document(client, path).create(
                dict(fields), retry=None, timeout=_TRY_SECONDS
            )
        )

    async def write(self, path: str, fields: Fields) -> None:
        """Write a document, over the one that is there, if any."""
        await self._call(
            lambda client: self._document(client, path).set(
                dict(fields), retry=None, timeout=_TRY_SECONDS
            )
        )

    async def update(self, path: str, fields: Fields) -> None:
        """Change some fields of a document. Raises Missing."""
        await patiently(
            lambda: self._document(self._client(), path).update(
                dict(fields), retry=None, timeout=_TRY_SECONDS
            ),
            StoreUnavailable,
            seconds=_SECONDS,
        )

    async def add(self, path: str, field: str, number: int, *, marks: Fields) -> int:
        """Add to a field of a document, which is made if need be, and set ``marks``: the sum.

        Where an answer is lost it may be added twice.
        """

        async def add(client: Client) -> int:
            from google.cloud.firestore import Increment

            written = await self._document(client, path).set(
                {field: Increment(number), **marks},
                merge=True,
                retry=None,
                timeout=_TRY_SECONDS,
            )
            return int(written.transform_results[0].integer_value)

        return await self._call(add)

    async def delete(self, paths: Sequence[str]) -> None:
        """Delete documents, there or not: in their order, up to 500 in one step."""
        for first in range(0, len(paths), _DELETES_MAX):
            await self._delete_at_once(paths[first : first + _DELETES_MAX])

    async def _delete_at_once(self, paths: Sequence[str]) -> None:
        async def delete(client: Client) -> None:
            batch = client.batch()
            for path in paths:
                batch.delete(self._document(client, path))
            await batch.commit(retry=None, timeout=_TRY_SECONDS)

        await self._call(delete)

    async def count(self, collection: str, where: tuple[str, object] | None = None) -> int:
        """How many documents there are, with a field of this value."""

        async def count(client: Client) -> int:
            # The library says that this is a class.
            counting = cast("AsyncAggregationQuery", self._query(client, collection, where).count())
            [[total]] = await counting.get(retry=None, timeout=_TRY_SECONDS)
            return int(total.value)

        return await self._call(count)

    async def sum(self, collection: str, field: str) -> int:
        """Of a field of all documents that have it as a number."""
        return await self._call(lambda client: _sum(self._query(client, collection), field))

    async def select(
        self, collection: str, where: tuple[str, object], fields: Iterable[str] = ()
    ) -> dict[str, Fields]:
        """These fields of the documents that have a field of this value, by their ids."""

        async def select(client: Client) -> dict[str, Fields]:
            query = self._query(client, collection, where).select(fields)
            found = await query.get(retry=None, timeout=_QUERY_SECONDS)
            return {snapshot.id: snapshot.to_dict() or {} for snapshot in found}

        return await self._call(select)

    async def pages(
        self,
        collection: str,
        size: int,
        *,
        order: str = _ID,
        fields: Iterable[str] | None = None,
    ) -> AsyncIterator[list[Fields]]:
        """All documents: a query for each page, since a slow reader would outlast a stream."""
        last: Snapshot | None = None
        while page := await self._page(collection, size, order, fields, last):
            yield [snapshot.to_dict() or {} for snapshot in page]
            if len(page) < size:
                return
            last = page[-1]

    async def _page(
        self,
        collection: str,
        size: int,
        order: str,
        fields: Iterable[str] | None,
        last: Snapshot | None,
    ) -> list[Snapshot]:
        async def page(client: Client) -> list[Snapshot]:
            query = self._query(client, collection).order_by(order).limit(size)
            if fields is not None:
                query = query.select(fields)
            if last is not None:
                query = query.start_after(last)
            return list(await query.get(retry=None, timeout=_QUERY_SECONDS))

        return await self._call(page)

    async def _call(self, call: Callable[[Client], Awaitable[T]]) -> T:
        return await _ask(self._client, call)

    def _document(self, client: Client, path: str) -> AsyncDocumentReference:
        return client.document(f"{paths.TENANTS}/{self._tenant}/{path}")

    def _query(
        self, client: Client, collection: str, where: tuple[str, object] | None = None
    ) -> AsyncQuery | AsyncCollectionReference:
        whole = client.collection(f"{paths.TENANTS}/{self._tenant}/{collection}")
        if where is None:
            return whole
        from google.cloud.firestore import FieldFilter

        name, value = where
        return whole.where(filter=FieldFilter(name, "==", value))


async def tenant_ids(client: Callable[[], Client]) -> list[TenantId]:
    """The tenants of a database; no document is at their places, but some are below."""

    async def ids(client: Client) -> list[str]:
        places = client.collection(paths.TENANTS).list_documents(retry=None, timeout=_QUERY_SECONDS)
        return [place.id async for place in places]

    return [tenant for name in await _ask(client, ids) if (tenant := _tenant_id(name)) is not None]


async def sum_of_all(client: Callable[[], Client], collection: str, field: str) -> int:
    """The same of a whole database: of all collections of that name, whosever they are."""
    return await _ask(client, lambda client: _sum(client.collection_group(collection), field))


async def _sum(query: AsyncQuery | AsyncCollectionReference, field: str) -> int:
    summing = cast("AsyncAggregationQuery", query.sum(field))
    [[total]] = await summing.get(retry=None, timeout=_TRY_SECONDS)
    return int(total.value)


def _tenant_id(name: str) -> TenantId | None:
    try:
        return TenantId(name)
    except InvalidId:
        return None  # not one of ours


async def _ask(client: Callable[[], Client], call: Callable[[Client], Awaitable[T]]) -> T:
    try:
        # The client is made here, since its credentials may fail as any call may.
        return await patiently(lambda: call(client()), StoreUnavailable, seconds=_SECONDS)
    except Missing:
        # A look-up is never told so of a document.
        raise StoreUnavailable("there is no such database: is it deployed?") from None
