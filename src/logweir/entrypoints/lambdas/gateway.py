"""The function behind the URL: POST /ingest. Its handler is ``gateway.handler``."""

from __future__ import annotations

import os
from typing import Any

from logweir.bootstrap import admission, planner
from logweir.entrypoints.lambdas.requests import Requests
from logweir.entrypoints.lambdas.runtime import Context, seconds_left, start

_sandbox = start("gateway", os.environ)
_ports = _sandbox.ports
_requests = Requests(
    planner(_sandbox.settings, _ports.store, _ports.publisher),
    _ports.clock,
    _sandbox.settings.limits,
    admission(_sandbox.settings, _ports),
)


def handler(event: object, context: Context) -> dict[str, Any]:
    """The answer to an HTTP event."""
    return _sandbox.run(_requests.answer(event, seconds_left(context)))
