"""The group of all commands: its help, and the end of a command that goes wrong."""

from __future__ import annotations

from typing import Any, Final

import typer
from typer.core import TyperGroup

from logweir.entrypoints.exits import told
from logweir.errors import LogweirError

EPILOG: Final = (
    "Exit codes: 0 done; 1 not done, refused, or the answer is no; 2 wrong use or setting;"
    " 3 not found; 4 unavailable, try again later; 5 no verdict; 130 interrupted."
)


class Commands(TyperGroup):
    """An error becomes one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `logweir ls | head`: the parser ends quietly
        except (LogweirError, OSError) as error:
            raise typer.Exit(told(error)) from None
