"""Firestore's emulator in tests: our databases on it, a plain client's view, and what it costs."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from logweir.backends.gcp.databases import Databases
from logweir.settings import load


@asynccontextmanager
async def databases_at(address: str, project: str, own: str = "") -> AsyncIterator[Databases]:
    """Our databases at an emulator; ``own``: tenants that have one of their own."""
    databases = Databases(
        load(
            {
                "LOGWEIR_BACKEND": "gcp",
                "LOGWEIR_GCP_PROJECT": project,
                "LOGWEIR_GCP_TENANT_DATABASES": own,
                "PUBSUB_EMULATOR_HOST": address,
                "FIRESTORE_EMULATOR_HOST": address,
            }
        )
    )
    yield databases
    await databases.close()


def everything(address: str, project: str, database: str = "(default)") -> dict[str, Any]:
    """All documents by their paths, as a client sees them that knows nothing of ours."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.firestore_v1.services.firestore import FirestoreClient
    from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
    from google.cloud.firestore_v1.types import ListCollectionIdsRequest, ListDocumentsRequest
    from grpc import insecure_channel

    root = f"projects/{project}/databases/{database}/documents"
    metadata = [("authorization", "Bearer owner")]
    with insecure_channel(address, [("grpc.max_receive_message_length", -1)]) as channel:
        transport = FirestoreGrpcTransport(
            channel=channel,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        )
        client = FirestoreClient(transport=transport)

        def below(parent: str) -> Iterator[tuple[str, Any]]:
            collections = ListCollectionIdsRequest(parent=parent)
            for name in client.list_collection_ids(collections, metadata=metadata):
                listing = ListDocumentsRequest(
                    parent=parent, collection_id=name, show_missing=True, page_size=1000
                )
                for document in client.list_documents(listing, metadata=metadata):
                    if document.create_time is not None:
                        yield document.name.removeprefix(f"{root}/"), dict(document.fields)
                    yield from below(document.name)

        return dict(below(root))


@dataclass
class Meter:
    """What is billed: documents read, written, deleted. ``whole``: reads of all their fields."""

    reads: int = 0
    writes: int = 0
    deletes: int = 0
    whole: int = 0

    def billed(self) -> tuple[float, ...]:
        """Reads, writes and deletes so far."""
        return self.reads, self.writes, self.deletes

    def attach(self, databases: Databases) -> None:
        """Count the requests to the common database."""
        api: Any = databases._client("(default)", None)._api
        api.commit = self._before(api.commit, self._commit)
        api.batch_get_documents = self._before(api.batch_get_documents, self._get)
        api.run_query = self._after(api.run_query, lambda response: bool(response.document))
        # A thousand that are counted are one read, and the tests have fewer.
        api.run_aggregation_query = self._after(api.run_aggregation_query, lambda _: False)

    def _commit(self, request: Any) -> None:
        deletes = sum(bool(write.delete) for write in request["writes"])
        self.deletes += deletes
        self.writes += len(request["writes"]) - deletes

    def _get(self, request: Any) -> None:
        self.reads += len(request["documents"])
        if request["mask"] is None:
            self.whole += len(request["documents"])

    def _before(self, call: Callable[..., Any], count: Callable[[Any], None]) -> Any:
        async def counted(*, request: Any, **others: Any) -> Any:
            count(request)
            return await call(request=request, **others)

        return counted

    def _after(self, call: Callable[..., Any], is_read: Callable[[Any], bool]) -> Any:
        """Every document that a query finds is a read; a query that finds none is one too."""

        async def each(responses: AsyncIterable[Any]) -> AsyncIterator[Any]:
            found = 0
            async for response in responses:
                found += is_read(response)
                yield response
            self.reads += max(1, found)

        async def counted(**request: Any) -> Any:
            return each(await call(**request))

        return counted
