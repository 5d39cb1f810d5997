"""The command line."""

from __future__ import annotations

import os
import sys

import typer

from logweir.errors import Misconfigured
from logweir.settings import Settings, load

app = typer.Typer(no_args_is_help=True)


@app.command()
def gateway(supervised: bool = False) -> None:
    from logweir.entrypoints.process import run
    from logweir.entrypoints.server import serve_gateway

    settings = load(os.environ)
    run("gateway", settings, lambda on_stop: serve_gateway(settings, on_stop), supervised=supervised)


@app.command()
def worker(supervised: bool = False) -> None:
    from logweir.entrypoints.process import run
    from logweir.entrypoints.worker import serve_worker

    settings = load(os.environ)
    run("worker", settings, lambda on_stop: serve_worker(settings, on_stop), supervised=supervised)


@app.command()
def serve() -> None:
    from logweir.entrypoints.process import run
    from logweir.entrypoints.supervisor import Supervisor

    settings = load(os.environ)
    supervisor = Supervisor(settings, lambda s: print("listening", s.host, s.port, flush=True))
    run("supervisor", settings, supervisor.run, supervised=False)


def main() -> None:
    try:
        app()
    except Misconfigured as error:
        print(f"logweir: {error}", file=sys.stderr)
        sys.exit(2)
