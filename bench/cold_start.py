"""(f) From nothing to the first 202, beside Google's client library to its first confirmed publish.

    python -m bench.cold_start

prints what the gateway on gcp imports, by package, with the time of each by itself.
"""

from __future__ import annotations

import http.client
import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import emulated
from bench.processes import free_port, running

_PROJECT = "bench-start"
_LIBRARY = "from google.cloud import pubsub_v1"
_PUBLISH = (
    _LIBRARY + "; import sys; client = pubsub_v1.PublisherClient();"
    " client.publish(sys.argv[1], b'x').result(10); print('confirmed', flush=True)"
)
# What the command imports until it listens, in its order.
_GATEWAY = (
    "import logweir.__main__, logweir.entrypoints.process, logweir.entrypoints.server;"
    " import logweir.bootstrap.{backend}"
)
# An emulator wants no credentials; the cloud does, and the library always loads what they need.
_CREDENTIALS = (
    "; import google.auth.compute_engine, google.auth.transport.grpc"
    "; import google.auth.transport.requests"
)
_POST_HEADERS = {"Content-Type": "text/plain", "X-Tenant-ID": "acme"}
_SECONDS_MAX = 20
_ONES_OWN = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")


@dataclass(frozen=True, slots=True)
class Times:
    """Of one thing, several runs."""

    runs_ms: list[float]

    @property
    def least_ms(self) -> float:
        """What the machine can do."""
        return min(self.runs_ms)

    @property
    def median_ms(self) -> float:
        """What it mostly does."""
        return statistics.median(self.runs_ms)


@dataclass(frozen=True, slots=True)
class Start:
    """Whole processes: only imports, and until the first confirmation."""

    import_python: Times
    import_gcp: Times
    import_gcp_credentials: Times
    import_local: Times
    import_library: Times
    first_gcp: Times
    first_local: Times
    first_library: Times


def measure(work: Path, *, runs: int) -> Start:
    """The runs take turns; one of each before does not count."""
    with emulated.running():
        topic = emulated.make_topic(_PROJECT)
        gcp = {"backend": "gcp", "gcp_project": _PROJECT}

        def local() -> float:
            return _first_202(work, {"data_dir": work / f"start-{uuid.uuid4().hex}"})

        measured: dict[str, Callable[[], float]] = {
            "import_python": lambda: _seconds("pass"),
            "import_gcp": lambda: _seconds(_GATEWAY.format(backend="gcp")),
            "import_gcp_credentials": lambda: _seconds(
                _GATEWAY.format(backend="gcp") + _CREDENTIALS
            ),
            "import_local": lambda: _seconds(_GATEWAY.format(backend="local")),
            "import_library": lambda: _seconds(_LIBRARY),
            "first_gcp": lambda: _first_202(work, gcp),
            "first_local": local,
            "first_library": lambda: _first_confirmed(topic),
        }
        seconds: dict[str, list[float]] = {name: [] for name in measured}
        for _ in range(runs + 1):
            for name, one in measured.items():
                seconds[name].append(one())
    return Start(**{name: Times([s * 1e3 for s in all_[1:]]) for name, all_ in seconds.items()})


def imported(backend: str) -> Counter[str]:
    """The same of a gateway, from the command to its listening."""
    return imports_of(_GATEWAY.format(backend=backend))


def imports_of(code: str, environment: Mapping[str, str] | None = None) -> Counter[str]:
    """Milliseconds of each package by itself; the interpreter's own and small ones as the rest.

    Python's count makes each import slower: only the shares are true.
    """
    command = [sys.executable, "-X", "importtime", "-c", code]
    lines = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stderr
    times: Counter[str] = Counter()
    for own, module in _ONES_OWN.findall(lines):
        times[_package(module)] += int(own) / 1000  # type: ignore[assignment]  # fractions do
    return times


def _package(module: str) -> str:
    parts = module.split(".")
    if parts[0] in sys.stdlib_module_names:
        return "asyncio" if parts[0] in ("asyncio", "ssl", "_ssl") else "the standard library"
    return ".".join(parts[:2]) if parts[0] == "google" else parts[0]


def _seconds(code: str) -> float:
    started = time.perf_counter()
    # Its end is not measured: nobody waits for that.
    subprocess.run([sys.executable, "-c", f"{code}; import os; os._exit(0)"], check=True)
    return time.perf_counter() - started


def _first_202(work: Path, settings: Mapping[str, object]) -> float:
    port = free_port()
    started = time.perf_counter()
    with running(
        *("-m", "logweir", "gateway"),
        settings={**settings, "port": port, "log_level": "warning"},
        log=work / "start.log",
    ) as gateway:
        while time.perf_counter() < started + _SECONDS_MAX and gateway.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS_MAX)
            try:
                connection.request("POST", "/ingest", b"the first log", _POST_HEADERS)
                status = connection.getresponse().status
            except ConnectionError:
                time.sleep(0.002)
                continue
            finally:
                connection.close()
            if status == 202:
                return time.perf_counter() - started
            break
    raise RuntimeError(f"the gateway did not answer 202: {(work / 'start.log').read_text()}")


def _first_confirmed(topic: str) -> float:
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", _PUBLISH, topic], stdout=subprocess.PIPE, env=os.environ
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        took = time.perf_counter() - started
    if line != b"confirmed\n":
        raise RuntimeError("the library did not publish")
    return took


if __name__ == "__main__":
    total = imported("gcp")
    for package, ms in total.most_common():
        print(f"{ms:8.1f} ms  {package}")
    print(f"{sum(total.values()):8.1f} ms  all of it")
