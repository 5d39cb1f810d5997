"""No byte of one tenant lies under another: looked at by a plain client of the emulator."""

from __future__ import annotations

from typing import Any

from tests.support.logs import ACME, GLOBEX
from tests.support.outside_aws import Dynamo
from tests.support.stores import fill

from logweir.backends.aws.reader import DynamoReader
from logweir.backends.aws.store import DynamoStore
from logweir.ids import TenantId

LONG = "0123456789 é🙂\0" * 30_000  # 540 KB


def under(found: dict[str, Any], tenant: str) -> dict[str, Any]:
    """What is of a tenant; of the register its own line."""
    return {path: fields for path, fields in found.items() if path.split("/")[1] == tenant}


async def test_nothing_of_a_tenant_lies_under_another(store: DynamoStore, outside: Dynamo) -> None:
    await fill(store, ACME, LONG)
    of_acme = outside.everything()
    await fill(store, GLOBEX, LONG)
    found = outside.everything()
    assert under(of_acme, "acme") == of_acme
    assert under(found, "acme") == of_acme, "untouched by the other"
    assert len(under(found, "globex")) == len(of_acme) == len(found) / 2
    for path, fields in found.items():
        # The tail of the text, which names its owner, is in the last part.
        assert ("of globex" in str(fields)) <= path.startswith("tenants/globex/"), path


async def test_of_a_tenant_whose_id_begins_like_anothers_nothing_is_listed_there(
    store: DynamoStore, reader: DynamoReader
) -> None:
    names = ["acme", "acme-2", "acme.2", "acme2", "acm"]
    for name in names:
        await fill(store, TenantId(name), LONG)
    listed = [tenant async for tenant in reader.tenants()]
    assert [tenant.tenant_id for tenant in listed] == sorted(names)
    assert {(t.documents, t.dead_letters, t.plans) for t in listed} == {(1, 1, 1)}
    for name in names:
        tenant = TenantId(name)
        assert [found.tenant_id async for found in reader.documents(tenant)] == [tenant]
        assert [letter.key.tenant async for letter in reader.letters(tenant)] == [tenant]
