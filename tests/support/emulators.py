"""Google's emulators for tests: one pair for a whole run, and a project of its own for each test.

Where the extra or an emulator is missing, tests are skipped and say so; with REQUIRE_EMULATORS=1
that is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import pytest
from scripts import emulators
from scripts.emulators import GOOGLES, Emulator, NotInstalled
from tests.support.processes import free_port

_running: dict[str, str] = {}


def missing(why: str) -> None:
    """Skip the test, or fail it where emulators are required."""
    if os.environ.get("REQUIRE_EMULATORS") == "1":
        pytest.fail(f"REQUIRE_EMULATORS=1, and {why}")
    pytest.skip(why)


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
def emulators_running() -> Iterator[dict[str, str]]:
    """Both on free ports, by the variables that clients find them with."""
    need_extra()
    addresses = {variable: f"127.0.0.1:{free_port()}" for variable in GOOGLES}
    try:
        with emulators.running(addresses), remember(addresses):
            yield addresses
    except NotInstalled as error:
        missing(str(error))


@contextmanager
def remember(addresses: dict[str, str]) -> Iterator[None]:
    """Those that run meanwhile."""
    _running.update(addresses)
    try:
        yield
    finally:
        for variable in addresses:
            del _running[variable]


def running_now() -> dict[str, str]:
    """Those that run for the whole of these tests, if they do."""
    return dict(_running)


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
