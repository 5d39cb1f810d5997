"""``serve``, ``gateway`` and ``worker``: what runs until it is stopped.

What one of them does not need is not imported before another uses it.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import assert_never

from logweir.entrypoints.cli.flags import GATEWAY, SERVE, WORKER, takes_settings
from logweir.entrypoints.cli.output import print_line, style
from logweir.settings import Backend, Settings


@takes_settings(*GATEWAY)
def gateway(settings: Settings) -> None:
    """Take logs in at POST /ingest, and nothing else; `serve` runs it with workers."""
    from logweir.entrypoints import child

    child.serve("gateway", settings, supervised=False)


@takes_settings(*WORKER)
def worker(settings: Settings) -> None:
    """Work through the logs that wait; `serve` runs it with a gateway."""
    from logweir.entrypoints import child

    child.serve("worker", settings, supervised=False)


@takes_settings(*SERVE)
def serve(settings: Settings) -> None:
    """Run it all on this machine: a gateway and workers, restarted when they die."""
    from logweir.entrypoints.process import run
    from logweir.entrypoints.supervisor import Supervisor

    supervisor = Supervisor(settings, announce)
    run("supervisor", settings, supervisor.run, supervised=False)


def announce(settings: Settings) -> None:
    """Say where it listens, where the data lies, and what to try."""
    url = settings.url
    program = _program()
    text = "User 555-0199 logged in"
    seconds = len(text) * settings.seconds_per_character
    lines = (
        f"{style('Logweir', bold=True)} listens on {style(url, bold=True)}",
        f"and keeps its data in {_whereabouts(settings)}",
        "",
        style("Send it a log, as JSON or as text:", dim=True),
        f"  curl {url}/ingest -H 'Content-Type: application/json' \\",
        f'    -d \'{{"tenant_id":"acme","log_id":"1","text":"{text}"}}\'',
        f"  curl {url}/ingest -H 'Content-Type: text/plain' \\",
        f"    -H 'X-Tenant-ID: beta' -H 'X-Log-ID: 1' --data-binary '{text}'",
        "",
        style(f"The work on these takes {seconds:.2g} s each. Then look:", dim=True),
        *_environment_lines(settings),
        f"  {program} get acme 1{_home(settings)}",
        f"  {program} ls{_home(settings)}",
        "",
        style("Ctrl-C stops it; what was accepted stays.", dim=True),
    )
    for line in lines:
        print_line(line)
    sys.stdout.flush()


def _whereabouts(settings: Settings) -> str:
    match settings.backend:
        case Backend.LOCAL:
            return str(settings.data_dir.absolute())
        case Backend.GCP if settings.on_emulators:
            return f"the emulators, at {settings.pubsub_emulator} and {settings.firestore_emulator}"
        case Backend.GCP:
            return f"Pub/Sub and Firestore of the project {settings.gcp_project}"
        case Backend.AWS:
            where = f", on the emulator at {settings.aws_endpoint}" if settings.on_emulators else ""
            return f"the queues and the table {settings.aws_prefix}{where}"
        case _:
            assert_never(settings.backend)


def _home(settings: Settings) -> str:
    """The flags that another command needs."""
    elsewhere = settings.backend is Backend.LOCAL and settings.data_dir != Path("data")
    return f" --data-dir {settings.data_dir}" if elsewhere else ""


def _environment_lines(settings: Settings) -> list[str]:
    """What another terminal needs to look at the same place."""
    if settings.backend is Backend.LOCAL:
        return []
    names = {
        Backend.GCP: ("LOGWEIR_GCP_", "PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST"),
        Backend.AWS: ("LOGWEIR_AWS_", "AWS_ENDPOINT_URL"),
    }[settings.backend]
    defaults = Settings().environment()
    return [
        f"  export {name}={shlex.quote(value)}"
        for name, value in settings.environment().items()
        if name.startswith(("LOGWEIR_BACKEND", *names)) and defaults.get(name) != value
    ]


def _program() -> str:
    """What to type for this very program."""
    started_as = Path(sys.argv[0])
    if started_as.name != "logweir":
        return f"{sys.executable} -m logweir"
    found = shutil.which("logweir")
    if found and Path(found).resolve() == started_as.resolve():
        return "logweir"
    return str(started_as)
