"""What a command says as it ends, and its exit code. The only place for both."""

from __future__ import annotations

import os
import sys
import traceback
from enum import IntEnum
from pathlib import Path
from typing import Final

from logweir.errors import InvalidId, LogweirError, Misconfigured, Rejection, Unavailable


class Code(IntEnum):
    """The exit codes of every command."""

    OK = 0
    NEGATIVE = 1
    USAGE = 2  # as EXIT_MISCONFIGURED of the processes: starting it again cannot help
    NOT_FOUND = 3
    UNAVAILABLE = 4
    NO_VERDICT = 5
    BUG = 70  # as EX_SOFTWARE in sysexits.h


class Usage(Misconfigured):
    """A command line that cannot be meant."""


class NotFound(LogweirError):
    """There is nothing of the name that was given."""


_CODES: Final[dict[type[LogweirError], Code]] = {
    Misconfigured: Code.USAGE,
    InvalidId: Code.USAGE,
    NotFound: Code.NOT_FOUND,
    Rejection: Code.NEGATIVE,
    Unavailable: Code.UNAVAILABLE,
}


def open_streams() -> None:
    """Have stdout and stderr also where they are closed, as by `>&-`: nobody wants what is said."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  # until the end


def told(error: LogweirError | OSError) -> Code:
    """Say what is wrong, on one line of stderr: the exit code."""
    if isinstance(error, LogweirError):
        complain(str(error))
        return next((c for kind, c in _CODES.items() if isinstance(error, kind)), Code.BUG)
    name = f"{error.filename}: " if error.filename else ""
    complain(f"{name}{error.strerror or error}")
    return Code.UNAVAILABLE


def complain(message: str) -> None:
    """One line on stderr."""
    print(f"logweir: {message}", file=sys.stderr, flush=True)  # noqa: T201  # where else


def report_bug(error: Exception) -> int:
    """Say where it happened, on one line. Not the error's words: they may quote a log's text."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    complain(f"this is a bug in Logweir, please report it: {type(error).__name__} at {where}")
    sys.stdout.flush()
    return Code.BUG
