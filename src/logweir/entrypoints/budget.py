"""Bytes of memory that many tasks share: who asks for more than are left waits for its turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from logweir.entrypoints.deadline import Deadline
from logweir.errors import Unavailable


class Budget:
    """So many bytes for all, in the order of asking: a large share is not passed by small ones."""

    def __init__(self, bytes_max: int, wait_seconds: float) -> None:
        """Only inside of a loop."""
        self._bytes_max = bytes_max
        self._left = bytes_max
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._deadline = Deadline(wait_seconds)

    @asynccontextmanager
    async def share(self, size: int) -> AsyncIterator[Share]:
        """Have ``size`` bytes inside of the block. Raises Unavailable."""
        share = Share(self)
        await share.resize(size)
        try:
            yield share
        finally:
            await share.resize(0)

    async def take(self, size: int) -> int:
        """What was taken: ``size``, but no more than there are. Raises Unavailable."""
        size = min(size, self._bytes_max)
        if not self._waiting and size <= self._left:
            self._left -= size
            return size
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            with self._deadline:
                await turn
        except BaseException as error:
            # A turn that came at the very moment of the cancellation is passed on.
            self.give_back(0 if turn.cancelled() else size)
            if isinstance(error, TimeoutError):
                raise Unavailable("too many bytes are in work") from None
            raise
        return size

    def give_back(self, size: int) -> None:
        """Take them no more."""
        self._left += size
        while self._waiting:
            wanted, turn = self._waiting[0]
            if not turn.cancelled():
                if wanted > self._left:
                    return
                self._left -= wanted
                turn.set_result(None)
            self._waiting.popleft()


class Share:
    """What one task has of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    async def resize(self, size: int) -> None:
        """Have so many bytes from now on. Less is had at once; for more it waits with none, since
        many that hold some and wait for more would wait for each other. Raises Unavailable."""
        if size <= self._size:
            self._budget.give_back(self._size - size)
            self._size = size
            return
        self._budget.give_back(self._size)
        self._size = 0
        self._size = await self._budget.take(size)
