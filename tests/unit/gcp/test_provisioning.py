"""Topics and subscriptions on the emulator: as they are on the cloud, and made once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("google.pubsub_v1", reason="comes with the extra gcp")

import grpc.aio
from tests.support.pubsub import channel_to

from logweir.backends.gcp.emulator import provision
from logweir.backends.gcp.names import Names
from logweir.backends.gcp.streams import subscriber

PUSH = "http://127.0.0.1:9/"


@pytest.fixture
async def channel(pubsub: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the emulator."""
    async with channel_to(pubsub) as channel:
        yield channel


@pytest.fixture
def names(project: str) -> Names:
    """Names in a project of the test's own."""
    return Names(project, "acme")


async def subscriptions(channel: grpc.aio.Channel, names: Names) -> dict[str, Any]:
    """All of the project, by their short names."""
    project = f"projects/{names.project}"
    listed = await subscriber(channel).list_subscriptions(project=project)
    return {each.name.rpartition("/")[2]: each async for each in listed}


async def test_each_of_the_four_topics_has_a_subscription_of_its_name(
    channel: grpc.aio.Channel, names: Names
) -> None:
    await provision(channel, names)
    found = await subscriptions(channel, names)
    assert set(found) == {"acme-logs", "acme-chunks", "acme-dead", "acme-quarantine"}
    for name, each in found.items():
        assert each.topic == names.topic(name)
        assert each.push_config.push_endpoint == ""
        assert each.ack_deadline_seconds == 10


async def test_no_subscription_ever_expires(channel: grpc.aio.Channel, names: Names) -> None:
    await provision(channel, names)
    for each in (await subscriptions(channel, names)).values():
        assert "expiration_policy" in each
        assert not each.expiration_policy.ttl


@pytest.mark.parametrize("push_to", [None, PUSH])
async def test_the_lanes_alone_give_up_after_a_hundred_deliveries(
    channel: grpc.aio.Channel, names: Names, push_to: str | None
) -> None:
    await provision(channel, names, push_to=push_to)
    found = await subscriptions(channel, names)
    for lane in ("acme-logs", "acme-chunks"):
        policy = found[lane].dead_letter_policy
        assert policy.dead_letter_topic == names.topic("acme-dead")
        assert policy.max_delivery_attempts == 100
    for other in ("acme-dead", "acme-quarantine"):
        assert "dead_letter_policy" not in found[other]


async def test_what_is_pushed_on_a_lane_waits_between_deliveries(
    channel: grpc.aio.Channel, names: Names
) -> None:
    await provision(channel, names, push_to=PUSH)
    found = await subscriptions(channel, names)
    for lane in ("acme-logs", "acme-chunks"):
        retry = found[lane].retry_policy
        assert retry.minimum_backoff.total_seconds() == 0.1
        assert retry.maximum_backoff.total_seconds() == 10


async def test_provisioning_twice_is_harmless(channel: grpc.aio.Channel, names: Names) -> None:
    await provision(channel, names)
    before = await subscriptions(channel, names)
    await provision(channel, names)
    assert await subscriptions(channel, names) == before


async def test_what_is_pushed_has_ten_minutes_and_the_quarantine_is_never_pushed(
    channel: grpc.aio.Channel, names: Names
) -> None:
    await provision(channel, names, push_to=PUSH)
    for name, each in (await subscriptions(channel, names)).items():
        pushed = name != "acme-quarantine"
        assert each.push_config.push_endpoint == (PUSH if pushed else "")
        assert each.ack_deadline_seconds == (600 if pushed else 10)


async def test_subscriptions_can_be_switched_from_pull_to_push_and_back(
    channel: grpc.aio.Channel, names: Names
) -> None:
    await provision(channel, names)
    pulled = await subscriptions(channel, names)
    await provision(channel, names, push_to=PUSH)
    switched = await subscriptions(channel, names)
    await provision(channel, Names(names.project, "fresh"), push_to=PUSH)
    fresh = await subscriptions(channel, names)
    for name in ("logs", "chunks", "dead", "quarantine"):
        switched_to, made = switched[f"acme-{name}"], fresh[f"fresh-{name}"]
        assert switched_to.push_config == made.push_config
        assert switched_to.ack_deadline_seconds == made.ack_deadline_seconds
        assert switched_to.retry_policy == made.retry_policy
    await provision(channel, names)
    again = await subscriptions(channel, names)
    assert {name: again[name] for name in pulled} == pulled


async def test_two_deployments_in_one_project_touch_each_other_in_nothing(
    channel: grpc.aio.Channel, names: Names
) -> None:
    await provision(channel, names)
    await provision(channel, Names(names.project, "other"), push_to=PUSH)
    found = await subscriptions(channel, names)
    assert len(found) == 8
    assert found["acme-logs"].push_config.push_endpoint == ""
    assert found["other-logs"].dead_letter_policy.dead_letter_topic == names.topic("other-dead")
