"""What Pub/Sub's console shows of a message: its text, and whose it is."""

from __future__ import annotations

from tests.support.cloud import Google, send_json, send_text
from tests.support.processes import until

from logweir.envelope import sha256_of

CHUNK = 10_000  # characters
TEXT = "User 555-0199 logged in"


async def test_messages_are_readable_and_named_by_their_attributes(cloud: Google) -> None:
    await cloud.provision()
    taps = {topic: cloud.broker.tap(topic) for topic in ("logs", "chunks")}
    long = "".join(f"{number:07} 555-0199\n" for number in range(3000))[:50_000]
    work = {"seconds_per_character": 1e-5, "chunk_seconds": CHUNK * 1e-5}
    with cloud.running("serve", **work) as service:
        assert send_json(service.port, "initech", "log.1", TEXT).status == 202
        assert send_text(service.port, "acme", "long", long).status == 202
        wanted = {("initech", "log.1", sha256_of(TEXT)), ("acme", "long", sha256_of(long))}
        until(lambda: wanted <= cloud.store.kept(), seconds=30)
    messages = cloud.broker.take_messages(taps["logs"])
    short = next(message for message in messages if message.attributes["kind"] == "log")
    assert TEXT in short.data.decode()
    assert dict(short.attributes) == {
        "tenant": "initech",
        "log": "log.1",
        "source": "json_upload",
        "kind": "log",
    }
    chunks = [dict(message.attributes) for message in cloud.broker.take_messages(taps["chunks"])]
    of_a_chunk = {"tenant": "acme", "log": "long", "source": "text_upload", "kind": "chunk"}
    assert chunks == [of_a_chunk] * (len(long) // CHUNK)
