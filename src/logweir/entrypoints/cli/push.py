"""``push``: the worker that Pub/Sub calls."""

from __future__ import annotations

from logweir.entrypoints.cli.flags import PUSH, takes_settings
from logweir.settings import Settings


@takes_settings(*PUSH)
def push(settings: Settings) -> None:
    """Work through the logs that Pub/Sub pushes to POST /: the private service on Google Cloud."""
    from logweir.entrypoints.process import run
    from logweir.entrypoints.push import serve_push

    run("push", settings, lambda on_stop: serve_push(settings, on_stop), supervised=False)
