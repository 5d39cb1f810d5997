"""What the deployment promises, whatever else is changed in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.deploy.configuration import Configuration, Resource, read, texts

from logweir.backends.gcp.names import Names
from logweir.pipeline.broker import Lane
from logweir.settings import PREFIX, Settings, load, variable_of

DOCS = Path(__file__).parents[2] / "docs" / "deploy-gcp.md"
SERVICE = "google_cloud_run_v2_service"
INVOKER = f"{SERVICE}_iam_member"
LANE = "google_pubsub_subscription.lane"


@pytest.fixture(scope="module")
def deployed() -> Configuration:
    return read()


def grants(deployed: Configuration) -> Iterator[Resource]:
    yield from (each for each in deployed.resources if "_iam_" in each.kind)


def grants_to(deployed: Configuration, account: str) -> dict[str, str]:
    """Address to role, of all that an account may do."""
    member = f"${{google_service_account.{account}.member}}"
    return {g.address: g.body["role"] for g in grants(deployed) if g.body["member"] == member}


def test_anyone_may_call_the_gateway_without_authentication(deployed: Configuration) -> None:
    (public,) = [g for g in grants(deployed) if "allUsers" in g.body["member"]]

    assert public.kind == INVOKER
    assert public.body["name"] == f"${{{SERVICE}.gateway.name}}"
    assert public.body["role"] == "roles/run.invoker"
    assert deployed[f"{SERVICE}.gateway"].body["ingress"] == "INGRESS_TRAFFIC_ALL"


def test_only_pubsub_may_call_the_worker(deployed: Configuration) -> None:
    (invoker,) = [
        each for each in deployed.of(INVOKER) if each.body["name"] == f"${{{SERVICE}.worker.name}}"
    ]

    assert invoker.body["member"] == "${google_service_account.push.member}"
    assert deployed[f"{SERVICE}.worker"].body["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    for service in deployed.of(SERVICE):
        assert "invoker_iam_disabled" not in service.body
        assert "custom_audiences" not in service.body


@pytest.mark.parametrize(
    ("publisher", "subscription"),
    [
        (f"{SERVICE}.gateway", LANE),
        (LANE, "google_pubsub_subscription.dead"),
        (f"{SERVICE}.worker", "google_pubsub_subscription.quarantine"),
    ],
)
def test_nobody_publishes_before_somebody_subscribes(
    deployed: Configuration, publisher: str, subscription: str
) -> None:
    assert f"${{{subscription}}}" in deployed[publisher].body["depends_on"]


def test_the_path_by_hand_makes_the_gateway_last() -> None:
    by_hand = DOCS.read_text()
    gateway = by_hand.index("gcloud run deploy logweir-gateway")
    assert by_hand.rindex("gcloud pubsub subscriptions create") < gateway


def test_nothing_is_public_to_all_who_have_a_google_account(deployed: Configuration) -> None:
    assert not [g for g in grants(deployed) if "allAuthenticatedUsers" in g.body["member"]]


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_a_service_scales_to_zero_and_no_further_than_its_bound(
    deployed: Configuration, name: str
) -> None:
    service = deployed[f"{SERVICE}.{name}"]
    scaling = service.block("template", "scaling")
    container = service.block("template", "containers")
    (resources,) = container["resources"]

    assert scaling["min_instance_count"] == 0
    assert scaling["max_instance_count"] == f"${{var.{name}_instances_max}}"
    assert deployed.variables[f"{name}_instances_max"]["default"] <= 10
    assert resources["cpu_idle"] is True  # paid for while requests are open, and not for ever
    assert resources["limits"]["cpu"] == "1"
    assert "scaling" not in service.body


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_health_is_by_tcp_at_the_port_that_logweir_is_told(
    deployed: Configuration, name: str
) -> None:
    container = deployed[f"{SERVICE}.{name}"].block("template", "containers")
    (probe,), (port,) = container["startup_probe"], container["ports"]

    assert "http_get" not in probe  # the public port answers one route, and health is not on it
    assert "liveness_probe" not in container
    assert probe["tcp_socket"][0]["port"] == port["container_port"] == "${local.port}"


def test_both_services_are_of_one_image(deployed: Configuration) -> None:
    containers = {s.name: s.block("template", "containers") for s in deployed.of(SERVICE)}

    assert {c["image"] for c in containers.values()} == {"${var.image}"}
    assert {name: c["args"] for name, c in containers.items()} == {
        "gateway": ["gateway"],
        "worker": ["push"],
    }


def test_no_two_services_share_an_account(deployed: Configuration) -> None:
    accounts = [s.block("template")["service_account"] for s in deployed.of(SERVICE)]

    assert len(set(accounts)) == len(accounts) == 2
    assert all(account.startswith("${google_service_account.") for account in accounts)


def test_nobody_gets_a_role_that_reaches_everything(deployed: Configuration) -> None:
    roles = {g.body["role"] for g in grants(deployed)}
    basic = re.compile(r"^roles/(owner|editor|viewer|browser)$|admin", re.IGNORECASE)

    assert not set(filter(basic.search, roles))


def test_the_gateway_may_publish_and_add_up_what_is_unfinished_and_no_more(
    deployed: Configuration,
) -> None:
    assert grants_to(deployed, "gateway") == {
        "google_pubsub_topic_iam_member.gateway_publishes": "roles/pubsub.publisher",
        "google_project_iam_member.gateway_adds_up": "roles/datastore.viewer",
    }
    granted = deployed["google_pubsub_topic_iam_member.gateway_publishes"].body
    assert "google_pubsub_topic.lane" in granted["topic"]


def test_without_a_bound_the_gateway_has_no_right_to_the_database(deployed: Configuration) -> None:
    count = deployed["google_project_iam_member.gateway_adds_up"].body["count"]

    assert count == (
        "${var.backlog_characters_max + var.tenant_backlog_characters_max > 0 ? 1 : 0}"
    )


def test_the_worker_may_publish_and_store_and_no_more(deployed: Configuration) -> None:
    assert grants_to(deployed, "worker") == {
        "google_pubsub_topic_iam_member.worker_publishes": "roles/pubsub.publisher",
        "google_pubsub_topic_iam_member.worker_quarantines": "roles/pubsub.publisher",
        "google_project_iam_member.worker_stores": "roles/datastore.user",
        "google_service_account_iam_member.worker_acts_for_tenant": (
            "roles/iam.serviceAccountTokenCreator"
        ),
        "google_secret_manager_secret_iam_member.worker_reads_key": (
            "roles/secretmanager.secretAccessor"
        ),
    }


def test_the_worker_reads_one_secret_and_only_where_values_are_hashed(
    deployed: Configuration,
) -> None:
    granted = deployed["google_secret_manager_secret_iam_member.worker_reads_key"].body

    assert granted["secret_id"] == "${var.redaction_key_secret}"
    assert granted["count"] == '${var.redaction_key_secret == "" ? 0 : 1}'


def test_the_gateway_which_redacts_nothing_has_no_key(deployed: Configuration) -> None:
    gateway, worker = (deployed[f"{SERVICE}.{name}"].body for name in ("gateway", "worker"))

    assert not [text for text in texts(gateway) if "redaction" in text.lower()]
    assert "LOGWEIR_REDACTION_KEY" in texts(worker)


def test_the_push_account_may_call_the_worker_and_no_more(deployed: Configuration) -> None:
    assert grants_to(deployed, "push") == {f"{INVOKER}.push_invokes_worker": "roles/run.invoker"}


def test_a_right_to_store_or_read_is_a_right_to_one_database(deployed: Configuration) -> None:
    stores = [g for g in grants(deployed) if g.body["role"].startswith("roles/datastore.")]

    assert len(stores) == 3
    for grant in stores:
        expression = grant.block("condition")["expression"]
        assert re.fullmatch(
            r'resource\.name == \\?"projects/\$\{var\.project\}/databases/\$\{[\w.]+\}\\?"',
            expression,
        )


def test_a_right_on_the_whole_project_is_named_here(deployed: Configuration) -> None:
    wide = {g.name for g in grants(deployed) if g.kind == "google_project_iam_member"}

    assert wide == {"gateway_adds_up", "worker_stores", "tenant_stores", "build_logs"}


@pytest.mark.parametrize("name", ["lane", "dead", "quarantine"])
def test_a_subscription_never_expires_and_keeps_as_long_as_it_may(
    deployed: Configuration, name: str
) -> None:
    subscription = deployed[f"google_pubsub_subscription.{name}"]

    assert subscription.block("expiration_policy")["ttl"] == ""
    assert subscription.body["message_retention_duration"] == "${local.retention}"
    assert deployed.locals["retention"] == f"{31 * 86400}s"


def test_every_subscription_is_in_the_test_above(deployed: Configuration) -> None:
    names = {each.name for each in deployed.of("google_pubsub_subscription")}

    assert names == {"lane", "dead", "quarantine"}
    assert {t.name for t in deployed.of("google_pubsub_topic")} == names


def test_the_names_are_those_that_logweir_looks_for(deployed: Configuration) -> None:
    names = Names(project="p", prefix="${var.prefix}")
    assert names.lane(Lane.LOG).endswith("-logs")
    assert names.lane(Lane.CHUNK).endswith("-chunks")

    for kind in ("topic", "subscription"):
        named = {n: deployed[f"google_pubsub_{kind}.{n}"].body["name"] for n in ("dead", "lane")}
        assert named == {"dead": names.dead, "lane": "${var.prefix}-${each.key}"}
        assert deployed[f"google_pubsub_{kind}.quarantine"].body["name"] == names.quarantine
    assert deployed.locals["lanes"] == '${toset(["logs", "chunks"])}'


def test_what_was_given_up_goes_to_the_worker_and_what_cannot_be_read_waits_for_people(
    deployed: Configuration,
) -> None:
    dead, quarantine = (deployed[f"google_pubsub_subscription.{n}"] for n in ("dead", "quarantine"))

    assert dead.body["push_config"] == deployed[LANE].body["push_config"]
    assert "dead_letter_policy" not in dead.body  # nothing comes after it
    assert "push_config" not in quarantine.body


def test_a_lane_backs_off_and_has_a_dead_letter_topic(deployed: Configuration) -> None:
    lane = deployed[LANE]

    assert lane.block("retry_policy")["minimum_backoff"] == "10s"
    assert lane.block("retry_policy")["maximum_backoff"] == "600s"
    assert lane.block("dead_letter_policy")["max_delivery_attempts"] == 100
    assert "google_pubsub_topic.dead" in lane.block("dead_letter_policy")["dead_letter_topic"]


def test_dead_lettering_has_the_rights_it_needs(deployed: Configuration) -> None:
    buries = deployed["google_pubsub_topic_iam_member.pubsub_buries"].body
    takes_out = deployed["google_pubsub_subscription_iam_member.pubsub_takes_out"].body

    assert buries["role"] == "roles/pubsub.publisher"
    assert takes_out["role"] == "roles/pubsub.subscriber"
    assert buries["member"] == takes_out["member"] == "${local.pubsub_agent}"
    assert deployed.locals["pubsub_agent"].endswith("@gcp-sa-pubsub.iam.gserviceaccount.com")


def test_the_worker_may_not_publish_where_pubsub_buries(deployed: Configuration) -> None:
    publishing = [g for g in grants(deployed) if g.body["role"] == "roles/pubsub.publisher"]
    to_dead = [g.name for g in publishing if "google_pubsub_topic.dead" in g.body["topic"]]

    assert to_dead == ["pubsub_buries"]


def test_a_push_is_signed_and_its_deadline_is_the_request_s(deployed: Configuration) -> None:
    lane, worker = deployed[LANE], deployed[f"{SERVICE}.worker"]
    token = lane.block("push_config", "oidc_token")

    assert token["service_account_email"] == "${google_service_account.push.email}"
    assert token["audience"] == lane.block("push_config")["push_endpoint"]
    assert lane.body["ack_deadline_seconds"] == "${local.ack_deadline_seconds}"
    assert worker.block("template")["timeout"] == "${local.ack_deadline_seconds}s"


def test_every_setting_that_is_given_exists(deployed: Configuration) -> None:
    given = {t for value in deployed.locals.values() for t in texts(value) if t.startswith(PREFIX)}
    known = {variable_of(f) for f in Settings.__dataclass_fields__.values()}

    assert given
    assert given <= known


def test_the_defaults_are_logweir_s_own(deployed: Configuration) -> None:
    defaults = load({})

    for name in (
        *("seconds_per_character", "chunk_seconds", "text_bytes_max", "attempts_max"),
        *("backlog_characters_max", "tenant_backlog_characters_max"),
    ):
        assert deployed.variables[name]["default"] == getattr(defaults, name)
    assert deployed.variables["worker_concurrency"]["default"] == defaults.concurrency
    assert deployed.variables["prefix"]["default"] == defaults.gcp_prefix
    assert deployed.variables["database"]["default"] == defaults.gcp_database


def test_the_data_outlives_the_deployment_unless_told_otherwise(deployed: Configuration) -> None:
    assert deployed.variables["delete_protection"]["default"] is True
    for database in deployed.of("google_firestore_database"):
        assert database.body["deletion_policy"] == '${var.delete_protection ? "ABANDON" : "DELETE"}'
    for field in deployed.of("google_firestore_field"):
        assert field.body["deletion_policy"] == "ABANDON"


def test_the_backlog_s_age_and_the_undelivered_are_watched(deployed: Configuration) -> None:
    filters = {
        policy.name: "".join(texts(policy.block("conditions", "condition_threshold")))
        for policy in deployed.of("google_monitoring_alert_policy")
    }

    assert "oldest_unacked_message_age" in filters["backlog"]
    assert "-logs" in filters["backlog"]
    assert "-chunks" in filters["backlog"]
    assert "num_undelivered_messages" in filters["dead"]
    assert "-dead" in filters["dead"]
    assert "-quarantine" in filters["dead"]
