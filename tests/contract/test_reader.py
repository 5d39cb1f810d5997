"""PORT Reader, on every back end: what the commands list."""

from __future__ import annotations

from tests.support.logs import ACME, GLOBEX, LOG, RECEIVED, a_document, a_key, a_letter, a_plan

from logweir.bootstrap import Ports
from logweir.ids import LogId, TenantId
from logweir.pipeline.store import LetterSummary, Progress, TenantSummary
from logweir.reasons import Burial


async def test_tenants_are_listed_in_order_with_how_much_they_have(ports: Ports) -> None:
    await ports.store.create(a_document("x", tenant=GLOBEX))
    for log in ("1", "2"):
        await ports.store.create(a_document("x", log=log))
    await ports.store.bury(a_letter("y"))
    await ports.store.plan(a_plan("z", 1, tenant=TenantId("ZZ")))
    assert [tenant async for tenant in ports.reader.tenants()] == [
        _summary("ZZ", plans=1),
        _summary("acme", documents=2, dead_letters=1),
        _summary("globex", documents=1),
    ]


async def test_a_tenant_without_records_is_not_listed(ports: Ports) -> None:
    await ports.store.find(a_key("x"))
    await ports.store.plan(a_plan("x", 1))
    await ports.store.forget(a_key("x"))
    await ports.store.bury(a_letter("y"))
    await ports.reader.purge(a_key("y"))
    assert [tenant async for tenant in ports.reader.tenants()] == []


async def test_documents_are_listed_whole_in_the_order_of_their_ids(ports: Ports) -> None:
    logs = ["b", "a", "B", "10", "9", "a.b", "a-b", "a_b", "A" * 128]
    for log in logs:
        await ports.store.create(a_document(f"text of {log}", log=log))
    await ports.store.create(a_document("another's", tenant=GLOBEX))
    found = [document async for document in ports.reader.documents(ACME)]
    assert found == [a_document(f"text of {log}", log=log) for log in sorted(logs)]


async def test_more_documents_than_a_page_are_all_listed(ports: Ports) -> None:
    for number in range(230):
        await ports.store.create(a_document("x", log=f"{number:04}"))
    found = [document.log_id async for document in ports.reader.documents(ACME)]
    assert found == [f"{number:04}" for number in range(230)]


async def test_letters_are_listed_without_their_texts(ports: Ports) -> None:
    await ports.store.bury(a_letter("text", log="2", reason=Burial.CRASH_LOOP))
    await ports.store.bury(a_letter("text", log="1", error="ValueError: no"))
    first, second = [letter async for letter in ports.reader.letters(ACME)]
    assert first == LetterSummary(
        key=a_key("text", log="1"),
        reason=Burial.CONFLICT,
        error="ValueError: no",
        characters=4,
        attempts=3,
        received_at=RECEIVED,
        buried_at=RECEIVED,
        resolved=False,
    )
    assert (second.key.log, second.reason, second.error) == ("2", Burial.CRASH_LOOP, None)


async def test_a_letter_whose_text_became_the_document_is_resolved(ports: Ports) -> None:
    for text in ("one", "two"):
        await ports.store.bury(a_letter(text))
    await ports.store.create(a_document("one"))
    resolved = {letter.key: letter.resolved async for letter in ports.reader.letters(ACME)}
    assert resolved == {a_key("one"): True, a_key("two"): False}


async def test_purge_deletes_one_letter_and_says_so(ports: Ports) -> None:
    for text in ("one", "two"):
        await ports.store.bury(a_letter(text))
    assert await ports.reader.purge(a_key("one")) is True
    assert await ports.reader.purge(a_key("one")) is False
    assert await ports.reader.letter(a_key("one")) is None
    assert await ports.reader.letter(a_key("two")) == a_letter("two")


async def test_progress_says_how_far_each_plan_of_a_log_is(ports: Ports) -> None:
    for text in ("0123456789", "abcdefg"):
        await ports.store.plan(a_plan(text, 3))
    await ports.store.record(a_key("abcdefg"), 1)
    found = await ports.reader.progress(ACME, LOG)
    assert sorted(found, key=lambda progress: progress.chunks) == [
        Progress(sha256=a_key("abcdefg").sha256, chunks_done=1, chunks=3),
        Progress(sha256=a_key("0123456789").sha256, chunks_done=0, chunks=4),
    ]
    assert list(await ports.reader.progress(ACME, LogId("other"))) == []
    assert list(await ports.reader.progress(GLOBEX, LOG)) == []


async def test_who_has_nothing_has_nothing(ports: Ports) -> None:
    assert [tenant async for tenant in ports.reader.tenants()] == []
    assert [document async for document in ports.reader.documents(ACME)] == []
    assert [letter async for letter in ports.reader.letters(ACME)] == []
    assert await ports.reader.document(ACME, LOG) is None
    assert await ports.reader.letter(a_key("x")) is None


def _summary(
    tenant: str, documents: int = 0, dead_letters: int = 0, plans: int = 0
) -> TenantSummary:
    return TenantSummary(
        tenant_id=TenantId(tenant), documents=documents, dead_letters=dead_letters, plans=plans
    )
