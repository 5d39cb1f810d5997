"""(b) How long a 202 takes while the chaos script floods a whole Logweir, workers and all."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.processes import await_port, free_port, running


@dataclass(frozen=True, slots=True)
class Flood:
    """Latency of the answers from when each request was due."""

    requests: int
    accepted: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def measure(work: Path, *, per_minute: int, seconds: int) -> Flood:
    """One flood, open-loop, against a fresh data directory."""
    port = free_port()
    settings = {"data_dir": work / f"flood-{per_minute}", "port": port, "log_level": "warning"}
    with running("-m", "logweir", "serve", settings=settings, log=work / "flood.log") as serve:
        await_port(port, serve)
        command = [sys.executable, "-m", "logweir", "flood", f"http://127.0.0.1:{port}", "--json"]
        command += ["--rpm", str(per_minute), "--seconds", str(seconds)]
        output = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    figures = json.loads(output.splitlines()[-1])
    accepted = next(answer for answer in figures["answers"] if answer["answer"] == "202")
    return Flood(
        requests=figures["requests"],
        accepted=figures["accepted"],
        p50_ms=accepted["p50_ms"],
        p99_ms=accepted["p99_ms"],
        max_ms=accepted["max_ms"],
    )
