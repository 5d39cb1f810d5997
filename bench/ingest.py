"""(a) Requests a second with an fsync before each 202, beside the same server with a bare 202."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.processes import await_port, cpu_seconds, free_port, running

_POST = Path(__file__).with_name("post.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw, and what the server's process used."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float


def measure(work: Path, *, seconds: int, rounds: int, connections: int) -> tuple[Load, Load]:
    """(gateway, bare): the rounds alternate, and of each the fastest counts."""
    gateway_port, bare_port = free_port(), free_port()
    settings = {"data_dir": work / "ingest", "port": gateway_port}
    log = work / "ingest.log"
    with (
        running("-m", "logweir", "gateway", settings=settings, log=log) as gateway,
        running("-m", "bench.bare", str(bare_port), settings={}, log=log) as bare,
    ):
        await_port(gateway_port, gateway)
        await_port(bare_port, bare)
        ours: list[Load] = []
        theirs: list[Load] = []
        for _ in range(rounds):
            theirs.append(run(bare_port, bare.pid, seconds, connections))
            ours.append(run(gateway_port, gateway.pid, seconds, connections))
    return fastest(ours), fastest(theirs)


def run(port: int, pid: int, seconds: int, connections: int) -> Load:
    """wrk against a server of ours. Raises RuntimeError where not all is answered 202."""
    before = cpu_seconds(pid)
    output = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "-s",
            str(_POST),
            f"http://127.0.0.1:{port}",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    result = json.loads(output.splitlines()[-1])
    if result["not_202"] or result["errors"]:
        raise RuntimeError(f"not all were answered 202: {result}")
    return Load(
        requests_per_second=result["requests"] / result["seconds"],
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
        cpu_us_per_request=(cpu_seconds(pid) - before) / result["requests"] * 1e6,
    )


def fastest(loads: list[Load]) -> Load:
    """The round that the machine's other users disturbed least."""
    return max(loads, key=lambda load: load.requests_per_second)
