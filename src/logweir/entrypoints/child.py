"""``python -m logweir gateway|worker --supervised``: what the supervisor starts.

Past the command line, whose modules take a quarter of a start: who is started again after a crash
has leases waiting for it. All settings come by the environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable

from logweir.entrypoints.exits import open_streams, report_bug, told
from logweir.entrypoints.process import Stop, run
from logweir.errors import LogweirError
from logweir.settings import Settings, load


def main() -> int:
    """Run the role until it is stopped: the exit code."""
    open_streams()
    role = sys.argv[1]
    try:
        settings = load(os.environ)
        serve = _serve(role)
        run(role, settings, lambda on_stop: serve(settings, on_stop), supervised=True)
    except (LogweirError, OSError) as error:
        return told(error)
    except Exception as error:  # noqa: BLE001  # a log gets a line, not a stack trace
        return report_bug(error)
    return 0


def _serve(role: str) -> Callable[[Settings, Stop], Awaitable[None]]:
    """What runs a role; neither needs what the other does."""
    if role == "gateway":
        from logweir.entrypoints.server import serve_gateway

        return serve_gateway
    from logweir.entrypoints.worker import serve_worker

    return serve_worker
