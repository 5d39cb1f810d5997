"""What Cloud Monitoring says of the backlog: as its documented JSON has it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("google.auth", reason="comes with the extra gcp")

import google.auth
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import RefreshError

from logweir.backends.gcp import backlog
from logweir.backends.gcp.backlog import MonitoredBacklog, UnknownBacklog
from logweir.backends.gcp.names import Names
from logweir.clock import ManualClock
from logweir.errors import BrokerUnavailable, Misconfigured
from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Backlog, Lane

NAMES = Names("acme-prod", "logweir")
UNACKNOWLEDGED = "num_undelivered_messages"
PUSHED = "num_outstanding_messages"
OLDEST = "oldest_unacked_message_age"

Numbers = Mapping[str, Mapping[str, list[int]]]  # metric -> subscription -> points, newest first


def answer(metric: str, numbers: Mapping[str, list[int]]) -> dict[str, Any]:
    """https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list."""
    series = [
        {
            "metric": {"type": f"pubsub.googleapis.com/subscription/{metric}"},
            "resource": {
                "type": "pubsub_subscription",
                "labels": {"project_id": "acme-prod", "subscription_id": subscription},
            },
            "metricKind": "GAUGE",
            "valueType": "INT64",
            "points": [
                {
                    "interval": {
                        "startTime": f"2026-01-01T00:{59 - age:02}:00Z",
                        "endTime": f"2026-01-01T00:{59 - age:02}:00Z",
                    },
                    "value": {"int64Value": str(number)},  # 64 bits are a string in JSON
                }
                for age, number in enumerate(points)
            ],
        }
        for subscription, points in numbers.items()
    ]
    return {"timeSeries": series, "unit": "1"} if series else {"unit": "1"}


class Monitoring:
    """Answers as Cloud Monitoring does, and keeps what it was asked."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, url: str, parameters: Mapping[str, str]) -> Any:
        """``get``."""
        self.asked.append((url, dict(parameters)))
        metric = parameters["filter"].split('"')[1].rpartition("/")[2]
        return answer(metric, self.numbers.get(metric, {}))


def reader(numbers: Numbers) -> MonitoredBacklog:
    """A reader of these numbers."""
    return MonitoredBacklog(NAMES, ManualClock(), Monitoring(numbers))


async def test_the_newest_sample_of_each_lane_counts() -> None:
    found = await reader(
        {
            UNACKNOWLEDGED: {"logweir-logs": [12, 900], "logweir-chunks": [7]},
            PUSHED: {"logweir-logs": [5, 1], "logweir-chunks": [7]},
            OLDEST: {"logweir-logs": [33, 1], "logweir-chunks": [4]},
        }
    ).backlog()
    assert list(found) == [
        Backlog(lane=Lane.LOG, waiting=7, in_flight=5, oldest_seconds=33),
        Backlog(lane=Lane.CHUNK, waiting=0, in_flight=7, oldest_seconds=None),
    ]


async def test_what_monitoring_has_no_sample_of_is_unknown_and_not_zero() -> None:
    found = await reader({UNACKNOWLEDGED: {"logweir-logs": [3]}}).backlog()
    assert list(found) == [
        Backlog(lane=Lane.LOG, waiting=3, in_flight=0, oldest_seconds=None),
        Backlog(lane=Lane.CHUNK, waiting=None, in_flight=None, oldest_seconds=None),
    ]
    unknown = [
        Backlog(lane=lane, waiting=None, in_flight=None, oldest_seconds=None) for lane in Lane
    ]
    assert list(await reader({}).backlog()) == unknown
    assert list(await reader({PUSHED: {"logweir-logs": [3]}}).backlog()) == unknown
    assert list(await reader({UNACKNOWLEDGED: {"logweir-logs": []}}).backlog()) == unknown


async def test_numbers_that_were_sampled_at_different_times_never_go_below_zero() -> None:
    found = await reader(
        {UNACKNOWLEDGED: {"logweir-logs": [2]}, PUSHED: {"logweir-logs": [5]}}
    ).backlog()
    assert found[0].waiting == 0


async def test_other_subscriptions_with_the_prefix_are_not_ours() -> None:
    found = await reader(
        {UNACKNOWLEDGED: {"logweir-logs-of-others": [99], "logweir-dead": [1]}}
    ).backlog()
    assert {each.waiting for each in found} == {None}


async def test_the_quarantine_is_counted_or_unknown() -> None:
    assert await reader({UNACKNOWLEDGED: {"logweir-quarantine": [4]}}).quarantined() == 4
    assert await reader({UNACKNOWLEDGED: {"logweir-quarantine": [0]}}).quarantined() == 0
    assert await reader({UNACKNOWLEDGED: {"logweir-logs": [4]}}).quarantined() is None


async def test_no_single_message_is_found() -> None:
    assert await reader({}).locate(TenantId("acme"), LogId("a1")) is None


async def test_what_is_asked_is_the_last_ten_minutes_of_our_own_subscriptions() -> None:
    clock = ManualClock()
    monitoring = Monitoring({})
    await clock.advance(3600)
    await MonitoredBacklog(NAMES, clock, monitoring).backlog()
    assert {url for url, _ in monitoring.asked} == {
        "https://monitoring.googleapis.com/v3/projects/acme-prod/timeSeries"
    }
    assert [parameters for _, parameters in monitoring.asked] == [
        {
            "filter": f'metric.type = "pubsub.googleapis.com/subscription/{metric}"'
            ' AND resource.labels.subscription_id = starts_with("logweir-")',
            "interval.startTime": "2026-01-01T00:50:00.000000Z",
            "interval.endTime": "2026-01-01T01:00:00.000000Z",
        }
        for metric in (UNACKNOWLEDGED, PUSHED, OLDEST)
    ]


async def test_the_emulator_tells_nothing() -> None:
    unknown = UnknownBacklog()
    assert [each.lane for each in await unknown.backlog()] == list(Lane)
    assert {each.waiting for each in await unknown.backlog()} == {None}
    assert await unknown.locate(TenantId("acme"), LogId("a1")) is None
    assert await unknown.quarantined() is None


# ---- over HTTP -----------------------------------------------------------------------------------


@contextmanager
def served(respond: Callable[[str], tuple[int, bytes]]) -> Iterator[str]:
    """An HTTP server's address; ``respond``: path -> status and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = respond(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(0.01))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that need no network."""
    anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(google.auth, "default", lambda scopes: (anonymous, "acme-prod"))


async def test_it_asks_over_http_with_the_filter_in_the_query(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def respond(path: str) -> tuple[int, bytes]:
        asked.append(urlsplit(path))
        return 200, json.dumps(answer(UNACKNOWLEDGED, {"logweir-quarantine": [2]})).encode()

    with served(respond) as address:
        monkeypatch.setattr(backlog, "_URL", address + "/v3/projects/{project}/timeSeries")
        assert await MonitoredBacklog(NAMES, ManualClock()).quarantined() == 2
    [request] = asked
    assert request.path == "/v3/projects/acme-prod/timeSeries"
    assert set(parse_qs(request.query)) == {"filter", "interval.startTime", "interval.endTime"}
    assert UNACKNOWLEDGED in parse_qs(request.query)["filter"][0]


@pytest.mark.parametrize(
    ("status", "body"), [(403, b"{}"), (429, b"{}"), (500, b""), (200, b"<html>")]
)
async def test_what_monitoring_does_not_answer_is_an_outage(
    credentials: None, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    with served(lambda _: (status, body)) as address:
        monkeypatch.setattr(backlog, "_URL", address + "/{project}")
        with pytest.raises(BrokerUnavailable, match=r"^Cloud Monitoring: [A-Za-z]+$"):
            await MonitoredBacklog(NAMES, ManualClock()).backlog()


async def test_nobody_there_is_an_outage(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(lambda _: (200, b"{}")) as address:
        monkeypatch.setattr(backlog, "_URL", address + "/{project}")
    with pytest.raises(BrokerUnavailable, match="ConnectionError"):
        await MonitoredBacklog(NAMES, ManualClock()).backlog()


async def test_credentials_that_cannot_be_refreshed_are_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def default(scopes: list[str]) -> Any:
        raise RefreshError("expired: User 555-0199")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(google.auth, "default", default)
    with pytest.raises(BrokerUnavailable) as raised:
        await MonitoredBacklog(NAMES, ManualClock()).backlog()
    assert str(raised.value) == "Cloud Monitoring: RefreshError"


async def test_without_credentials_the_operator_is_told_how_to_get_some(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # else it looks for a metadata server for seconds
    with pytest.raises(Misconfigured, match="gcloud auth application-default login"):
        await MonitoredBacklog(NAMES, ManualClock()).backlog()
