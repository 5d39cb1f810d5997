"""What a flipped bit has changed is never served: an error names the file and the log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.support.kept import query
from tests.support.logs import ACME, LOG, a_document, a_key, a_letter, a_plan

from logweir.bootstrap import Ports, open_ports
from logweir.errors import Misconfigured
from logweir.settings import Settings

Read = Callable[[Ports], Awaitable[object]]


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    async with open_ports(Settings(data_dir=tmp_path)) as ports:
        await ports.store.create(a_document("call 555-0199"))
        await ports.store.bury(a_letter("a letter"))
        await ports.store.plan(a_plan("a plan", 3))
        yield ports


async def the_document(ports: Ports) -> object:
    return await ports.reader.document(ACME, LOG)


async def all_documents(ports: Ports) -> object:
    return [document async for document in ports.reader.documents(ACME)]


async def the_letter(ports: Ports) -> object:
    return await ports.reader.letter(a_key("a letter"))


async def the_plan(ports: Ports) -> object:
    return await ports.store.load(a_key("a plan"))


async def the_plan_once_more(ports: Ports) -> object:
    return await ports.store.plan(a_plan("a plan", 3))


@pytest.mark.parametrize(
    ("read", "damage"),
    [
        (the_document, "UPDATE processed_logs SET original_text = 'call 555-0198'"),
        (the_document, "UPDATE processed_logs SET modified_data = 'call 555-0199'"),
        (the_document, "UPDATE processed_logs SET source = 'text_uplobd'"),
        (the_document, "UPDATE processed_logs SET tenant_id = 'acmd'"),
        (the_document, "UPDATE processed_logs SET processed_at = 'then'"),
        (the_document, "UPDATE processed_logs SET modified_data = CAST(x'63ff' AS TEXT)"),
        (all_documents, "UPDATE processed_logs SET original_text = 'call 555-0198'"),
        (the_letter, "UPDATE dead_letters SET text = 'a lettes'"),
        (the_plan, "UPDATE plans SET text = 'a plao'"),
        (the_plan, "UPDATE plans SET text = CAST(x'63ff' AS TEXT)"),
        (the_plan_once_more, "UPDATE plans SET text = 'a plao'"),
    ],
)
async def test_what_is_damaged_is_not_served(
    ports: Ports, tmp_path: Path, read: Read, damage: str
) -> None:
    assert await read(ports)
    query(tmp_path / "tenants" / "acme.sqlite3", damage)
    with pytest.raises(Misconfigured, match=r"^acme\.sqlite3 is damaged: .*backup"):
        await read(ports)


async def test_a_damaged_index_does_not_lead_to_another_logs_text(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    async with open_ports(settings) as ports:
        await ports.store.create(a_document("call 555-0199"))
    file = tmp_path / "tenants" / "acme.sqlite3"
    content = file.read_bytes()
    row = f"{LOG}{ACME}".encode()  # in the table; the index has the log alone
    assert content.count(row) == 1
    file.write_bytes(content.replace(row, f"log-3{ACME}".encode()))
    async with open_ports(settings) as ports:
        with pytest.raises(Misconfigured, match=r"document log-1 .*another log's"):
            await ports.reader.document(ACME, LOG)


async def test_what_other_rules_have_redacted_is_served(ports: Ports, tmp_path: Path) -> None:
    query(
        tmp_path / "tenants" / "acme.sqlite3",
        "UPDATE processed_logs SET modified_data = 'otherwise', rules_version = '0'",
    )
    document = await ports.reader.document(ACME, LOG)
    assert document is not None
    assert document.modified_data == "otherwise"
