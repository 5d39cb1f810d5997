"""A gateway is started from nothing for a single log: what it does not need it does not load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.support.emulators import need_extra
from tests.support.processes import free_port

# Runs the gateway until somebody can connect to it, posts a log where that is wanted, and prints
# the answer's status and the names of all modules.
GATEWAY: Final = """
import sys, threading

def look():
    import http.client, json, os, signal, time
    while True:
        http_client = http.client.HTTPConnection("127.0.0.1", int(os.environ["LOGWEIR_PORT"]))
        try:
            http_client.connect()
            break
        except OSError:
            time.sleep(0.01)
    status = None
    if "post" in sys.argv:
        headers = {"Content-Type": "text/plain", "X-Tenant-ID": "acme"}
        http_client.request("POST", "/ingest", b"a log", headers)
        status = http_client.getresponse().status
    http_client.close()
    print(json.dumps([status, sorted(sys.modules)]), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=look, daemon=True).start()
from logweir.entrypoints.cli import app
app(["gateway"])
"""
WORKERS_ONLY: Final = ("logweir.redact", "logweir.pipeline.consume", "logweir.pipeline.work")
COMMANDS_ONLY: Final = ("rich", "aiohttp")
LIBRARY: Final = (
    "google.cloud.firestore",
    "google.cloud.firestore_v1",
    "google.cloud.pubsub_v1",
    "google.pubsub_v1",
    "google.api_core",
    "google.auth",
    "requests",
)


def modules_of_a_gateway(*, post: bool = False, **settings: object) -> tuple[int | None, set[str]]:
    """The status of its answer, and all that it has loaded."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LOGWEIR_")}
    environment |= {f"LOGWEIR_{name.upper()}": str(value) for name, value in settings.items()}
    environment["LOGWEIR_PORT"] = str(free_port())
    output = subprocess.run(
        [sys.executable, "-c", GATEWAY, *(["post"] if post else [])],
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
    ).stdout
    status, names = json.loads(output)
    return status, set(names)


def loaded(names: set[str], *unwanted: str) -> list[str]:
    """The packages among the unwanted of which any module is loaded."""
    return [
        package for package in unwanted if any(f"{n}.".startswith(f"{package}.") for n in names)
    ]


def test_a_gateway_on_this_machine_loads_nothing_of_google(tmp_path: Path) -> None:
    status, names = modules_of_a_gateway(post=True, data_dir=tmp_path / "data")
    assert status == 202
    assert loaded(names, "google", "grpc", "logweir.backends.gcp") == []
    assert loaded(names, *WORKERS_ONLY, *COMMANDS_ONLY) == []


def test_a_gateway_on_google_cloud_loads_no_client_library_before_it_needs_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need_extra()
    for variable in ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST"):
        monkeypatch.setenv(variable, f"127.0.0.1:{free_port()}")
    _, names = modules_of_a_gateway(backend="gcp")
    assert loaded(names, "grpc", "google.protobuf") == ["grpc", "google.protobuf"]
    assert loaded(names, *LIBRARY, *WORKERS_ONLY, *COMMANDS_ONLY) == []
    assert loaded(names, "logweir.backends.local", "apsw") == []


def test_a_gateway_on_google_cloud_needs_no_client_library_for_a_202(
    emulators: dict[str, str], project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, address in emulators.items():
        monkeypatch.setenv(variable, address)
    from google.cloud.pubsub_v1 import PublisherClient  # type: ignore[import-untyped]

    client = PublisherClient()
    client.create_topic(name=client.topic_path(project, "logweir-logs"))
    client.stop()
    status, names = modules_of_a_gateway(post=True, backend="gcp", gcp_project=project)
    assert status == 202
    assert loaded(names, *LIBRARY) == []
