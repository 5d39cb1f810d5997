"""Our few messages of Pub/Sub's protocol are those of its own client library."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("google.pubsub_v1", reason="comes with the extra gcp")

import grpc.aio
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport

from logweir.backends.gcp import publish

THEIRS: dict[str, Any] = {
    "Request": types.PublishRequest.pb(),
    "Message": types.PubsubMessage.pb(),
    "Response": types.PublishResponse.pb(),
}


def fields_of(descriptor: Any) -> dict[str, tuple[int, int, bool]]:
    """Number, type, and whether there may be many, by name."""
    return {
        field.name: (field.number, field.type, field.is_repeated) for field in descriptor.fields
    }


@pytest.mark.parametrize("name", THEIRS)
def test_every_field_that_we_describe_is_one_of_pub_sub_s(name: str) -> None:
    ours = fields_of(publish._pool.FindMessageTypeByName(f"p.{name}"))
    theirs = fields_of(THEIRS[name].DESCRIPTOR)
    assert ours == {field: theirs.get(field) for field in ours}


def test_attributes_are_a_map_of_strings_on_the_wire() -> None:
    ours = fields_of(publish._pool.FindMessageTypeByName("p.Attribute"))
    entry = THEIRS["Message"].DESCRIPTOR.fields_by_name["attributes"].message_type
    assert entry.GetOptions().map_entry
    assert {name: field[:2] for name, field in ours.items()} == {
        name: field[:2] for name, field in fields_of(entry).items()
    }


def test_a_request_of_ours_reads_the_same_in_the_library() -> None:
    request = publish._Request(
        topic="projects/p/topics/t",
        messages=[
            {
                "data": b"\0\xff naive",
                "attributes": [{"key": "tenant", "value": "acme"}, {"key": "log", "value": ""}],
            },
            {"data": b"", "attributes": []},
        ],
    )
    read = types.PublishRequest.deserialize(request.SerializeToString())
    assert read == types.PublishRequest(
        topic="projects/p/topics/t",
        messages=[
            types.PubsubMessage(data=b"\0\xff naive", attributes={"tenant": "acme", "log": ""}),
            types.PubsubMessage(),
        ],
    )
    back = publish._Request.FromString(types.PublishRequest.serialize(read))
    assert back.topic == request.topic
    assert [message.data for message in back.messages] == [b"\0\xff naive", b""]
    assert {each.key: each.value for each in back.messages[0].attributes} == {
        "tenant": "acme",
        "log": "",
    }


def test_an_answer_of_the_library_reads_the_same_here() -> None:
    answer = types.PublishResponse(message_ids=["2", "1", ""])
    read = publish._Response.FromString(types.PublishResponse.serialize(answer))
    assert list(read.message_ids) == ["2", "1", ""]


async def test_the_method_is_the_one_that_the_library_calls() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:9") as channel:
        theirs: Any = PublisherGrpcAsyncIOTransport(channel=channel).publish
        ours: Any = publish.PublishCall(channel)._call
        assert ours._method == theirs._method
