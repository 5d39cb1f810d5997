"""What only Lambda shows: its events, its limits, its batches. On the template, as it is deployed.

What users see of the functions is in tests/cloud/test_end_to_end.py.
"""

from __future__ import annotations

import base64
import gzip
import json
import signal
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from tests.support.cloud import post, send_text
from tests.support.functions import Functions, deployed
from tests.support.logs import a_log
from tests.support.processes import until
from tests.support.site import Site
from tests.support.wire import ask

from logweir.envelope import encode, sha256_of
from logweir.limits import MIB

pytestmark = pytest.mark.slow

TEXT: Final = "User 555-0199 logged in"
CHUNK: Final = 100_000  # characters: a second of work
SECONDS_PER_CHARACTER: Final = 0.00001
VISIBILITY_SECONDS: Final = 5


@pytest.fixture(scope="module")
def functions(
    ministack: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Functions]:
    work = {"SecondsPerCharacter": f"{SECONDS_PER_CHARACTER:f}", "ChunkSeconds": "1"}
    with deployed(ministack, tmp_path_factory.mktemp("functions"), **work) as functions:
        yield functions


@pytest.fixture
def site(functions: Functions) -> Site:
    return Site(functions.cloud, functions.url, CHUNK, functions.events)


def test_the_url_is_called_by_its_host_as_in_an_account(functions: Functions) -> None:
    name = functions.url.split("/")[-2]
    raw = (
        f"POST /ingest HTTP/1.1\r\nHost: {name}.lambda-url.us-east-1.on.aws\r\n"
        f"Content-Type: text/plain\r\nX-Tenant-ID: acme\r\nX-Log-ID: host\r\n"
        f"Content-Length: {len(TEXT)}\r\n\r\n{TEXT}"
    )
    answer = ask(functions.port, raw.encode(), timeout=30)
    assert answer is not None
    assert (answer.status, answer.json["log_id"]) == (202, "host")


def test_four_mebibytes_of_text_are_stored(site: Site) -> None:
    line = "0123456 555-0199 ünï 🪵\n"
    text = line * (4 * MIB // len(line.encode()))
    assert len(text.encode()) > 4 * MIB - len(line.encode())
    site.send("acme", "large", text)
    site.wait(("acme", "large"), seconds=60)
    until(lambda: not site.cloud.store.plans(), saying="the plan was not forgotten")
    site.check(site.cloud.store.everything(), "acme", "large")


def test_a_body_in_gzip_comes_as_base64(functions: Functions, site: Site) -> None:
    # ministack decodes all that calls itself text, so the event is ours; Lambda's would be like it.
    body = gzip.compress(json.dumps({"tenant_id": "acme", "log_id": "gz", "text": TEXT}).encode())
    event = {
        "version": "2.0",
        "rawPath": "/ingest",
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "content-encoding": "gzip"},
        "requestContext": {"http": {"method": "POST", "path": "/ingest"}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    answer = functions.invoke("gateway", event)
    assert answer["statusCode"] == 202
    until(lambda: ("acme", "gz", sha256_of(TEXT)) in site.cloud.store.kept())


def test_a_refusal_is_a_problem_with_its_headers(functions: Functions) -> None:
    nobodys = post(functions.url, "Content-Type: text/plain", body=b"text")
    assert (nobodys.status, nobodys.reason) == (400, "missing_tenant_id")
    assert nobodys.headers["content-type"] == "application/problem+json"
    path = functions.url.partition(f":{functions.port}")[2]
    got = ask(functions.port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert got is not None
    assert (got.status, got.reason, got.headers["allow"]) == (405, "method_not_allowed", "POST")
    large = send_text(functions.url, "acme", "too-large", "x" * (4 * MIB + 1))
    assert (large.status, large.reason) == (413, "text_too_large")


def test_what_sqs_gave_up_is_published_anew_once_an_hour(functions: Functions, site: Site) -> None:
    broker = functions.cloud.broker
    broker.publish("dead", encode(a_log(TEXT, log="revived")))
    functions.invoke("logs", {"drain": "dead"})
    until(lambda: ("acme", "revived", sha256_of(TEXT)) in site.cloud.store.kept(), seconds=20)
    assert sum(broker.counts("dead")) == 0
    assert [event["log"] for event in functions.events("published_anew")] == ["revived"]


@pytest.fixture
def soon(functions: Functions) -> Iterator[None]:
    """What was cut off is seen again soon: after the template's 46 s, a test would wait long."""
    functions.cloud.broker.configure("logs", VisibilityTimeout=str(VISIBILITY_SECONDS))
    yield
    functions.cloud.broker.configure("logs", VisibilityTimeout="46")


def test_one_poison_among_ten_returns_no_healthy_message(functions: Functions) -> None:
    poison = b"no envelope"
    logs = [f"healthy-{number}" for number in range(9)]
    bodies = [encode(a_log(TEXT, log=log)) for log in logs]
    cloud = functions.cloud
    with functions.gathering("logs"):
        cloud.broker.publish("logs", *bodies[:4], poison, *bodies[4:])
    wanted = {("acme", log, sha256_of(TEXT)) for log in logs}
    until(lambda: wanted <= cloud.store.kept(), saying="the nine are not stored")
    until(lambda: cloud.broker.left() == 0, seconds=5, saying="some wait to come back")
    assert cloud.broker.take("quarantine") == [poison]
    answer = functions.invoke("logs", batch("again", *bodies, poison))
    assert answer == {"batchItemFailures": []}
    assert cloud.broker.take("quarantine") == [poison]


@pytest.mark.kill
def test_a_batch_that_was_cut_off_comes_back_and_what_was_finished_is_not_worked_on_again(
    functions: Functions, soon: None
) -> None:
    cloud = functions.cloud
    short = {f"short-{number}": "x" * 100 for number in range(9)}
    texts = {**short, "long": "y" * CHUNK}
    bodies = {log: encode(a_log(text, log=log)) for log, text in texts.items()}
    wanted = {("acme", log, sha256_of(text)) for log, text in texts.items()}
    cut_off = functions.cut_off("logs")
    with functions.gathering("logs"):
        cloud.broker.publish("logs", *bodies.values())
    until(lambda: len(wanted & cloud.store.kept()) == 9, saying="nine of ten are not stored")
    assert cloud.broker.counts("logs") == (0, 10)  # in one batch
    for pid in functions.processes("logs"):
        functions.signal(pid, signal.SIGKILL)
    until(lambda: functions.cut_off("logs") == cut_off + 1, saying="nothing was cut off")
    assert cloud.broker.counts("logs") == (0, 10)  # all of them, until they can be seen again
    before = documents(cloud.store.everything())
    until(lambda: wanted <= cloud.store.kept(), seconds=VISIBILITY_SECONDS + 5)
    until(lambda: cloud.broker.left() == 0)
    after = documents(cloud.store.everything())
    assert before.items() <= after.items()
    # The same once more, each with a second of work that is done: it takes no time.
    began = time.monotonic()
    assert functions.invoke("logs", batch("done", *[bodies["long"]] * 10)) == {
        "batchItemFailures": []
    }
    assert time.monotonic() - began < CHUNK * SECONDS_PER_CHARACTER


@pytest.mark.kill  # not killed, but held to times
def test_what_does_not_fit_into_the_time_that_is_left_is_handed_back(
    functions: Functions, soon: None
) -> None:
    cloud = functions.cloud
    texts = {f"quick-{number}": "x" * 100 for number in range(9)} | {"slow": "y" * 40_000}
    wanted = {("acme", log, sha256_of(text)) for log, text in texts.items()}
    # Five seconds are for the end of an invocation, so one is for the work; the slow log has two.
    work = {"LOGWEIR_SECONDS_PER_CHARACTER": 5e-5, "LOGWEIR_CHUNK_SECONDS": 10}
    with functions.configured("logs", timeout=6, **work):
        with functions.gathering("logs"):
            bodies = [encode(a_log(text, log=log)) for log, text in texts.items()]
            cloud.broker.publish("logs", *bodies)
        until(lambda: len(functions.events("cut_off")) >= 2, saying="nothing was handed back")
        assert wanted - cloud.store.kept() == {("acme", "slow", sha256_of(texts["slow"]))}
        assert cloud.broker.left() == 1
    assert {event["messages"] for event in functions.events("cut_off")} == {1}
    until(lambda: wanted <= cloud.store.kept(), seconds=VISIBILITY_SECONDS + 10)


def batch(name: str, *bodies: bytes) -> dict[str, Any]:
    """An event of SQS's, of messages that are in no queue."""
    return {
        "Records": [
            {
                "messageId": f"{name}-{number}",
                "receiptHandle": f"{name}-{number}",
                "body": body.decode(),
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:logs",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def documents(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """When each was processed."""
    return {path: fields["processed_at"] for path, fields in found.items() if "/processed_" in path}
