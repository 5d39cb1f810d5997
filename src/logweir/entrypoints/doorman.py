"""Answers 429 to who comes while all connections are taken.

granian takes no more connections than it may have, and tells nobody: who comes then would wait
without an answer, for as long as slow clients hold the others. So somebody looks at the queue of
the listening socket.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections import Counter, deque
from contextlib import suppress
from typing import Final

from logweir.limits import DEFAULT_LIMITS
from logweir.reasons import Reason

_LOOK_SECONDS: Final = 0.1
_REFUSED_AT_ONCE: Final = 128  # by one look; as many wait for their answers to be read
_LINGER_SECONDS: Final = 1.0  # closed at once, an unread request would take the answer along
# The gateway's own files and pipes are more than these; so all connections taken is always seen.
_OWN_DESCRIPTORS: Final = 8
_ANSWER: Final = (
    "HTTP/1.1 429 Too Many Requests\r\n"
    f"Retry-After: {DEFAULT_LIMITS.retry_after_seconds}\r\n"
    "Content-Length: 0\r\nConnection: close\r\n\r\n"
).encode()


class Doorman:
    """Stands at one listening socket, which it does not own."""

    def __init__(self, listener: socket.socket, connections_max: int, counts: Counter[str]) -> None:
        """Only inside of a loop. Refusals are added to ``counts``."""
        self._listener = listener.dup()
        self._listener.setblocking(False)
        self._connections_max = connections_max
        self._counts = counts
        self._queue = select.poll()
        self._queue.register(self._listener, select.POLLIN)
        self._loop = asyncio.get_running_loop()
        self._refused: deque[tuple[float, socket.socket]] = deque()

    async def stand(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                self._let_go(self._loop.time() - _LINGER_SECONDS)
                if self._someone_waits() and self._is_full():
                    self._refuse_all()
        finally:
            self._listener.close()
            self._let_go(self._loop.time())

    def _someone_waits(self) -> bool:
        return bool(self._queue.poll(0))

    def _is_full(self) -> bool:
        taken = len(os.listdir("/dev/fd")) - len(self._refused)  # noqa: PTH208  # only counted
        return taken >= self._connections_max + _OWN_DESCRIPTORS

    def _refuse_all(self) -> None:
        while len(self._refused) < _REFUSED_AT_ONCE:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # nobody waits any more
                return
            self._refused.append((self._loop.time(), connection))
            self._counts[Reason.OVERLOADED.code] += 1
            with suppress(OSError):
                connection.setblocking(False)
                connection.send(_ANSWER)
                connection.shutdown(socket.SHUT_WR)

    def _let_go(self, since: float) -> None:
        while self._refused and self._refused[0][0] <= since:
            self._refused.popleft()[1].close()
