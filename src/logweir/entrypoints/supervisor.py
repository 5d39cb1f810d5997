"""``logweir serve``: a gateway and workers as processes; what dies is started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from logweir.bootstrap import Ports, open_ports
from logweir.entrypoints.process import EXIT_MISCONFIGURED, Stop, cannot_listen, pause
from logweir.errors import LogweirError, Misconfigured, Unavailable
from logweir.settings import PREFIX, Settings

_log = structlog.get_logger()

_QUICK_SECONDS: Final = 1.0  # who dies younger than this dies quickly
_QUICK_DEATHS: Final = 5  # so many in a row are restarted at once; then it is a crash loop
_BACKOFF_SECONDS_MAX: Final = 5.0
_KILL_SECONDS: Final = 2.0  # beyond the drain time
_READY_SECONDS: Final = 30.0


class Supervisor:
    """Keeps a gateway and workers running until it is stopped."""

    def __init__(self, settings: Settings, announce: Callable[[Settings], None]) -> None:
        """``announce`` is called once, when the gateway listens. Raises Misconfigured."""
        self._settings = replace(settings, port=_free_port(settings.host, settings.port))
        self._announce = announce
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._failure: Misconfigured | None = None
        self._processes: set[asyncio.subprocess.Process] = set()

    def stop(self) -> None:
        """Stop everything cleanly; at once when it is called a second time."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def run(self, on_stop: Stop) -> None:
        """Run until ``stop``. Raises Misconfigured where a process says that it cannot start."""
        on_stop(self.stop)
        async with open_ports(self._settings) as ports:
            await ports.provision(None)
            await self._hand_back_at_start(ports)
            roles = ["gateway"] + ["worker"] * self._settings.workers
            keepers = [asyncio.create_task(self._keep(role, ports)) for role in roles]
            ready = asyncio.create_task(self._announce_when_ready())
            await self._stopping.wait()
            ready.cancel()
            await self._end_processes(keepers)
        if self._failure:
            raise self._failure

    async def _keep(self, role: str, ports: Ports) -> None:
        loop = asyncio.get_running_loop()
        quick_deaths = 0
        while not self._stopping.is_set():
            started = loop.time()
            code = await self._run_process(role)
            if self._stopping.is_set():
                return
            if code == EXIT_MISCONFIGURED:
                # It has said why on stderr; another start would say the same.
                self._failure = Misconfigured(f"the {role} cannot start with these settings")
                self._stopping.set()
                return
            if code is not None:
                _log.warning("process_died", process=role, exit_code=code)
            if role == "worker":
                await self._hand_back(ports)
            quick_deaths = quick_deaths + 1 if loop.time() - started < _QUICK_SECONDS else 0
            await pause(self._stopping, restart_delay(quick_deaths))

    async def _run_process(self, role: str) -> int | None:
        """Its exit code; None where it could not be started."""
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "logweir", role, "--supervised"),
                env=_other_environment() | self._settings.environment(),
                stdin=asyncio.subprocess.PIPE,
                start_new_session=True,  # the terminal's Ctrl-C is for the supervisor alone
            )
        except OSError as error:  # no process, memory or descriptor: there may be one later
            _log.warning("process_not_started", process=role, error=str(error))
            return None
        self._processes.add(process)
        try:
            if self._stopping.is_set():  # it was started while the others were being stopped
                _send(signal.SIGTERM, [process])
            return await process.wait()
        finally:
            self._processes.discard(process)

    async def _hand_back_at_start(self, ports: Ports) -> None:
        try:
            await ports.reap()
        except Unavailable as error:  # such as a full disk: the processes wait until it is over
            _log.warning("leases_not_handed_back", error=str(error))

    async def _hand_back(self, ports: Ports) -> None:
        try:
            handed_back = await ports.reap()
        except (LogweirError, OSError) as error:  # the next worker does it when it starts
            _log.warning("leases_not_handed_back", error=str(error))
        else:
            _log.info("leases_handed_back", messages=handed_back)

    async def _end_processes(self, keepers: Sequence[asyncio.Task[None]]) -> None:
        _send(signal.SIGTERM, self._processes)
        ended = asyncio.create_task(_all(keepers))
        hurry = asyncio.create_task(self._hurry.wait())
        timeout = self._settings.drain_seconds + _KILL_SECONDS
        await asyncio.wait({ended, hurry}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        _send(signal.SIGKILL, self._processes)
        await ended

    async def _announce_when_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + _READY_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                _, writer = await asyncio.open_connection(self._settings.host, self._settings.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            self._announce(self._settings)
            return


def _send(number: signal.Signals, processes: Iterable[asyncio.subprocess.Process]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            process.send_signal(number)


async def _all(tasks: Iterable[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks)


def restart_delay(quick_deaths: int) -> float:
    """Seconds until a dead process is started again: none at first, doubling in a crash loop."""
    if quick_deaths <= _QUICK_DEATHS:
        return 0.0
    return min(_BACKOFF_SECONDS_MAX, 0.1 * 2.0 ** min(quick_deaths - _QUICK_DEATHS, 16))


def _other_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _free_port(host: str, port: int) -> int:
    """The port, or any for 0. Another's listener there would be announced as our own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise cannot_listen(host, port, error) from error
        free: int = listener.getsockname()[1]
    return free
