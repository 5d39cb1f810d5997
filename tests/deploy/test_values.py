"""What Terraform works out of the variables; and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.deploy import terraform
from tests.deploy.configuration import DEPLOYMENT, ROOT
from tests.deploy.terraform import Refused, values

from logweir.settings import load

pytestmark = pytest.mark.usefixtures("with_terraform")


@pytest.fixture
def with_terraform() -> None:
    terraform.required()


def test_the_files_are_formatted() -> None:
    checked = terraform.run("fmt", "-check", "-diff", folder=DEPLOYMENT)

    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("chunk_seconds", [1, 20, 60, 240.5, 300])
def test_a_chunk_ends_well_within_its_deadline(tmp_path: Path, chunk_seconds: float) -> None:
    deadline = values(tmp_path, chunk_seconds=chunk_seconds)["ack_deadline_seconds"]

    assert 2 * chunk_seconds <= deadline <= 600
    assert deadline == int(deadline)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("chunk_seconds", 0, "chunk_seconds must be 1 to 300"),
        ("chunk_seconds", 301, "chunk_seconds must be 1 to 300"),
        ("worker_concurrency", 1001, "worker_concurrency must be 1 to 1000"),
        ("worker_instances_max", 0, "worker_instances_max must be 1 to 100"),
        ("gateway_instances_max", 1000, "gateway_instances_max must be 1 to 100"),
        ("text_bytes_max", 9_000_000, "text_bytes_max must be 1 to 8388608"),
        ("prefix", "Logweir", "The prefix must be"),
        ("prefix", "goog-logs", "The prefix must be"),
        ("prefix", "a-prefix-of-20-chars", "The prefix must be"),
        ("database", "Main", "The database must be"),
        ("redaction_file", "none.toml", "redaction_file must be a file of at most 32,000"),
        ("redaction_key_secret", "a/b", "redaction_key_secret must be the name"),
        ("redaction_key_version", "latest", "redaction_key_version must be a number"),
        ("tenant_databases", {"a/b": "abcd"}, "A tenant must be"),
        ("tenant_databases", {"acme": "(default)"}, "A tenant's database must be"),
        ("tenant_databases", {"a": "same", "b": "same"}, "Each tenant's database must be its own"),
        ("tenant_databases", {f"t{n}": f"db-{n}" for n in range(100)}, "100 databases at most"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, variable: str, value: object, reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        values(tmp_path, **{variable: value})


def test_the_environment_of_both_services_is_one_that_logweir_takes(tmp_path: Path) -> None:
    found = values(tmp_path, tenant_databases={"Acme.1": "acme-logs", "beta": "beta-logs"})

    gateway = load(found["environment"] | {"PORT": "8080"})
    worker = load(found["environment"] | found["worker_environment"] | {"PORT": "8080"})

    assert (gateway.backend, gateway.host, gateway.gcp_project) == ("gcp", "0.0.0.0", "a-project")
    assert worker.concurrency == 1000
    assert worker.gcp_push_auth == "platform"


def test_the_worker_is_given_the_file_of_redaction_as_it_is(tmp_path: Path) -> None:
    text = 'marker = "rule"\n\n[tenants.acme]\noff = ["ipv4"] # «so»\n'
    (tmp_path / "redaction.toml").write_text(text)
    found = values(tmp_path, redaction_file="redaction.toml")

    assert load(found["environment"] | found["worker_environment"]).redaction_toml == text
    assert "LOGWEIR_REDACTION_TOML" not in found["environment"]
    (tmp_path / "redaction.toml").write_text("#" * 32_001)
    with pytest.raises(Refused, match="redaction_file must be"):
        values(tmp_path, redaction_file="redaction.toml")


def test_the_tenants_with_a_database_are_told_to_the_worker_with_their_accounts(
    tmp_path: Path,
) -> None:
    found = values(tmp_path, tenant_databases={"acme": "acme-logs"})

    # The account is a resource's, so that one's address stands for it.
    assert found["worker_environment"]["LOGWEIR_GCP_TENANT_DATABASES"] == (
        "acme=acme-logs:google_service_account.tenant@example.com"
    )


@pytest.mark.parametrize(
    ("collection", "fields"),
    [
        ("processed_logs", {"original_text", "modified_data", "processed_at", "received_at"}),
        ("dead_letters", {"text", "error", "received_at", "buried_at"}),
        ("plans", {"text", "received_at"}),
        ("parts", {"text"}),
    ],
)
def test_long_fields_and_times_have_no_index_in_any_database(
    tmp_path: Path, collection: str, fields: set[str]
) -> None:
    exemptions = values(tmp_path, tenant_databases={"acme": "acme-logs"})["exemptions"].values()

    for database in ("(default)", "acme-logs"):
        exempt = {
            each["field"]
            for each in exemptions
            if (each["database"], each["collection"]) == (database, collection)
        }
        assert fields <= exempt


@pytest.mark.parametrize(
    ("collection", "field"),
    [
        *(("dead_letters", "log_id"), ("plans", "log_id"), ("recorded", "plan")),
        ("plans", "characters"),
    ],
)
def test_what_queries_go_by_keeps_its_index(tmp_path: Path, collection: str, field: str) -> None:
    assert field not in values(tmp_path)["unindexed"].get(collection, [])


def test_the_path_by_hand_exempts_the_same_fields(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "deploy-gcp.md").read_text()
    by_hand = {line.split()[1]: line.split()[2:] for line in text.splitlines() if _exempts(line)}

    assert by_hand == values(tmp_path)["unindexed"]


def test_the_path_by_hand_has_the_same_deadline(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "deploy-gcp.md").read_text()
    deadline = values(tmp_path)["ack_deadline_seconds"]

    assert f"--ack-deadline={deadline} " in text
    assert f"--timeout={deadline} " in text


def _exempts(line: str) -> bool:
    return line.startswith("exempt ")
