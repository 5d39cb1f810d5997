"""(e) Ingest through Pub/Sub's emulator, beside publishing to it with Google's client library."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import emulated
from bench.ingest import Load, fastest, run
from bench.processes import await_port, free_port, running

_MANY = 1_000  # unconfirmed messages; more do not make the library faster


@dataclass(frozen=True, slots=True)
class Ingest:
    """The gateway, and the library with as many messages at once, and with many."""

    gateway: Load
    library: Load
    library_many: Load


def measure(work: Path, *, seconds: int, rounds: int, connections: int) -> Ingest:
    """The rounds alternate on one emulator, and of each the fastest counts."""
    ours: list[Load] = []
    theirs: list[Load] = []
    many: list[Load] = []
    port = free_port()
    settings = {"backend": "gcp", "gcp_project": "bench-ingest", "port": port}
    with emulated.running():
        topic = emulated.make_topic("bench-ingest")
        log = work / "cloud-ingest.log"
        with running("-m", "logweir", "gateway", settings=settings, log=log) as gateway:
            await_port(port, gateway)
            for _ in range(rounds):
                theirs.append(_library(topic, seconds, connections))
                ours.append(run(port, gateway.pid, seconds, connections))
                many.append(_library(topic, seconds, _MANY))
    return Ingest(fastest(ours), fastest(theirs), fastest(many))


def _library(topic: str, seconds: int, at_once: int) -> Load:
    command = [sys.executable, "-m", "bench.library", topic, str(seconds), str(at_once)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(output.splitlines()[-1])
    if result["errors"]:
        raise RuntimeError(f"not all were confirmed: {result}")
    return Load(
        requests_per_second=result["requests"] / result["seconds"],
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
        cpu_us_per_request=result["cpu_us_per_request"],
    )
