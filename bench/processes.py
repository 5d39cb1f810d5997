"""Starting what is measured, each in a process of its own, and asking the kernel what it used."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def running(
    *arguments: str, settings: Mapping[str, object], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process with LOGWEIR_ settings, ended with SIGTERM on leaving."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LOGWEIR_")}
    environment |= {f"LOGWEIR_{name.upper()}": str(value) for name, value in settings.items()}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when something listens. Raises RuntimeError where the process ended instead."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (Linux's /proc)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def peak_memory_mib(pid: int) -> float:
    """The most memory a process has had resident."""
    return _status_mib(pid, "VmHWM")


def memory_mib(pid: int) -> float:
    """How much memory a process has resident."""
    return _status_mib(pid, "VmRSS")


def _status_mib(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"the kernel tells no {name}")
