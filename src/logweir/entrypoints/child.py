"""``python -m logweir gateway|worker --supervised``: what the supervisor starts.

Past the command line, whose modules take a quarter of a start: who is started again after a crash
has leases waiting for it. All settings come by the environment.
"""

from __future__ import annotations

import os
import sys

from logweir.entrypoints.exits import open_streams, report_bug, told
from logweir.entrypoints.process import run
from logweir.errors import LogweirError
from logweir.settings import Settings, load


def main() -> int:
    """Run the role until it is stopped: the exit code."""
    open_streams()
    try:
        serve(sys.argv[1], load(os.environ), supervised=True)
    except (LogweirError, OSError) as error:
        return told(error)
    except Exception as error:  # noqa: BLE001  # a log gets a line, not a stack trace
        return report_bug(error)
    return 0


def serve(role: str, settings: Settings, *, supervised: bool) -> None:
    """Run a gateway or a worker, and import nothing that only the other needs."""
    if role == "gateway":
        from logweir.entrypoints.server import serve_gateway as serve_role
    else:
        from logweir.entrypoints.worker import serve_worker as serve_role
    run(role, settings, lambda on_stop: serve_role(settings, on_stop), supervised=supervised)
