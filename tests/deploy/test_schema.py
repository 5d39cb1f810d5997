"""deploy/gcp against what Google's provider knows; and that the check itself sees what is wrong."""

from __future__ import annotations

import pytest
from tests.deploy.configuration import faults, parse, read, schema

TOPIC = 'resource "google_pubsub_topic" "a" {\n  name = "a"\n}\n'


def test_the_deployment_has_only_what_the_provider_knows() -> None:
    assert faults(read(), schema()) == []


def test_the_deployment_is_read_whole() -> None:
    configuration = read()

    assert len(configuration.resources) >= 30
    assert {"project", "image", "chunk_seconds"} <= set(configuration.variables)
    assert {"ingest_url", "gateway_url"} <= set(configuration.outputs)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            'resource "google_pubsub_topic" "a" {\n  name = "a"\n  nmae = "b"\n}',
            "google_pubsub_topic.a: nmae: no such argument or block",
        ),
        (
            'resource "google_pubsub_topic" "a" {}',
            "google_pubsub_topic.a: name: is required, and missing",
        ),
        (
            'resource "google_pubsub_topic" "a" {\n  name = "a"\n  retention {\n  }\n}',
            "google_pubsub_topic.a: retention: no such argument or block",
        ),
        (
            TOPIC + 'resource "google_pubsub_subscription" "s" {\n  name = "s"\n'
            "  topic = google_pubsub_topic.a.id\n  retry_policy {\n    backoff = 3\n  }\n}",
            "google_pubsub_subscription.s: retry_policy: backoff: no such argument or block",
        ),
        (
            TOPIC + 'resource "google_pubsub_subscription" "s" {\n  name = "s"\n'
            "  topic = google_pubsub_topic.a.id\n  push_config {}\n}",
            "google_pubsub_subscription.s: push_config: push_endpoint: is required, and missing",
        ),
        (
            TOPIC + 'resource "google_pubsub_subscription" "s" {\n  name = "s"\n'
            "  topic = google_pubsub_topic.a.id\n"
            '  expiration_policy {\n    ttl = ""\n  }\n  expiration_policy {\n    ttl = ""\n  }\n}',
            "google_pubsub_subscription.s: expiration_policy: given 2 times, and may be given once",
        ),
        (
            TOPIC + 'resource "google_pubsub_subscription" "s" {\n  name = "s"\n'
            "  topic = google_pubsub_topic.a.id\n  retry_policy = {}\n}",
            "google_pubsub_subscription.s: retry_policy: is a block, and is given as an argument",
        ),
        (
            'resource "google_pubsub_topic" "a" {\n  name {\n    x = 1\n  }\n}',
            "google_pubsub_topic.a: name: is an argument, and is given as a block",
        ),
        (
            TOPIC + 'resource "google_pubsub_subscription" "s" {\n  name = "s"\n'
            '  topic = google_pubsub_topic.a.id\n  ack_deadline_seconds = "long"\n}',
            "google_pubsub_subscription.s: ack_deadline_seconds: is 'long', and must be a number",
        ),
        (
            (
                'resource "google_pubsub_topic" "a" {\n  name = "a"\n'
                '  dynamic "message_storage_policy" {\n    for_each = [1]\n    content {\n'
                "      allowed_persistence_regions = []\n      regions = []\n    }\n  }\n}"
            ),
            "google_pubsub_topic.a: message_storage_policy: regions: no such argument or block",
        ),
        (
            'resource "google_pubsub_topic" "a" {\n  name = var.nmae\n}',
            "google_pubsub_topic.a: var.nmae: is not declared",
        ),
        (
            'output "o" {\n  value = google_pubsub_topic.b.id\n}',
            "output.o: google_pubsub_topic.b: is not declared",
        ),
        (
            TOPIC + 'output "o" {\n  value = google_pubsub_topic.a.uri\n}',
            "output.o: google_pubsub_topic.a.uri: no such attribute",
        ),
        (
            'resource "google_pubsub_tpoic" "a" {\n  name = "a"\n}',
            "google_pubsub_tpoic.a: no such type in the schema; scripts/provider_schema.py",
        ),
        (TOPIC + TOPIC, "google_pubsub_topic.a: declared twice"),
        (
            'provider "google" {\n  regoin = "x"\n}',
            "provider google: regoin: no such argument or block",
        ),
    ],
)
def test_a_fault_is_seen(text: str, fault: str) -> None:
    assert faults(parse(text), schema()) == [fault]


def test_a_circle_is_seen() -> None:
    circle = """
resource "google_pubsub_topic" "a" {
  name       = "a"
  depends_on = [google_pubsub_topic.b]
}
resource "google_pubsub_topic" "b" {
  name = local.b
}
locals {
  b = google_pubsub_topic.a.name
}
"""
    (fault,) = faults(parse(circle), schema())

    assert fault.startswith("goes round in a circle")


def test_what_is_right_has_no_fault() -> None:
    right = (
        'variable "names" {\n  type = set(string)\n}\n'
        'resource "google_pubsub_topic" "a" {\n  for_each = var.names\n  name = each.key\n'
        "  lifecycle {\n    ignore_changes = [labels]\n  }\n}\n"
        'output "ids" {\n'
        "  value = { for name in var.names : name => google_pubsub_topic.a[name].id }\n}"
    )
    assert faults(parse(right), schema()) == []
