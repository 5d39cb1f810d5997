"""A function as Lambda runs it: its module imported, then its handler called with one event after
the other. ``python -m bench.function MODULE < EVENTS`` prints ``answered`` after the first, and
then all times in milliseconds as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any, cast


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def main() -> None:
    """Import, call, tell."""
    cast(dict[str, Any], sys.modules)["rich"] = None  # a function's bundle has none
    began, cpu_began = time.perf_counter(), time.process_time()
    handler = importlib.import_module(sys.argv[1]).handler
    imported, cpu_imported = time.perf_counter(), time.process_time()
    calls: list[float] = []
    calls_cpu: list[float] = []
    for event in json.load(sys.stdin):
        started, cpu_started = time.perf_counter(), time.process_time()
        answer = handler(event, _Context())
        calls.append((time.perf_counter() - started) * 1e3)
        calls_cpu.append((time.process_time() - cpu_started) * 1e3)
        if answer.get("statusCode", 202) != 202 or answer.get("batchItemFailures"):
            raise RuntimeError(f"not done: {answer}")
        if len(calls) == 1:
            print("answered", flush=True)
    times = {
        "import_ms": (imported - began) * 1e3,
        "import_cpu_ms": (cpu_imported - cpu_began) * 1e3,
        "calls_ms": calls,
        "calls_cpu_ms": calls_cpu,
    }
    print(json.dumps(times))


if __name__ == "__main__":
    main()
