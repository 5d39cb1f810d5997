"""Logweir's own processes, started as a user starts them, on loopback and a free port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

READY_SECONDS: Final = 20.0
STOP_SECONDS: Final = 15.0
# What a process of ours must never print: Python's and Rust's ways to say that nobody foresaw it.
CRASH_MARKS: Final = ("Traceback", "panicked at", "Exception ignored", "RuntimeWarning")


class Process:
    """A running ``logweir`` command; its stderr goes to a file that can be read at any time."""

    def __init__(self, role: str, data_dir: Path, settings: dict[str, object]) -> None:
        self.role = role
        self.data_dir = data_dir
        self.port = int(str(settings.get("port", 0)))
        self._errors = data_dir.with_name(f"{data_dir.name}-{role}-{time.monotonic_ns()}.stderr")
        self._output = self._errors.with_suffix(".stdout")
        ours = {f"LOGWEIR_{name.upper()}": str(value) for name, value in settings.items()}
        others = {k: v for k, v in os.environ.items() if not k.startswith("LOGWEIR_")}
        with self._errors.open("wb") as errors, self._output.open("wb") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "logweir", role],
                env={**others, "LOGWEIR_DATA_DIR": str(data_dir), **ours},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,  # a group of its own, as a terminal gives to a command
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def stderr(self) -> str:
        """All that it has printed to stderr so far."""
        return self._errors.read_text(errors="replace")

    @property
    def stdout(self) -> str:
        """All that it has printed to stdout so far."""
        return self._output.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._popen.send_signal(number)

    def interrupt(self) -> None:
        """Press Ctrl-C: SIGINT to it and to all that it has started."""
        os.killpg(self.pid, signal.SIGINT)

    def children(self, role: str) -> list[int]:
        """The processes that it has started for a role, by their command lines. Linux only."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in listed if role in command_line(int(pid))]

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Its exit code, once it has ended."""
        return self._popen.wait(seconds)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end: its exit code. Killed, and an error, where it does not."""
        if self._popen.poll() is None:
            self.send(number)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the {self.role} did not stop:\n{self.stderr}") from None

    def kill(self) -> None:
        """kill -9."""
        self._popen.kill()
        self._popen.wait()

    def is_alive(self) -> bool:
        """Has it not ended?"""
        return self._popen.poll() is None


@contextmanager
def running(role: str, data_dir: Path, **settings: object) -> Iterator[Process]:
    """Run a command inside the block; afterwards it must have printed no traceback and no panic."""
    if role != "worker":
        settings.setdefault("port", free_port())
    process = Process(role, data_dir, settings)
    try:
        if role != "worker":
            until(lambda: _listens(process), seconds=READY_SECONDS, saying="nobody listens")
        yield process
    finally:
        if process.is_alive():
            process.stop()
    marks = [mark for mark in CRASH_MARKS if mark in process.stderr]
    assert not marks, process.stderr


def command_line(pid: int) -> list[str]:
    """What a process was started as; empty where it is gone. Linux only."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return words[:-1]


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def until(
    condition: Callable[[], object],
    *,
    seconds: float = 10.0,
    saying: str = "it did not happen",
    every: float = 0.01,
) -> None:
    """Wait until the condition is true. ``every``: seconds between two looks."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{saying} within {seconds} s")
        time.sleep(every)


def _listens(process: Process) -> bool:
    if not process.is_alive():
        raise AssertionError(f"the {process.role} ended at its start:\n{process.stderr}")
    try:
        socket.create_connection(("127.0.0.1", process.port), 1).close()
    except OSError:
        return False
    return True
