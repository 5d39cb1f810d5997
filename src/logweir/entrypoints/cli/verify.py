"""``verify``: were the promises kept to the clients of a flood?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from logweir.entrypoints.cli.flags import CUT, LOOK, REDACTION, takes_settings
from logweir.entrypoints.cli.output import Json, print_json
from logweir.settings import Settings

# Those that the rules depend on.
SETTINGS: Final = (*LOOK, *CUT, *REDACTION, "work", "workers", "concurrency")


@takes_settings(*SETTINGS)
def verify(
    settings: Settings,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="A history, by `logweir flood --history`.",
        ),
    ],
    wait: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="Wait so long for the backlog (default: until all should be finished).",
        ),
    ] = None,
    within: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="A log must be finished so long after its 202 (default: by the settings).",
        ),
    ] = None,
    own_tenants: Annotated[
        bool,
        typer.Option(
            "--own-tenants", help="Do not look whether a log lies at the place of another tenant."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Compare a flood's history with what is stored, once the backlog is drained.

    Exit code 0: every promise was kept; 1: some were broken; 5: no verdict. docs/verify.md says
    what is looked at.
    """
    from logweir.entrypoints.cli.proof import (
        Patience,
        code_of,
        print_report,
        proven,
        report_json,
    )
    from logweir.verify.read_history import read_history

    patience = Patience(wait_seconds=wait, finish_seconds=within, others=not own_tenants)
    report = proven(settings, read_history(file), patience, quiet=json)
    print_json(report_json(report)) if json else print_report(report)
    raise typer.Exit(code_of(report))
