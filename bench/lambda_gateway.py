"""(h) The gateway's function, beside a bare one with a botocore client of the same queue.

    python -m bench.lambda_gateway

prints what the gateway's function imports, by package, with the time of each by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import emulated
from bench.cold_start import Times, imports_of

OURS = "logweir.entrypoints.lambdas.gateway"
BARE = "bench.bare_function"
# What botocore wants of any account; an emulator does not look at it.
_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
EVENT = {
    "version": "2.0",
    "rawPath": "/ingest",
    "headers": {"content-type": "text/plain", "x-tenant-id": "acme"},
    "requestContext": {"http": {"method": "POST"}},
    "body": "User 555-0199 logged in from 10.1.2.3 in 35 ms; " * 2,
    "isBase64Encoded": False,
}


@dataclass(frozen=True, slots=True)
class Function:
    """Sandboxes of one function: their starts, and the calls after the first."""

    imports: Times
    imports_cpu: Times
    first: Times  # from the start of the process to the first answer
    warm: Times
    warm_cpu: Times


@dataclass(frozen=True, slots=True)
class Run:
    """One sandbox."""

    first_ms: float
    times: Mapping[str, Any]


def measure(*, runs: int, calls: int) -> tuple[Function, Function]:
    """(gateway, bare): the runs take turns; one of each before does not count."""
    sandboxes: dict[str, list[Run]] = {OURS: [], BARE: []}
    with emulated.running_aws() as variables:
        for _ in range(runs + 1):
            for module, all_ in sandboxes.items():
                all_.append(run(module, [EVENT] * (calls + 1), variables))
    ours, bare = (_function(all_[1:]) for all_ in sandboxes.values())
    return ours, bare


def run(module: str, events: Sequence[object], variables: Mapping[str, str]) -> Run:
    """A sandbox that answers the events, and is gone."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("LOGWEIR_")}
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "bench.function", module],
        env={**others, **_ACCOUNT, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(events).encode())
        process.stdin.close()
        line = process.stdout.readline()
        first = time.perf_counter() - started
        told = process.stdout.read()
    if line != b"answered\n" or process.returncode != 0:
        raise RuntimeError(f"the function {module} did not answer")
    return Run(first * 1e3, json.loads(told))


def imported() -> Mapping[str, float]:
    """Milliseconds of each package by itself; only the shares are true."""
    with emulated.running_aws() as variables:
        code = f"import sys; sys.modules['rich'] = None; import {OURS}"
        return imports_of(code, {**os.environ, **_ACCOUNT, **variables})


def _function(runs: Sequence[Run]) -> Function:
    return Function(
        imports=Times([run.times["import_ms"] for run in runs]),
        imports_cpu=Times([run.times["import_cpu_ms"] for run in runs]),
        first=Times([run.first_ms for run in runs]),
        warm=Times([ms for run in runs for ms in run.times["calls_ms"][1:]]),
        warm_cpu=Times([ms for run in runs for ms in run.times["calls_cpu_ms"][1:]]),
    )


if __name__ == "__main__":
    total = imported()
    for package, ms in sorted(total.items(), key=lambda item: -item[1]):
        print(f"{ms:8.1f} ms  {package}")
    print(f"{sum(total.values()):8.1f} ms  all of it")
