"""Requests in, an outsider's look out: what users see, by processes on emulators.

    gcp        logweir serve --backend gcp
    aws        logweir serve --backend aws
    functions  AWS's template, deployed: a function URL, and functions that SQS's messages invoke

One suite for all; the last of them is what runs in an account.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from tests.support.processes import until
from tests.support.site import Site

from logweir.envelope import Source, sha256_of

TEXT: Final = "User 555-0199 logged in"
EVERY: Final = [*range(0xD800), *range(0xE000, 0x110000)]


def test_json_and_text_of_two_tenants_under_one_id_are_four_documents(site: Site) -> None:
    logs = [(tenant, f"{source.name}-1") for tenant in ("acme", "globex") for source in Source]
    for (tenant, log), source in zip(logs, [*Source] * 2, strict=True):
        site.send(tenant, log, f"{tenant}: {TEXT}", source)
    site.wait(*logs)
    found = site.cloud.store.everything()
    for tenant, log in logs:
        site.check(found, tenant, log)
        modified = found[f"tenants/{tenant}/processed_logs/{log}"]["modified_data"]
        assert modified == f"{tenant}: User [REDACTED] logged in"


def test_fifty_thousand_characters_are_worked_on_in_chunks(site: Site) -> None:
    text = "".join(f"{number:07} 555-0199\n" for number in range(3000))[:50_000]
    site.send("acme", "long", text)
    site.wait(("acme", "long"))
    until(lambda: not site.cloud.store.plans(), saying="the plan was not forgotten")
    # Who records the last chunk stores the log: so it says which chunk that was.
    stored = [event for event in site.events("log_stored") if event["log"] == "long"]
    assert {event["chunk"] for event in stored} <= {*range(-(-len(text) // site.chunk_characters))}
    site.check(site.cloud.store.everything(), "acme", "long")


def test_every_code_point_comes_back(site: Site) -> None:
    texts = ["".join(map(chr, EVERY[at : at + 250_000])) for at in range(0, len(EVERY), 250_000)]
    logs = []
    for number, text in enumerate(texts):
        for source in Source:
            site.send("every", f"{source.name}-{number}", text, source)
            logs.append(("every", f"{source.name}-{number}"))
    site.wait(*logs)
    until(lambda: not site.cloud.store.plans(), saying="the plans were not forgotten")
    found = site.cloud.store.everything()
    for tenant, log in logs:
        site.check(found, tenant, log)
    assert sum(map(len, texts)) == 0x110000 - 0x800


def test_a_repeat_changes_nothing_and_a_conflict_is_a_dead_letter_that_can_be_replayed(
    site: Site,
) -> None:
    cloud = site.cloud
    site.send("twice", "t1", TEXT)
    site.wait(("twice", "t1"))
    before = cloud.store.everything()
    site.send("twice", "t1", TEXT, Source.JSON)
    site.send("twice", "t1", "another text")
    until(lambda: ("twice", "t1", sha256_of("another text")) in cloud.store.kept())
    after = cloud.store.everything()
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1

    [listed] = cloud.json("dead", "ls", "twice")
    assert (listed["reason"], listed["resolved"]) == ("conflict", False)
    [shown] = cloud.json("dead", "show", "twice", "t1")
    assert (shown["text"], shown["source"]) == ("another text", "text_upload")
    [replayed] = cloud.json("dead", "replay", "twice", "t1")
    [document] = cloud.json("get", "twice", replayed["replayed_as"], "--wait", "20")
    assert document["original_text"] == "another text"
    assert document["received_at"] == shown["received_at"]
    [listed] = cloud.json("dead", "ls", "twice")
    assert listed["resolved_as"] == replayed["replayed_as"]
    site.sent["twice", replayed["replayed_as"]] = Source.TEXT, "another text"


@pytest.mark.slow
def test_the_commands_see_what_the_service_has_stored(site: Site) -> None:
    cloud = site.cloud
    site.send("seen", "s1", TEXT, Source.JSON)
    [document] = cloud.json("get", "seen", "s1", "--wait", "20")
    assert (document["original_text"], document["redactions"]) == (TEXT, {"phone": 1})
    [listed] = cloud.json("ls", "seen")
    assert listed == document
    tenants = {tenant["tenant_id"]: tenant for tenant in cloud.json("ls")}
    assert (tenants["seen"]["documents"], tenants["seen"]["plans"]) == (1, 0)
    [status] = cloud.json("status")
    assert [lane["lane"] for lane in status["lanes"]] == ["log", "chunk"]
    unknown = cloud.shell("get", "seen", "never")
    assert (unknown.returncode, "cannot be asked" in unknown.stdout) == (3, True), unknown


def test_nothing_lies_in_the_database_but_what_was_sent(site: Site) -> None:
    """Of this whole module: so it is its last test."""
    found = site.cloud.store.everything()
    every = {tuple(path.split("/")) for path in found}
    assert {path[0] for path in every} == {"tenants"}
    registered = {path for path in every if len(path) == 2}  # where that is how they are listed
    assert {path[1] for path in registered} <= {tenant for tenant, _ in site.sent}
    paths = every - registered
    heads = {path for path in paths if path[2] != "parts"}
    documents = {("tenants", tenant, "processed_logs", log) for tenant, log in site.sent}
    letters = {path for path in heads - documents if path[2] == "dead_letters"}
    assert heads == documents | letters
    assert [path[1] for path in letters] == ["twice"]
    for tenant, log in site.sent:
        site.check(found, tenant, log)
    named = {
        id_ for fields in found.values() for name in fields for id_ in parts_named(name, fields)
    }
    assert {path[3] for path in paths if path[2] == "parts"} == named
    assert site.cloud.broker.take("quarantine") == []


def parts_named(name: str, fields: dict[str, Any]) -> list[str]:
    return list(fields[name]) if name.endswith("_parts") else []
