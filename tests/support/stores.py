"""Every call of a store and of its reader, for tests of what all of them do alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from tests.support.logs import ACME, LOG, a_document, a_key, a_letter, a_plan

from logweir.ids import TenantId
from logweir.pipeline.store import DeathCounter, Reader, Store


class CountingStore(Store, DeathCounter, Protocol):
    """A store that counts deaths too."""


Call = Callable[[CountingStore, Reader], Awaitable[Any]]


async def _listed(items: Any) -> list[Any]:
    return [item async for item in items]


CALLS: Final[dict[str, Call]] = {
    "find": lambda store, reader: store.find(a_key("x")),
    "create": lambda store, reader: store.create(a_document("x")),
    "plan": lambda store, reader: store.plan(a_plan("x", 1)),
    "mark_sent": lambda store, reader: store.mark_sent(a_key("x")),
    "load": lambda store, reader: store.load(a_key("x")),
    "recorded": lambda store, reader: store.recorded(a_key("x")),
    "is_recorded": lambda store, reader: store.is_recorded(a_key("x"), 0),
    "record": lambda store, reader: store.record(a_key("x"), 0),
    "forget": lambda store, reader: store.forget(a_key("x")),
    "bury": lambda store, reader: store.bury(a_letter("x")),
    "buried": lambda store, reader: store.buried(a_key("x")),
    "begin": lambda store, reader: store.begin(a_key("x"), None),
    "answer": lambda store, reader: store.answer(a_key("x"), None, done=True),
    "tenants": lambda store, reader: _listed(reader.tenants()),
    "document": lambda store, reader: reader.document(ACME, LOG),
    "documents": lambda store, reader: _listed(reader.documents(ACME)),
    "progress": lambda store, reader: reader.progress(ACME, LOG),
    "letters": lambda store, reader: _listed(reader.letters(ACME)),
    "letter": lambda store, reader: reader.letter(a_key("x")),
    "purge": lambda store, reader: reader.purge(a_key("x")),
}


async def fill(store: CountingStore, tenant: TenantId, text: str) -> None:
    """One of everything that can lie under a tenant; each text ends with its owner's name."""
    text = f"{text} of {tenant}"
    await store.create(a_document(text, tenant=tenant))
    await store.bury(a_letter(text, tenant=tenant))
    await store.plan(a_plan(text, 1000, tenant=tenant))
    await store.record(a_key(text, tenant=tenant), 1)
    await store.begin(a_key(text, tenant=tenant), None)
    await store.begin(a_key(text, tenant=tenant), 1)
