"""Functions that a user might run as the work; they are called in processes of a pool."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def harmless(text: str) -> int:
    """Read the text."""
    return len(text)


def moody(text: str) -> None:
    """Raise, die, or be slow, as the text says."""
    if text.startswith("raise"):
        raise ValueError(f"cannot read {text}")
    if text.startswith("exit"):
        os._exit(3)
    if text.startswith("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if text.startswith("odd"):
        raise OddError("one", "two")
    if text.startswith("dies late"):
        time.sleep(0.5)
        os._exit(3)
    if text.startswith("slow"):
        time.sleep(0.3)


def stay(text: str) -> None:
    """``<path> <seconds>``: write the process's id to the path, and take the seconds."""
    path, seconds = text.split()
    Path(path).write_text(str(os.getpid()))
    time.sleep(float(seconds))


def leave_a_child(text: str) -> None:
    """Die; what it has forked holds all that it had open for as many seconds as the text says."""
    if os.fork() == 0:
        time.sleep(float(text))
    os._exit(3)


class OddError(Exception):
    """One that another process cannot make again from its arguments."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


not_a_function = 7
