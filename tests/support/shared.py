"""Emulators that the processes of one run share: the first that needs them has them started.

    python -m tests.support.shared DIRECTORY '{"PUBSUB_EMULATOR_HOST": "127.0.0.1:…"}'

is who keeps them: it ends, and they with it, when nobody holds the lock of the directory any more,
however those that held it ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from scripts import emulators
from scripts.emulators import Emulator, NotInstalled

_ROOT = Path(__file__).resolve().parent.parent.parent
_USERS, _STARTING, _ADDRESSES = "users", "starting", "addresses"

_running: dict[str, str] = {}


def missing(why: str) -> None:
    """Skip the test, or fail it where emulators are required."""
    if os.environ.get("REQUIRE_EMULATORS") == "1":
        pytest.fail(f"REQUIRE_EMULATORS=1, and {why}")
    pytest.skip(why)


def running_now() -> dict[str, str]:
    """Those that run for the whole of these tests, if they do: addresses by variable."""
    return dict(_running)


@contextmanager
def shared(directory: Path, addresses: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Those kept in this directory, by variable; where none are, they start at these addresses."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / _USERS).open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with (directory / _STARTING).open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not (directory / _ADDRESSES).exists():
                _start(directory, addresses)
        kept: dict[str, str] = json.loads((directory / _ADDRESSES).read_text())
        _running.update(kept)
        try:
            yield kept
        finally:
            for variable in kept:
                del _running[variable]


def _start(directory: Path, addresses: Mapping[str, str]) -> None:
    try:
        for variable, address in addresses.items():
            Emulator(variable, address)  # says what is not installed
    except NotInstalled as error:
        missing(str(error))
    command = [sys.executable, "-m", __name__, str(directory), json.dumps(addresses)]
    keeper = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, start_new_session=True)
    assert keeper.stdout is not None
    if not keeper.stdout.readline():
        raise RuntimeError(f"the emulators at {', '.join(addresses.values())} did not start")
    keeper.stdout.close()
    keeper.returncode = 0  # nobody waits for it: it outlives us where others still use them


def _keep(directory: Path, addresses: dict[str, str]) -> None:
    with (directory / _USERS).open("a") as users, emulators.running(addresses):
        (directory / _ADDRESSES).write_text(json.dumps(addresses))
        print("ready", flush=True)
        fcntl.flock(users, fcntl.LOCK_EX)
        (directory / _ADDRESSES).unlink()


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), json.loads(sys.argv[2]))
