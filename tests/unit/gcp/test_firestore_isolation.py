"""No byte of one tenant lies under another: looked at by a plain client of the emulator."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.firestore import databases_at, everything
from tests.support.logs import ACME, GLOBEX, a_key
from tests.support.stores import fill

from logweir.backends.gcp.databases import Databases
from logweir.backends.gcp.reader import FirestoreReader
from logweir.backends.gcp.store import FirestoreStore
from logweir.clock import ManualClock
from logweir.ids import TenantId
from logweir.pipeline.store import Found
from logweir.settings import load

LONG = "0123456789 é🙂\0" * 70_000  # 1.2 MB: two parts


def owners(found: dict[str, Any]) -> set[str]:
    """Under whom anything lies."""
    assert all(path.startswith("tenants/") for path in found)
    return {path.split("/")[1] for path in found}


async def test_nothing_of_a_tenant_lies_under_another(firestore: str, project: str) -> None:
    async with databases_at(firestore, project) as databases:
        store = FirestoreStore(databases, ManualClock())
        await fill(store, ACME, LONG)
        of_acme = everything(firestore, project)
        await fill(store, GLOBEX, LONG)
    found = everything(firestore, project)
    assert owners(of_acme) == {"acme"}
    assert owners(found) == {"acme", "globex"}
    assert {path.split("/")[2] for path in of_acme} == {
        *("processed_logs", "parts", "plans", "dead_letters", "deaths"),
    }
    for path, fields in found.items():
        if path.startswith("tenants/acme/"):
            assert fields == of_acme[path], "untouched by the other"
        # The tail of the text, which names its owner, is in the last part.
        assert ("of globex" in str(fields)) <= path.startswith("tenants/globex/"), path


async def test_a_tenant_with_a_database_of_its_own_has_everything_there_and_nothing_elsewhere(
    firestore: str, project: str
) -> None:
    own = "acme=only-acme,initech=only-initech:reader@example.iam.gserviceaccount.com"
    async with databases_at(firestore, project, own) as databases:
        store, reader = FirestoreStore(databases, ManualClock()), FirestoreReader(databases)
        for name in ("acme", "globex", "ZZ"):
            await fill(store, TenantId(name), LONG)
        assert owners(everything(firestore, project)) == {"globex", "ZZ"}
        assert owners(everything(firestore, project, "only-acme")) == {"acme"}
        assert everything(firestore, project, "only-initech") == {}
        listed = [tenant async for tenant in reader.tenants()]
        assert [tenant.tenant_id for tenant in listed] == ["ZZ", "acme", "globex"]
        assert {(t.documents, t.dead_letters, t.plans) for t in listed} == {(1, 1, 1)}
        assert len([letter async for letter in reader.letters(ACME)]) == 1
    async with databases_at(firestore, project) as databases:
        key = a_key(f"{LONG} of acme")
        assert await FirestoreStore(databases, ManualClock()).find(key) is Found.ABSENT


async def test_on_the_cloud_a_tenants_database_is_used_as_its_account(
    monkeypatch: pytest.MonkeyPatch, firestore: str
) -> None:
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.auth.impersonated_credentials import Credentials

    ours = AnonymousCredentials()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(google.auth, "default", lambda scopes: (ours, None))
    databases = Databases(
        load(
            {
                "LOGWEIR_BACKEND": "gcp",
                "LOGWEIR_GCP_PROJECT": "real",
                "LOGWEIR_GCP_TENANT_DATABASES": "acme=only-acme:acme@x.iam.gserviceaccount.com",
            }
        )
    )
    theirs = databases.of(ACME)._client()
    common = databases.of(GLOBEX)._client()
    assert isinstance(theirs._credentials, Credentials)
    assert theirs._credentials.service_account_email == "acme@x.iam.gserviceaccount.com"
    assert theirs._database_string == "projects/real/databases/only-acme"
    assert common._credentials is ours
    assert common._database_string == "projects/real/databases/(default)"
    assert all("firestore.googleapis.com" in client._target for client in (theirs, common))
    await databases.close()
