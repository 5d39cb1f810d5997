"""``logweir serve --backend gcp`` as a developer runs it: requests in, an outsider's look out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.cloud import ROOT, Cloud, send_json, send_text
from tests.support.outsider import text_in
from tests.support.processes import Process, until

from logweir.envelope import Source, sha256_of
from logweir.redact import redact

CHUNK: Final = 10_000  # characters
WORK: Final = {"seconds_per_character": 1e-5, "chunk_seconds": CHUNK * 1e-5}
TEXT: Final = "User 555-0199 logged in"
EVERY: Final = [*range(0xD800), *range(0xE000, 0x110000)]


@dataclass
class Site:
    """A service that the tests of this module share, and what they have sent to it."""

    cloud: Cloud
    service: Process
    taps: dict[str, str]  # topic -> a subscription of the tests' own
    sent: dict[tuple[str, str], tuple[Source, str]] = field(default_factory=dict)

    def send(self, tenant: str, log: str, text: str, source: Source = Source.TEXT) -> None:
        """Send a log, and see it accepted."""
        post = send_json if source is Source.JSON else send_text
        answer = post(self.service.port, tenant, log, text)
        assert (answer.status, answer.json) == (
            202,
            {"status": "accepted", "tenant_id": tenant, "log_id": log},
        )
        self.sent.setdefault((tenant, log), (source, text))

    def wait(self, *logs: tuple[str, str], seconds: float = 30.0) -> None:
        """Until these are stored."""
        wanted = {(*log, sha256_of(self.sent[log][1])) for log in logs}
        until(
            lambda: wanted <= self.cloud.firestore.kept(),
            seconds=seconds,
            saying=f"{[log for _, log in logs]} are not stored",
        )

    def check(self, found: dict[str, dict[str, Any]], tenant: str, log: str) -> None:
        """The document is what was sent, by every field that tells of it."""
        path, (source, text) = f"tenants/{tenant}/processed_logs/{log}", self.sent[tenant, log]
        fields = found[path]
        assert text_in(found, path, "original_text") == text
        assert text_in(found, path, "modified_data") == redact(text).text
        assert (fields["tenant_id"], fields["log_id"]) == (tenant, log)
        assert (fields["source"], fields["characters"]) == (source.value, len(text))
        assert fields["sha256"] == sha256_of(text)
        assert fields["processed_at"] >= fields["received_at"]


@pytest.fixture(scope="module")
def cloud(emulators: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """A project for all tests of this module."""
    return Cloud(emulators, tmp_path_factory.mktemp("serve"))


@pytest.fixture(scope="module")
def site(cloud: Cloud) -> Iterator[Site]:
    with cloud.running("serve", **WORK) as service:
        taps = {topic: cloud.pubsub.tap(f"logweir-{topic}") for topic in ("logs", "chunks")}
        yield Site(cloud, service, taps)


def test_json_and_text_of_two_tenants_under_one_id_are_four_documents(site: Site) -> None:
    logs = [(tenant, f"{source.name}-1") for tenant in ("acme", "globex") for source in Source]
    for (tenant, log), source in zip(logs, [*Source] * 2, strict=True):
        site.send(tenant, log, f"{tenant}: {TEXT}", source)
    site.wait(*logs)
    found = site.cloud.firestore.everything()
    for tenant, log in logs:
        site.check(found, tenant, log)
        modified = found[f"tenants/{tenant}/processed_logs/{log}"]["modified_data"]
        assert modified == f"{tenant}: User [REDACTED] logged in"


def test_a_message_is_readable_and_named_by_its_attributes(site: Site) -> None:
    site.cloud.pubsub.take(site.taps["logs"])
    site.send("initech", "log.1", TEXT, Source.JSON)
    [message] = site.cloud.pubsub.take(site.taps["logs"])
    assert dict(message.attributes) == {
        "tenant": "initech",
        "log": "log.1",
        "source": "json_upload",
        "kind": "log",
    }
    assert TEXT in message.data.decode()


def test_fifty_thousand_characters_are_worked_on_in_chunks(site: Site) -> None:
    text = "".join(f"{number:07} 555-0199\n" for number in range(3000))[:50_000]
    site.cloud.pubsub.take(site.taps["chunks"])
    site.send("acme", "long", text)
    site.wait(("acme", "long"))
    chunks = [dict(m.attributes) for m in site.cloud.pubsub.take(site.taps["chunks"])]
    assert chunks == [
        {"tenant": "acme", "log": "long", "source": "text_upload", "kind": "chunk"}
    ] * (len(text) // CHUNK)
    until(lambda: not left_of_plans(site), saying="the plan was not forgotten")
    stored = [event for event in site.cloud.events("log_stored") if event["log"] == "long"]
    assert {event["chunk"] for event in stored} <= {*range(5)}
    site.check(site.cloud.firestore.everything(), "acme", "long")


def test_every_code_point_comes_back(site: Site) -> None:
    texts = ["".join(map(chr, EVERY[at : at + 250_000])) for at in range(0, len(EVERY), 250_000)]
    logs = []
    for number, text in enumerate(texts):
        for source in Source:
            site.send("every", f"{source.name}-{number}", text, source)
            logs.append(("every", f"{source.name}-{number}"))
    site.wait(*logs)
    until(lambda: not left_of_plans(site), saying="the plans were not forgotten")
    found = site.cloud.firestore.everything()
    for tenant, log in logs:
        site.check(found, tenant, log)
    assert sum(map(len, texts)) == 0x110000 - 0x800


def test_a_repeat_changes_nothing_and_a_conflict_is_a_dead_letter_that_can_be_replayed(
    site: Site,
) -> None:
    cloud = site.cloud
    site.send("twice", "t1", TEXT)
    site.wait(("twice", "t1"))
    before = cloud.firestore.everything()
    site.send("twice", "t1", TEXT, Source.JSON)
    site.send("twice", "t1", "another text")
    until(lambda: ("twice", "t1", sha256_of("another text")) in cloud.firestore.kept())
    after = cloud.firestore.everything()
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


def test_the_service_says_where_it_is_and_how_to_look(site: Site) -> None:
    until(lambda: "Ctrl-C" in site.service.stdout)
    said = site.service.stdout
    assert f"http://127.0.0.1:{site.service.port}" in said
    for name, value in site.cloud.variables.items():
        assert f"export {name}={value}" in said


def test_nothing_lies_in_the_database_but_what_was_sent(site: Site) -> None:
    """Of this whole module: so it is its last test."""
    found = site.cloud.firestore.everything()
    paths = {tuple(path.split("/")) for path in found}
    assert {path[:1] for path in paths} == {("tenants",)}
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
    assert site.cloud.pubsub.take("logweir-quarantine") == []


def test_work_that_always_raises_ends_as_a_dead_letter(
    emulators: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = Cloud(emulators, tmp_path)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    job = {"work": "tests.support.jobs:moody", "attempts_max": 2, **WORK}
    with cloud.running("serve", **job) as service:
        send_json(service.port, "acme", "bad", "raise me")
        send_text(service.port, "acme", "good", TEXT)
        wanted = {("acme", "bad", sha256_of("raise me")), ("acme", "good", sha256_of(TEXT))}
        until(lambda: wanted <= cloud.firestore.kept(), seconds=30)
        [shown] = cloud.json("dead", "show", "acme", "bad")
    assert (shown["reason"], shown["attempts"]) == ("attempts_exhausted", 2)
    assert (shown["text"], shown["error"]) == ("raise me", "ValueError: cannot read raise me")
    kinds = sorted(path.split("/")[2] for path in cloud.firestore.everything())
    assert kinds == ["dead_letters", "processed_logs"]


def left_of_plans(site: Site) -> list[str]:
    return [path for path in site.cloud.firestore.everything() if "/plans/" in path]


def parts_named(name: str, fields: dict[str, Any]) -> list[str]:
    return list(fields[name]) if name.endswith("_parts") else []
