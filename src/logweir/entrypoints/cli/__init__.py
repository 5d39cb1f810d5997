"""The command line: `logweir COMMAND`, and what each command's module is.

serve        serve, gateway, worker
push         push
send         send
get          get, with whereabouts
ls           ls, status
dead         dead ls, dead show; dead_acts: dead replay, dead purge; with letters
redact       redact
flood        flood, with flood_report
verify       verify; proof: the rules, the waiting, the report; stock: what is stored
commands     the group of them; flags: settings as flags;  output: how things are printed

rich, aiohttp and the back ends are imported by the commands that use them, when they run.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from logweir import __version__
from logweir.entrypoints.cli import (
    dead,
    dead_acts,
    flood,
    get,
    ls,
    push,
    redact,
    send,
    serve,
    verify,
)
from logweir.entrypoints.cli.commands import EPILOG, Commands
from logweir.entrypoints.exits import open_streams, report_bug

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # joins the lines of a docstring
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    *(serve.serve, send.send, get.get, ls.ls, ls.status),
    *(redact.redact, flood.flood, verify.verify),
    *(serve.gateway, serve.worker, push.push),
):
    app.command(epilog=EPILOG)(command)

letters = typer.Typer(
    no_args_is_help=True, help="Dead letters: logs that could not become documents, kept whole."
)
for name, command in {
    "ls": dead.list_letters,
    "show": dead.show_letter,
    "replay": dead_acts.replay_letters,
    "purge": dead_acts.purge_letter,
}.items():
    letters.command(name, epilog=EPILOG)(command)
app.add_typer(letters, name="dead", epilog=EPILOG)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"logweir {__version__}")
        raise typer.Exit


@app.callback()
def logweir(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Take logs in from many tenants, redact them, and keep each tenant's apart."""


def main() -> None:
    """Run the command line."""
    open_streams()
    try:
        app()
    except Exception as error:  # noqa: BLE001  # users get a line, not a stack trace
        sys.exit(report_bug(error))
