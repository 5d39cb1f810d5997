"""The HTTP server under gateway and push: granian in this very process, on a socket that we bind.

``docs/adr`` says why granian, and why embedded. Two of its private names are used, so its version
is pinned exactly and tests hold what we rely on.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NoReturn, Protocol, cast

import structlog
from granian._granian import SocketHolder
from granian.http import HTTP1Settings
from granian.server.embed import Server

from logweir.bootstrap import admission, open_ports, planner
from logweir.entrypoints.doorman import Doorman
from logweir.entrypoints.gateway import Gateway
from logweir.entrypoints.http import App, Message, Receive, Send
from logweir.entrypoints.process import (
    DESCRIPTORS_MAX,
    Stop,
    cannot_listen,
    raise_descriptor_limit,
)
from logweir.settings import Settings

_log = structlog.get_logger()

_BACKLOG: Final = 2048
_OTHER_DESCRIPTORS: Final = 512  # the broker's file and the tenants'
_CONNECTIONS_MAX: Final = DESCRIPTORS_MAX - _OTHER_DESCRIPTORS
_HEADER_SECONDS_MAX: Final = 10  # for the headers, and for the silence between two requests
_BUFFER_BYTES_MAX: Final = 64 * 1024
_UNREAD_BYTES_MAX: Final = 64 * 1024  # of answers, held by the kernel for one connection
_UNREAD_SECONDS_MAX: Final = 20  # then a client that takes no answers is cut off
_COUNTS_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 1.0  # to send the last answers in
_QUIET_SECONDS: Final = 0.2  # granian's threads come to rest


class Application(Protocol):
    """What is served. ``counts`` has its answers since the start."""

    counts: Counter[str]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        ...


async def serve_gateway(settings: Settings, on_stop: Stop) -> None:
    """Serve until stopped, then end the process: requests under way are answered first."""
    stopping = asyncio.Event()
    on_stop(stopping.set)
    async with open_ports(settings) as ports:
        gateway = Gateway(
            planner(settings, ports.store, ports.publisher),
            ports.clock,
            settings.limits,
            admission(settings, ports),
        )
        listener = bind(settings.host, settings.port)
        await serve(gateway, listener, stopping, settings.drain_seconds)
    await leave()


async def serve(
    app: Application,
    listener: socket.socket,
    stopping: asyncio.Event,
    drain_seconds: float,
    give_up: Callable[[], None] | None = None,
) -> None:
    """Serve until it is time to stop; then listen no more, and wait for the requests under way.

    ``give_up`` makes the application answer those that outlast the drain time.
    """
    server = BoundServer(app, listener)
    doorman = asyncio.create_task(Doorman(listener, server.connections_max, app.counts).stand())
    counts = asyncio.create_task(_log_counts(app.counts))
    serving = asyncio.create_task(server.serve())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not stopped.done():
        serving.result()
        raise RuntimeError("the HTTP server ended by itself")
    doorman.cancel()
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait({serving}, timeout=drain_seconds)
    if give_up is not None and not serving.done():
        give_up()
        await asyncio.wait({serving}, timeout=_ANSWER_SECONDS)
    counts.cancel()
    _log.info("requests", **app.counts)


async def leave() -> NoReturn:
    """End the process. Not by a return: threads of granian that outlive the interpreter print a
    panic."""
    await asyncio.sleep(_QUIET_SECONDS)
    sys.stderr.flush()
    os._exit(0)


class BoundServer(Server):
    """granian on a socket that is bound already.

    Bound by itself, it shares its port with any second gateway, and cannot tell which one it is.
    """

    def __init__(self, app: App, listener: socket.socket) -> None:
        self._listener = listener
        self.connections_max = _connections_max()
        host, port = listener.getsockname()[:2]
        super().__init__(
            cast(Any, app),
            address=host,
            port=port,
            interface=cast(Any, "asginl"),
            http=cast(Any, "1"),
            websockets=False,
            backlog=_BACKLOG,
            # Its default lets 128 idle connections keep all others out.
            backpressure=self.connections_max,
            log_enabled=False,
            log_access=False,
            http1_settings=HTTP1Settings(
                header_read_timeout=_HEADER_SECONDS_MAX * 1000,
                max_buffer_size=_BUFFER_BYTES_MAX,
            ),
        )

    def _init_shared_socket(self) -> None:
        descriptor = self._listener.detach()
        # Elsewhere it takes no backlog, and listens as we told the socket to.
        holder: Any = SocketHolder
        backlog = (self.backlog,) if sys.platform == "linux" else ()
        self._shd: Any = holder(descriptor, False, *backlog)
        self._sfd = self._shd.get_fd()
        self._ssp = None


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Misconfigured where the address is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # granian waits for ever for who sends requests and reads no answers, and the kernel keeps
    # megabytes of these. Connections inherit both.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES_MAX)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_SECONDS_MAX * 1000)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        raise cannot_listen(host, port, error) from error
    return listener


def _connections_max() -> int:
    """How many connections may be open: granian spins where descriptors run out."""
    return max(128, min(_CONNECTIONS_MAX, raise_descriptor_limit() - _OTHER_DESCRIPTORS))


async def _log_counts(counts: Counter[str]) -> None:
    logged = dict(counts)
    while True:
        await asyncio.sleep(_COUNTS_SECONDS)
        if counts != logged:
            logged = dict(counts)
            _log.info("requests", **logged)
