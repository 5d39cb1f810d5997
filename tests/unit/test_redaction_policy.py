"""A tenant's policy from the settings to its documents, and to whoever looks at them."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs
from tests.support.logs import ACME, GLOBEX, LOG, a_log
from tests.support.world import World
from tests.unit.cli.shell import document, lines_of, logweir, put

from logweir.bootstrap import open_ports, redaction
from logweir.bootstrap.redaction import redactors, redactors_of_worker
from logweir.entrypoints.cli.proof import rules_of
from logweir.errors import Misconfigured
from logweir.ids import TenantId
from logweir.pipeline.consume import Ack
from logweir.pipeline.records import Document
from logweir.redact import RULES_VERSION, prefilter, redact
from logweir.redact.policies import Redactors
from logweir.redact.prefilter import prefilter_of
from logweir.settings import Settings, load

POLICY = 'marker = "rule"\n[tenants.acme]\nmarker = "hash"\noff = ["ipv4"]\n'
POLICY_RULE = """
[[rule]]
name = "employee-id"
finds = "an employee's id"
pattern = 'EMP-[0-9]{6}'
takes = ["by «EMP-123456»"]
"""
KEY = "sixteen bytes ok"
TEXT = "User 555-0199 logged in from 9.9.9.9"


def configured(**variables: str) -> Settings:
    return load({f"LOGWEIR_{name.upper()}": value for name, value in variables.items()})


def wait_for_hyperscan() -> None:
    for thread in threading.enumerate():
        if thread.name == "hyperscan":
            thread.join()


@pytest.fixture(autouse=True)
def _hyperscan_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "QUICKEN_AFTER_SECONDS", 0.0)


@pytest.fixture
def by_tenant() -> Redactors:
    return redactors(configured(redaction_toml=POLICY, redaction_key=KEY))


async def stored(by_tenant: Redactors, tenant: TenantId, text: str = TEXT) -> Document:
    """The document that a worker with these policies makes."""
    world = World(chunk_size=None, redactors=by_tenant)
    assert await world.consume(a_log(text, tenant=tenant)) == Ack()
    document = await world.document(tenant)
    assert document is not None
    return document


# ---- the worker ----------------------------------------------------------------------------------


async def test_a_document_is_redacted_by_the_policy_of_its_tenant(by_tenant: Redactors) -> None:
    acme, globex = await stored(by_tenant, ACME), await stored(by_tenant, GLOBEX)
    assert acme.modified_data == by_tenant.of("acme").redact(TEXT).text
    assert acme.modified_data.startswith("User [REDACTED:phone:")
    assert acme.modified_data.endswith("] logged in from 9.9.9.9")
    assert (acme.redactions, globex.redactions) == ({"phone": 1}, {"phone": 1, "ipv4": 1})
    assert globex.modified_data == "User [REDACTED:phone] logged in from [REDACTED:ipv4]"
    assert acme.original_text == globex.original_text == TEXT


async def test_a_document_names_the_policy_that_made_it(by_tenant: Redactors) -> None:
    versions = {(await stored(by_tenant, tenant)).rules_version for tenant in (ACME, GLOBEX)}
    assert len(versions) == 2
    assert all(version.startswith(f"{RULES_VERSION}+") for version in versions)


@pytest.mark.parametrize("characters", [100, 2_000])
async def test_a_text_that_is_cut_into_chunks_is_redacted_once_and_whole(
    by_tenant: Redactors, characters: int
) -> None:
    text = (f"{TEXT}\n" * (characters // len(TEXT) + 1))[:characters]
    world = World(chunk_size=characters // 3, redactors=by_tenant)
    assert await world.consume(a_log(text)) == Ack()
    await world.drain()
    document = await world.document()
    assert document is not None
    assert document.modified_data == by_tenant.of(ACME).redact(text).text


@pytest.mark.parametrize(("engine", "warnings"), [("hyperscan", 1), ("auto", 0), ("re", 0)])
def test_an_engine_that_is_not_to_be_had_is_one_warning(
    engine: str, warnings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefilter_of.cache_clear()
    monkeypatch.setitem(sys.modules, "hyperscan", None)  # as where it is not installed
    with capture_logs() as lines:
        made = redactors_of_worker(configured(redaction_engine=engine, redaction_toml=POLICY_RULE))
    assert made.of("acme").redact("EMP-123456").text == "[REDACTED]"
    assert [line["event"] for line in lines] == ["redaction_engine_unavailable"] * warnings


def test_an_engine_that_is_installed_and_broken_is_a_warning_though_nobody_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefilter_of.cache_clear()
    monkeypatch.delitem(sys.modules, "hyperscan", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "hyperscan.py").write_text('raise ImportError("libhs.so.5: no such file")')
    with capture_logs() as lines:
        made = redactors_of_worker(configured())
        wait_for_hyperscan()
    assert made.of("acme").engine == "re"
    assert [line["reason"] for line in lines] == [
        "hyperscan cannot be imported: libhs.so.5: no such file"
    ]


@pytest.mark.parametrize(
    ("engine", "of_a_worker", "of_a_command"),
    [("auto", "hyperscan", "re"), ("hyperscan", "hyperscan", "hyperscan"), ("re", "re", "re")],
)
def test_a_command_does_not_wait_for_hyperscan_unless_it_is_named(
    engine: str, of_a_worker: str, of_a_command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = SimpleNamespace(possible=lambda _: 0, ranges=lambda _: {})
    monkeypatch.setattr(prefilter, "prefilter_of", lambda _: ready)
    monkeypatch.setattr(redaction, "find_spec", lambda _: ready)  # as where it is installed
    configuration = configured(redaction_engine=engine)
    worker = redactors_of_worker(configuration)
    wait_for_hyperscan()
    assert worker.of("acme").engine == of_a_worker
    assert redactors(configuration).of("acme").engine == of_a_command


def test_a_worker_redacts_while_hyperscan_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = threading.Event()

    def prefilter_of(_patterns: object) -> SimpleNamespace:
        assert compiled.wait(60)
        return SimpleNamespace(possible=lambda _: 0, ranges=lambda _: {})

    monkeypatch.setattr(prefilter, "prefilter_of", prefilter_of)
    monkeypatch.setattr(redaction, "find_spec", lambda _: prefilter_of)
    worker = redactors_of_worker(configured())
    assert worker.of("acme").redact("at 9.9.9.9").text == "at [REDACTED]"
    compiled.set()
    wait_for_hyperscan()
    assert worker.of("acme").engine == "hyperscan"


# ---- who looks -----------------------------------------------------------------------------------


async def test_what_a_policy_has_redacted_is_served_with_it_and_without(tmp_path: Path) -> None:
    with_policy = Settings(data_dir=tmp_path, redaction_toml='marker = "rule"')
    by_rule = redactors(with_policy)
    async with open_ports(with_policy) as ports:
        await ports.store.create(await stored(by_rule, ACME))
    for settings in (with_policy, Settings(data_dir=tmp_path)):
        async with open_ports(settings) as ports:
            found = await ports.reader.document(ACME, LOG)
            assert found is not None
            assert found.modified_data == by_rule.of(ACME).redact(TEXT).text


async def test_what_a_policy_did_not_redact_so_is_damaged(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redaction_toml='marker = "rule"')
    made = await stored(redactors(settings), ACME)
    async with open_ports(settings) as ports:
        await ports.store.create(replace(made, modified_data=redact(TEXT).text))
        with pytest.raises(Misconfigured, match="modified_data is not what redaction makes"):
            await ports.reader.document(ACME, LOG)


async def test_an_older_key_s_documents_are_not_taken_for_damaged(tmp_path: Path) -> None:
    old, new = (
        replace(configured(redaction_toml=POLICY, redaction_key=key), data_dir=tmp_path)
        for key in (KEY, KEY[::-1])
    )
    made = await stored(redactors(old), ACME)
    async with open_ports(new) as ports:
        await ports.store.create(made)
        assert await ports.reader.document(ACME, LOG) == made


def test_get_takes_the_file_as_a_flag_and_shows_each_kind_of_marker(tmp_path: Path) -> None:
    file = tmp_path / "redaction.toml"
    file.write_text('marker = "rule"')
    by_rule = redactors(Settings(redaction_file=file)).of("acme")
    made = document(text=TEXT)
    redacted = by_rule.redact(TEXT)
    put(
        tmp_path / "data",
        replace(made, modified_data=redacted.text, rules_version=by_rule.version),
    )
    where = ("get", "acme", "a1", "--data-dir", tmp_path / "data", "--redaction-file", file)
    [found] = lines_of(logweir(*where, "--json"))
    assert found["rules_version"] == by_rule.version
    assert "User [REDACTED:phone] logged in" in logweir(*where).stdout


def test_a_run_is_held_to_each_tenants_policy() -> None:
    rules = rules_of(configured(redaction_toml=POLICY, redaction_key=KEY), 1 << 20)
    acme, beta = rules.redaction("acme"), rules.redaction("beta")
    assert beta.redact(TEXT) == "User [REDACTED:phone] logged in from [REDACTED:ipv4]"
    assert acme.redact(TEXT).endswith("from 9.9.9.9")
    assert acme.version != beta.version


# ---- the start -----------------------------------------------------------------------------------


def test_a_wrong_file_ends_the_start_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "redaction.toml"
    file.write_text('marker = "blank"')
    put(tmp_path / "data", document())
    told = logweir("get", "acme", "a1", "--data-dir", tmp_path / "data", "--redaction-file", file)
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == (
        f"logweir: LOGWEIR_REDACTION_FILE, --redaction-file: {file}: marker:"
        " must be one of plain, rule, hash, and is 'blank'\n"
    )


def test_a_text_in_the_place_of_a_file_is_named_in_its_errors() -> None:
    with pytest.raises(Misconfigured, match=r"^LOGWEIR_REDACTION_TOML: colour: there is no such"):
        redactors(configured(redaction_toml="colour = 1"))


def test_a_key_is_in_no_error(tmp_path: Path) -> None:
    told = logweir(
        *("worker", "--data-dir", tmp_path),
        LOGWEIR_REDACTION_KEY="a short key",
        LOGWEIR_REDACTION_TOML=POLICY,
    )
    assert told.exit_code == 2
    assert told.stderr == ("logweir: LOGWEIR_REDACTION_KEY must be 16 bytes at least, and is 11\n")
