"""The settings: from the environment and from flags, and what is wrong is said at start."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from logweir.bootstrap import open_ports
from logweir.errors import Misconfigured
from logweir.ids import TenantId
from logweir.limits import DEFAULT_LIMITS
from logweir.settings import (
    PREFIX,
    Backend,
    LogLevel,
    PushAuth,
    RedactionEngine,
    Settings,
    load,
    variable_of,
)
from logweir.values import Secret, TenantDatabase


def test_nothing_set_gives_the_defaults() -> None:
    assert load({}) == Settings()
    assert (
        load({"HOME": "/root", "PATH": "x", "logweir_port": "x", "XLOGWEIR_PORT": "x"})
        == Settings()
    )
    assert Settings().host == "127.0.0.1"
    assert Settings().port == 8080
    assert Settings().limits == DEFAULT_LIMITS


SET = {
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("0", 0),
    "data_dir": ("/var/lib/logweir", Path("/var/lib/logweir")),
    "workers": ("3", 3),
    "concurrency": ("17", 17),
    "seconds_per_character": ("0.001", 0.001),
    "chunk_seconds": ("0", 0.0),
    "work": ("my.package:function", "my.package:function"),
    "text_bytes_max": ("1000", 1000),
    "backlog_characters_max": ("5000", 5000),
    "tenant_backlog_characters_max": ("0", 0),
    "attempts_max": ("1", 1),
    "receive_seconds_max": ("0.5", 0.5),
    "lease_seconds": ("2.5", 2.5),
    "drain_seconds": ("0", 0.0),
    "redaction_file": ("/etc/logweir/redaction.toml", Path("/etc/logweir/redaction.toml")),
    "redaction_key": ("sixteen bytes ok", Secret("sixteen bytes ok")),
    "redaction_engine": ("re", RedactionEngine.RE),
    "log_level": ("debug", LogLevel.DEBUG),
    "gcp_project": ("my-project", "my-project"),
    "gcp_prefix": ("logs-eu", "logs-eu"),
    "gcp_database": ("logs-eu", "logs-eu"),
    "gcp_tenant_databases": (
        "acme=acme-db,Globex=g-db:globex@p.iam.gserviceaccount.com",
        (
            TenantDatabase(TenantId("acme"), "acme-db", None),
            TenantDatabase(TenantId("Globex"), "g-db", "globex@p.iam.gserviceaccount.com"),
        ),
    ),
    "gcp_push_auth": ("platform", PushAuth.PLATFORM),
    "gcp_push_audience": ("https://worker.example", "https://worker.example"),
    "gcp_push_account": ("push@p.iam.gserviceaccount.com", "push@p.iam.gserviceaccount.com"),
    "aws_region": ("eu-central-1", "eu-central-1"),
    "aws_prefix": ("logs-eu", "logs-eu"),
    "aws_queue_url": (
        "https://sqs.us-east-1.amazonaws.com/1",
        "https://sqs.us-east-1.amazonaws.com/1",
    ),
    "aws_lanes": ("1", 1),
}


@pytest.mark.parametrize(("name", "text", "value"), [(n, *both) for n, both in SET.items()])
def test_each_is_set_by_its_variable_or_by_its_flag(name: str, text: str, value: object) -> None:
    assert getattr(load({PREFIX + name.upper(): text}), name) == value
    assert getattr(load({}, {name: text}), name) == value
    assert value != getattr(Settings(), name)


def test_a_flag_wins_over_its_variable() -> None:
    assert load({"LOGWEIR_PORT": "1"}, {"port": "2"}).port == 2
    assert load({"LOGWEIR_PORT": "nonsense"}, {"port": "2"}).port == 2


def test_cloud_runs_port_counts_but_ours_wins() -> None:
    assert load({"PORT": "9000"}).port == 9000
    assert load({"PORT": "9000", "LOGWEIR_PORT": "9001"}).port == 9001
    assert load({"PORT": "9000"}, {"port": "9002"}).port == 9002


def test_cloud_runs_port_is_named_where_it_is_impossible() -> None:
    with pytest.raises(Misconfigured, match=r"^PORT must be a number, and is 'abc'"):
        load({"PORT": "abc"})
    assert load({"PORT": "abc", "LOGWEIR_PORT": "9001"}).port == 9001


@pytest.mark.parametrize("name", ["LOGWEIR_PROT", "LOGWEIR_", "LOGWEIR_PORT_", "LOGWEIR_DATADIR"])
def test_an_unknown_name_is_an_error_that_names_it_and_what_there_is(name: str) -> None:
    with pytest.raises(Misconfigured, match=rf"^{name}: .*LOGWEIR_PORT.*LOGWEIR_DATA_DIR") as error:
        load({name: "1"})
    for field in dataclasses.fields(Settings):
        variable = variable_of(field)
        assert (variable in str(error.value)) is variable.startswith(PREFIX)


IMPOSSIBLE = {
    "backend": ["", "gpc", "LOCAL"],
    "host": [""],
    "data_dir": [""],
    "port": ["", "x", "-1", "65536", "80.5", "1e3", "9" * 5000],
    "workers": ["0", "-1", "1025", "two"],
    "concurrency": ["0", "1000001"],
    "seconds_per_character": ["-0.1", "nan", "inf", "3601", "", "0,05"],
    "chunk_seconds": ["-1", "NaN", "infinity", "86401"],
    "work": ["", "function", "module:", ":function", "a b:c", "a:b:c", "a/b:c", "a.:c", "a:b.c"],
    "text_bytes_max": ["0", "67108865", "4MB"],
    "backlog_characters_max": ["-1", "1e9", "", "1000000000000001"],
    "tenant_backlog_characters_max": ["-1", "x"],
    "attempts_max": ["0", "1001"],
    "receive_seconds_max": ["0", "nan"],
    "lease_seconds": ["0.9", "3601"],
    "drain_seconds": ["-1", "3601"],
    "redaction_file": [""],
    "redaction_key": ["", "fifteen bytes -"],
    "redaction_engine": ["", "Re", "regex"],
    "log_level": ["", "loud", "INFO"],
    "gcp_project": ["", "a/b", "a b"],
    "gcp_prefix": ["", "1a", "a/b", "google", "goog", "a" * 65],
    "gcp_database": ["", "Default", "ab", "a/b", "(other)"],
    "gcp_tenant_databases": [
        *("acme", "acme=", "=acme-db", "acme=acme-db,acme=other-db", "a/b=acme-db", "acme=A"),
        *("acme=acme-db:nobody", "acme=acme-db:", "acme acme-db"),
    ],
    "gcp_push_auth": ["", "none"],
    "gcp_push_audience": [""],
    "gcp_push_account": ["", "nobody"],
    "aws_region": ["", "US East"],
    "aws_prefix": ["", "ab", "a/b", "-ab", "a" * 62],
    "aws_queue_url": ["", "sqs", "https://sqs/1/", "https://sqs/1?x"],
    "aws_lanes": ["0", "3"],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in IMPOSSIBLE.items() for text in texts]
)
def test_an_impossible_value_is_an_error_that_names_its_setting(name: str, text: str) -> None:
    with pytest.raises(Misconfigured, match=rf"^LOGWEIR_{name.upper()} must be"):
        load({PREFIX + name.upper(): text})
    with pytest.raises(Misconfigured, match=r"must be"):
        load({}, {name: text})


@pytest.mark.parametrize(
    "environment",
    [{}, {"PORT": "1"}, {PREFIX + name.upper(): text for name, (text, _) in SET.items()}],
    ids=["defaults", "port", "all"],
)
def test_a_process_that_is_started_with_the_environment_has_the_same_settings(
    environment: dict[str, str],
) -> None:
    settings = load(environment)
    assert load(settings.environment()) == settings


def test_the_policy_of_redaction_may_be_a_text_instead_of_a_file() -> None:
    environment = {"LOGWEIR_REDACTION_TOML": 'marker = "rule"\n'}
    settings = load(environment)
    assert settings.redaction_toml == 'marker = "rule"\n'
    assert load(settings.environment()) == settings
    with pytest.raises(Misconfigured, match=r"^LOGWEIR_REDACTION_FILE.*: set one of them"):
        load(environment, {"redaction_file": "there.toml"})


def test_a_key_is_shown_nowhere() -> None:
    settings = load({"LOGWEIR_REDACTION_KEY": "the key of hashes"})
    key = settings.redaction_key
    assert key is not None
    for shown in (repr(settings), str(settings), repr(key), str(key), f"{key}", f"{key!r}"):
        assert "the key" not in shown
    with pytest.raises(Misconfigured, match=r"must be 16 bytes at least, and is 13$") as error:
        load({"LOGWEIR_REDACTION_KEY": "the short key"})
    assert error.value.__cause__ is None
    assert key.reveal() == "the key of hashes"
    assert (key == Secret("the key of hashes"), key == "the key of hashes") == (True, False)


def test_the_limits_follow_the_settings() -> None:
    limits = load({PREFIX + name.upper(): text for name, (text, _) in SET.items()}).limits
    assert (limits.text_bytes_max, limits.body_bytes_max) == (1000, 64 * 1024)
    assert (limits.attempts_max, limits.receive_seconds_max) == (1, 0.5)
    assert (limits.backlog_characters_max, limits.tenant_backlog_characters_max) == (5000, 0)
    assert (limits.lease_seconds, limits.heartbeat_seconds, limits.drain_seconds) == (2.5, 0.5, 0.0)


def test_a_name_counts_as_it_is_spelled() -> None:
    with pytest.raises(Misconfigured, match="LOGWEIR_Port: there is no such setting"):
        load({"LOGWEIR_Port": "1"})


def test_a_small_text_limit_leaves_room_for_json_around_the_text() -> None:
    assert load({"LOGWEIR_TEXT_BYTES_MAX": "1"}).limits.body_bytes_max == 64 * 1024


async def test_a_data_directory_that_cannot_be_used_is_an_error_that_names_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "leases").write_text("a file where a directory belongs")
    settings = load({"LOGWEIR_DATA_DIR": str(tmp_path)})
    with pytest.raises(Misconfigured, match=r"LOGWEIR_DATA_DIR.* cannot be used: File exists"):
        async with open_ports(settings):
            pass


# ---- Google Cloud --------------------------------------------------------------------------------

EMULATORS = {"PUBSUB_EMULATOR_HOST": "127.0.0.1:8085", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:8086"}
GCP = {"LOGWEIR_BACKEND": "gcp"}


def test_on_google_cloud_a_project_is_needed_but_for_the_emulators() -> None:
    with pytest.raises(Misconfigured, match="LOGWEIR_GCP_PROJECT"):
        load(GCP)
    assert load(GCP | {"GOOGLE_CLOUD_PROJECT": "p"}).gcp_project == "p"
    assert not load(GCP | {"LOGWEIR_GCP_PROJECT": "p"}).on_emulators
    assert load(GCP | EMULATORS).on_emulators


@pytest.mark.parametrize("one", EMULATORS)
def test_one_emulator_alone_is_a_mistake(one: str) -> None:
    alone = {one: EMULATORS[one]}
    with pytest.raises(Misconfigured, match="set both, or neither"):
        load(GCP | alone | {"LOGWEIR_GCP_PROJECT": "p"})
    assert load(alone).backend is Backend.LOCAL


def test_an_emulators_address_must_be_one() -> None:
    with pytest.raises(Misconfigured, match=r"must be host:port, and is 'http://localhost'"):
        load(GCP | EMULATORS | {"PUBSUB_EMULATOR_HOST": "http://localhost"})


def test_what_is_not_ours_alone_and_empty_is_not_set() -> None:
    foreign = ("PORT", "GOOGLE_CLOUD_PROJECT", *EMULATORS)
    assert load(dict.fromkeys(foreign, "")) == Settings()


def test_the_emulators_are_the_same_for_a_process_that_is_started() -> None:
    settings = load(GCP | EMULATORS)
    assert load(settings.environment()) == settings


# ---- AWS -----------------------------------------------------------------------------------------

AWS = {"LOGWEIR_BACKEND": "aws"}


@pytest.mark.parametrize(
    ("endpoint", "emulated"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://[::1]:4566/", True),
        ("https://ministack.example", True),
        ("https://vpce-1-2.sqs.us-east-1.vpce.amazonaws.com", False),
        ("https://sqs.cn-north-1.amazonaws.com.cn", False),
        ("https://dynamodb.us-east-1.api.aws", False),
        ("https://amazonaws.com.example", True),
        ("", False),
    ],
)
def test_an_endpoint_that_is_not_amazons_is_an_emulator(endpoint: str, emulated: bool) -> None:
    assert load(AWS | {"AWS_ENDPOINT_URL": endpoint}).on_emulators is emulated


@pytest.mark.parametrize("endpoint", ["localhost:4566", "ftp://a", "http://u:p@host", "http://a/b"])
def test_an_endpoint_must_be_a_url(endpoint: str) -> None:
    with pytest.raises(Misconfigured, match=r"^AWS_ENDPOINT_URL: must be http://host:port"):
        load(AWS | {"AWS_ENDPOINT_URL": endpoint})
    assert load({"AWS_ENDPOINT_URL": endpoint}).backend is Backend.LOCAL


def test_lambdas_region_counts_but_ours_wins() -> None:
    assert load({"AWS_REGION": "us-east-2"}).aws_region == "us-east-2"
    both = {"AWS_REGION": "us-east-2", "LOGWEIR_AWS_REGION": "eu-west-1"}
    assert load(both).aws_region == "eu-west-1"


def test_a_lease_is_longer_where_each_renewal_costs() -> None:
    assert load({}).limits.lease_seconds == 10
    assert load(AWS).limits.lease_seconds == 30
    assert load(AWS | {"LOGWEIR_LEASE_SECONDS": "5"}).limits.lease_seconds == 5
