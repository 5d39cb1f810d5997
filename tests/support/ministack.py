"""ministack, the emulator of AWS, for tests: one for a whole run, and names of its own for each.

Where the extra or the emulator is missing, tests are skipped and say so; with REQUIRE_EMULATORS=1
that is a failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from scripts.emulators import Emulator, NotInstalled
from tests.support.processes import free_port
from tests.support.shared import missing, shared

ENDPOINT = "AWS_ENDPOINT_URL"


def need_extra() -> None:
    """Go on only where AWS's client library is installed."""
    if find_spec("botocore") is None:
        missing("the extra logweir[aws] is not installed")


@contextmanager
def ministack_running(directory: Path) -> Iterator[dict[str, str]]:
    """One, shared by who names this directory: by the variable that clients find it with."""
    need_extra()
    with shared(directory, {ENDPOINT: f"http://127.0.0.1:{free_port()}"}) as address:
        yield address


@contextmanager
def own_ministack() -> Iterator[Emulator]:
    """One to be stopped and started by the test."""
    need_extra()
    try:
        emulator = Emulator(ENDPOINT, f"http://127.0.0.1:{free_port()}")
    except NotInstalled as error:
        missing(str(error))
        raise
    try:
        emulator.start()
        yield emulator
    finally:
        emulator.stop()
