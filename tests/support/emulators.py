"""Google's emulators for tests: one pair for a whole run, and a project of its own for each test.

Where the extra or an emulator is missing, tests are skipped and say so; with REQUIRE_EMULATORS=1
that is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from scripts.emulators import GOOGLES, Emulator, NotInstalled
from tests.support.processes import free_port
from tests.support.shared import missing, shared


def need_extra() -> None:
    """Go on only where Google's client libraries are installed."""
    for module in ("google.pubsub_v1", "google.cloud.firestore"):
        try:
            found = find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            missing("the extra logweir[gcp] is not installed")


@contextmanager
def emulators_running(directory: Path) -> Iterator[dict[str, str]]:
    """Both, shared by who names this directory: by the variables that clients find them with."""
    need_extra()
    with shared(directory, {name: f"127.0.0.1:{free_port()}" for name in GOOGLES}) as addresses:
        yield addresses


@contextmanager
def own_emulators() -> Iterator[dict[str, Emulator]]:
    """Both, to be stopped and started by the test."""
    need_extra()
    try:
        both = {name: Emulator(name, f"127.0.0.1:{free_port()}") for name in GOOGLES}
    except NotInstalled as error:
        missing(str(error))
        raise
    try:
        for emulator in both.values():
            emulator.start()
        yield both
    finally:
        for emulator in both.values():
            emulator.stop()


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set the variables meanwhile: Google's clients read them by themselves."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
