"""Pub/Sub and Firestore as somebody sees them who knows nothing of ours: Google's clients alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.support.firestore import everything
from tests.support.outsider import Found, Key

_PREFIX: Final = "logweir"  # of topics and subscriptions
_PULLED_MAX: Final = 1000
_OPTIONS: Final = [("grpc.max_receive_message_length", -1)]


@dataclass(frozen=True)
class PubSub:
    """The topics and subscriptions of a project."""

    address: str
    project: str

    def publish(self, queue: str, *bodies: bytes) -> None:
        """Put messages into a topic, without attributes."""
        from google.pubsub_v1.types import PublishRequest, PubsubMessage

        with self._stubs() as (publisher, _):
            publisher.publish(
                PublishRequest(
                    topic=self._topic(queue),
                    messages=[PubsubMessage(data=body) for body in bodies],
                )
            )

    def tap(self, topic: str) -> str:
        """A new subscription that gets all that is published from now on: its name."""
        from google.pubsub_v1.types import Subscription

        name = f"tap-{topic}"
        wanted = Subscription(
            name=self.subscription(name), topic=self._topic(topic), ack_deadline_seconds=60
        )
        with self._stubs() as (_, subscriber):
            subscriber.create_subscription(wanted)
        return name

    def take(self, queue: str) -> list[bytes]:
        """The bodies of ``take_messages``."""
        return [bytes(message.data) for message in self.take_messages(queue)]

    def take_messages(self, subscription: str) -> list[Any]:
        """All messages that a subscription has now; they are acknowledged."""
        from google.pubsub_v1.types import AcknowledgeRequest, PullRequest

        name, taken = self.subscription(subscription), []
        # A pull that waits, and is given up, could take messages with it.
        pull = PullRequest(subscription=name, max_messages=_PULLED_MAX, return_immediately=True)
        with self._stubs() as (_, subscriber):
            while received := subscriber.pull(pull).received_messages:
                subscriber.acknowledge(
                    AcknowledgeRequest(subscription=name, ack_ids=[r.ack_id for r in received])
                )
                taken += [r.message for r in received]
        return taken

    def left(self) -> int:
        """Pub/Sub tells nobody; on the cloud Monitoring does, some minutes later."""
        return 0

    def subscription(self, name: str) -> str:
        """A subscription's full name."""
        return f"projects/{self.project}/subscriptions/{_PREFIX}-{name}"

    def _topic(self, name: str) -> str:
        return f"projects/{self.project}/topics/{_PREFIX}-{name}"

    @contextmanager
    def _stubs(self) -> Iterator[tuple[Any, Any]]:
        # The transports and not the clients: those warn of `return_immediately`.
        from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
        from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
        from grpc import insecure_channel

        with insecure_channel(self.address, _OPTIONS) as channel:
            yield PublisherGrpcTransport(channel=channel), SubscriberGrpcTransport(channel=channel)


@dataclass(frozen=True)
class Firestore:
    """The default database of a project."""

    address: str
    project: str

    def everything(self) -> Found:
        """The fields of all documents, by their paths."""
        found = everything(self.address, self.project)
        return {
            path: {name: _plain(value) for name, value in fields.items()}
            for path, fields in found.items()
        }

    def kept(self) -> set[Key]:
        """Of which texts there is a document or a dead letter; cheap, so that it can be polled."""
        return {*self._keys("processed_logs"), *self._keys("dead_letters")}

    def plans(self) -> list[Key]:
        """Of which long texts there is a plan still."""
        return list(self._keys("plans"))

    def _keys(self, collection: str) -> Iterator[Key]:
        """Of all tenants' collections of this name."""
        from google.cloud.firestore_v1.types import RunQueryRequest, StructuredQuery

        root = f"projects/{self.project}/databases/(default)/documents"
        of = {"collection_id": collection, "all_descendants": True}
        fields = [{"field_path": name} for name in ("log_id", "sha256")]
        query = StructuredQuery({"from_": [of], "select": {"fields": fields}})
        request = RunQueryRequest(parent=root, structured_query=query)
        with self._client() as client:
            for response in client.run_query(request, metadata=[("authorization", "Bearer owner")]):
                if response.document.name:
                    found = response.document.fields
                    tenant = response.document.name.removeprefix(root).split("/")[2]
                    yield tenant, found["log_id"].string_value, found["sha256"].string_value

    @contextmanager
    def _client(self) -> Iterator[Any]:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.firestore_v1.services.firestore import FirestoreClient
        from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
        from grpc import insecure_channel

        with insecure_channel(self.address, _OPTIONS) as channel:
            transport = FirestoreGrpcTransport(
                channel=channel,
                credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            )
            yield FirestoreClient(transport=transport)


def _plain(value: Any) -> Any:
    """A value of Firestore's protocol as Python's."""
    pb = getattr(value, "_pb", value)
    kind = pb.WhichOneof("value_type")
    if kind == "map_value":
        return {name: _plain(inner) for name, inner in pb.map_value.fields.items()}
    if kind == "array_value":
        return [_plain(inner) for inner in pb.array_value.values]
    return None if kind == "null_value" else getattr(pb, kind)
