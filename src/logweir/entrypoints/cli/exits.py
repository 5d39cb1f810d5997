"""What a command's exit code says, and which error ends it with which. The only place for both."""

from __future__ import annotations

import sys
import traceback
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperGroup

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


EPILOG: Final = (
    "Exit codes: 0 done; 1 not done, refused, or the answer is no; 2 wrong use or setting;"
    " 3 not found; 4 unavailable, try again later; 5 no verdict; 130 interrupted."
)


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


class Commands(TyperGroup):
    """The group of all commands: an error becomes one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is asked for."""
        try:
            return super().invoke(ctx)
        except LogweirError as error:
            complain(str(error))
            code = next((c for kind, c in _CODES.items() if isinstance(error, kind)), Code.BUG)
            raise typer.Exit(code) from None
        except BrokenPipeError:
            raise  # `logweir ls | head`: the parser ends quietly
        except OSError as error:
            name = f"{error.filename}: " if error.filename else ""
            complain(f"{name}{error.strerror or error}")
            raise typer.Exit(Code.UNAVAILABLE) from None


def complain(message: str) -> None:
    """One line on stderr."""
    typer.echo(f"logweir: {message}", err=True)


def report_bug(error: Exception) -> int:
    """Say where it happened, on one line. Not the error's words: they may quote a log's text."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    complain(f"this is a bug in Logweir, please report it: {type(error).__name__} at {where}")
    sys.stdout.flush()
    return Code.BUG
