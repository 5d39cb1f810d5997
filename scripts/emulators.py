"""Emulators of the clouds: found, started, and ended with us.

    python scripts/emulators.py gcp|aws COMMAND...

runs a command with those of a cloud: Google's own of Pub/Sub and Firestore, or ministack, each at
the address in its variable (one that answers there already is used as it is), else at

    PUBSUB_EMULATOR_HOST     127.0.0.1:8085
    FIRESTORE_EMULATOR_HOST  127.0.0.1:8086
    AWS_ENDPOINT_URL         http://127.0.0.1:4566

Everything they hold is in memory and ends with them.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

READY_SECONDS = 60.0
GOOGLES = {"PUBSUB_EMULATOR_HOST": "127.0.0.1:8085", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:8086"}
MINISTACK = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
_CLOUDS = {"gcp": GOOGLES, "aws": MINISTACK}
_COMPONENTS = {
    "PUBSUB_EMULATOR_HOST": "pubsub",
    "FIRESTORE_EMULATOR_HOST": "firestore",
    "AWS_ENDPOINT_URL": "ministack",
}
# In an environment of its own, since it pins what we pin otherwise; `scripts/setup ministack`.
_MINISTACK = Path(__file__).resolve().parent.parent / ".venv-ministack" / "bin" / "ministack"


class NotInstalled(Exception):
    """Java or an emulator is not on this machine, or not where we may start it; says what to do."""


class Emulator:
    """One of them, by the name of the variable that clients find it with."""

    def __init__(self, variable: str, address: str) -> None:
        """``address``: what the variable is to hold. Raises NotInstalled."""
        self.variable = variable
        self.address = address
        self._command = _command(variable, address)
        self._environment = _environment(variable, address)
        self._process: subprocess.Popen[bytes] | None = None
        # ministack unpacks each process of a function, and leaves that when it is killed.
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        with tempfile.TemporaryFile() as log:
            # Not by `gcloud emulators start`: that leaves its Java process behind when it ends.
            self._process = subprocess.Popen(
                self._command,
                env=self._environment | {"TMPDIR": self._scratch.name},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for us; we end it afterwards
                preexec_fn=_end_with_parent,  # noqa: PLW1509  # no thread of ours runs yet
            )
            deadline = time.monotonic() + READY_SECONDS
            while not answers(self.variable, self.address):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    log.seek(0)
                    said = log.read().decode(errors="replace")[-2000:]
                    raise RuntimeError(f"the emulator at {self.address} did not start:\n{said}")
                time.sleep(0.05)

    def stop(self) -> None:
        """Kill it, and what it has started; what it held is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP makes a cloud that does not answer once this returns."""
        assert self._process is not None
        self._process.send_signal(number)
        if number == signal.SIGSTOP:
            os.waitpid(self._process.pid, os.WUNTRACED)  # its threads stop one after the other


def answers(variable: str, address: str) -> bool:
    """Does an emulator answer there?"""
    connection = http.client.HTTPConnection(_host_and_port(address), timeout=2)
    try:
        connection.request("GET", "/_ministack/health" if variable in MINISTACK else "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def running(addresses: dict[str, str]) -> Iterator[dict[str, str]]:
    """Those at their addresses, by variable. Raises NotInstalled."""
    with ExitStack() as stack:
        for variable, address in addresses.items():
            if answers(variable, address):
                continue
            emulator = Emulator(variable, address)
            stack.callback(emulator.stop)
            emulator.start()
        yield addresses


def _end_with_parent() -> None:
    """However we end. Linux only; elsewhere a killed parent leaves its emulators."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of <linux/prctl.h>


def _host_and_port(address: str) -> str:
    return address.removeprefix("http://").rstrip("/")


def _environment(variable: str, address: str) -> dict[str, str]:
    # Functions that ministack runs inherit what it has.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LOGWEIR_", "AWS_"))}
    if variable not in MINISTACK:
        return inherited
    host, _, port = _host_and_port(address).rpartition(":")
    # Without BIND_HOST it listens to everybody.
    switched_off = {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    return inherited | {"BIND_HOST": host, "GATEWAY_PORT": port} | switched_off


def _command(variable: str, address: str) -> list[str]:
    host, _, port = _host_and_port(address).rpartition(":")
    component = _COMPONENTS[variable]
    if variable in MINISTACK:
        if host not in ("127.0.0.1", "localhost") or not port.isdigit():
            raise NotInstalled(f"nothing answers at AWS_ENDPOINT_URL={address}")
        if not _MINISTACK.exists():
            raise NotInstalled("there is no ministack: run `scripts/setup ministack`")
        return [str(_MINISTACK)]
    java = shutil.which("java")
    if java is None:
        raise NotInstalled("there is no java on the PATH; the emulators need Java 11 or newer")
    at = [f"--host={host}", f"--port={port}"]
    if component == "pubsub":
        jar = _jar(component, "pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar")
        return [java, "-Xmx512m", "-XX:TieredStopAtLevel=1", "-jar", jar, *at]
    jar = _jar(component, "cloud-firestore-emulator/cloud-firestore-emulator.jar")
    main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    return [java, "-Xmx1g", "-XX:TieredStopAtLevel=1", "-cp", jar, main, "start", *at]


def _jar(component: str, pattern: str) -> str:
    gcloud = shutil.which("gcloud")
    if gcloud is not None:
        platform = Path(gcloud).resolve().parent.parent / "platform"
        for jar in sorted(platform.glob(pattern)):
            return str(jar)
    raise NotInstalled(
        f"there is no {component} emulator beside gcloud on the PATH: install the Google Cloud CLI,"
        f" then `gcloud components install {component}-emulator beta` (`cloud-firestore-emulator`"
        f" for Firestore; Debian: apt install google-cloud-cli-{component}-emulator)"
    )


def main(arguments: Sequence[str]) -> int:
    """Run the command with the emulators of a cloud: its exit code."""
    cloud, *command = arguments or [""]
    if cloud not in _CLOUDS or not command:
        sys.exit(__doc__)
    defaults = _CLOUDS[cloud]
    addresses = {name: os.environ.get(name) or default for name, default in defaults.items()}
    # The command gets the terminal's Ctrl-C by itself; we wait for its end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with running(addresses):
            for name, address in addresses.items():
                print(f"emulator: {_COMPONENTS[name]} at {address}", file=sys.stderr, flush=True)
            process = subprocess.Popen(
                command,
                env=os.environ | addresses,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            )
            signal.signal(signal.SIGTERM, lambda *_: process.terminate())
            return process.wait()
    except (NotInstalled, RuntimeError) as error:
        print(f"emulators: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
