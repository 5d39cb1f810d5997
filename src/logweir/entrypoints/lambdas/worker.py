"""The functions behind SQS. Their handler is ``worker.handler``.

One function serves the logs, one the chunks; the first is also called once an hour by a schedule.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from logweir.bootstrap import closing_work, consumer
from logweir.entrypoints.lambdas.batches import Batches, check_settings
from logweir.entrypoints.lambdas.dead import EVENT, drain
from logweir.entrypoints.lambdas.runtime import (
    Context,
    saying_what_is_misconfigured,
    seconds_left,
    start,
)

_sandbox = start("worker", os.environ, check_settings)
_settings, _ports = _sandbox.settings, _sandbox.ports
_ports.warm_up_store()  # the start has a whole processor
_kept = ExitStack()  # never closed: the sandbox is killed
with saying_what_is_misconfigured():
    _work = _kept.enter_context(closing_work(_settings, _ports.clock))
    _consumer = consumer(_settings, _ports, _work)
_batches = Batches(_consumer, _ports.hide, _settings.chunk_seconds)


def handler(event: object, context: Context) -> dict[str, Any]:
    """What of a batch is to be delivered again; or what was brought back."""
    left = seconds_left(context)
    if event == EVENT and _ports.returned is not None:
        return _sandbox.run(drain(_ports.returned, _consumer, _ports.clock, left))
    return _sandbox.run(_batches.work_on(event, left))
