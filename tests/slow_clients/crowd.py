"""The slow clients: ``python -m tests.slow_clients.crowd PORT SOCKETS SECONDS TICK_SECONDS``.

Each that is ended has a successor until the seconds are over; then all that are left are waited
for. Says in lines of JSON when all are there, and at last how each ended. In a process of its own,
since good clients are timed meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Final, cast

from tests.slow_clients.kinds import Kind, kind_of

_CONNECTS_AT_ONCE: Final = 100
_PATIENCE_SECONDS: Final = 60.0  # then one that is still open is said to be
_DEAF_BUFFER_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class End:
    """How a slow client ended."""

    kind: str
    status: int | None  # of the answer, if one came
    seconds: float  # since it was connected
    open: bool = False  # it did not end


class Slow(asyncio.Protocol):
    """One connection."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.received = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.began = 0.0
        self._left = deque(kind.end[i : i + 1] for i in range(len(kind.end))) if kind.end else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the request."""
        self.began = time.monotonic()
        self.transport = cast(asyncio.Transport, transport)
        if not self.kind.reads:
            self.transport.pause_reading()
        if self.kind.start:
            self.transport.write(self.kind.start)

    def data_received(self, data: bytes) -> None:
        """Keep the answer; who has one is done, as after 202 the connection would stay."""
        self.received += data
        if b"\r\n\r\n" in self.received:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """It has ended, whoever ended it."""
        if not self.ended.done():
            self.ended.set_result(None)

    def tick(self) -> None:
        """Send the next bytes, unless the last ones have not left yet."""
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            return
        if self._left:
            self.transport.write(self._left.popleft())
        elif self._left is None and self.kind.drip:
            self.transport.write(self.kind.drip)

    def end(self, *, still_open: bool) -> End:
        """What became of it."""
        status = int(self.received.split(maxsplit=2)[1]) if self.received else None
        return End(self.kind.name, status, time.monotonic() - self.began, still_open)


class Crowd:
    """All of them."""

    def __init__(self, port: int, seconds: float, tick_seconds: float) -> None:
        self._port = port
        self._tick_seconds = tick_seconds
        self._seconds = seconds
        self._until = float("inf")
        self._connecting = asyncio.Semaphore(_CONNECTS_AT_ONCE)
        self._open: dict[int, Slow] = {}
        self.ends: list[End] = []

    async def run(self, sockets: int) -> None:
        """To the end of the last."""
        ticking = asyncio.create_task(self._tick())
        there = [asyncio.get_running_loop().create_future() for _ in range(sockets)]
        places = [asyncio.create_task(self._keep(n, future)) for n, future in enumerate(there)]
        await asyncio.gather(*there)
        print(json.dumps({"open": len(self._open)}), flush=True)
        self._until = time.monotonic() + self._seconds
        await asyncio.gather(*places)
        ticking.cancel()

    async def _keep(self, number: int, there: asyncio.Future[None]) -> None:
        kind = kind_of(number)
        while True:
            async with self._connecting:
                client = await self._connect(kind)
            if not there.done():
                there.set_result(None)
            self._open[number] = client
            done, _ = await asyncio.wait({client.ended}, timeout=_PATIENCE_SECONDS)
            del self._open[number]
            self.ends.append(client.end(still_open=not done))
            client.transport.abort()
            if not kind.again or time.monotonic() >= self._until:
                return

    async def _connect(self, kind: Kind) -> Slow:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        if not kind.reads:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _DEAF_BUFFER_BYTES)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", self._port))
        _, client = await loop.create_connection(lambda: Slow(kind), sock=connection)
        return client

    async def _tick(self) -> None:
        while True:
            for client in list(self._open.values()):
                client.tick()
            await asyncio.sleep(self._tick_seconds)


async def _main(port: int, sockets: int, seconds: float, tick_seconds: float) -> None:
    crowd = Crowd(port, seconds, tick_seconds)
    await crowd.run(sockets)
    print(json.dumps({"ends": [asdict(end) for end in crowd.ends]}), flush=True)


if __name__ == "__main__":
    _port, _sockets, _seconds, _tick = sys.argv[1:]
    asyncio.run(_main(int(_port), int(_sockets), float(_seconds), float(_tick)))
