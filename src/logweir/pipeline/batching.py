"""Group sending: what comes while requests are under way goes together in the next one.

Nothing waits for a timer. While fewer than ``flights_max`` requests are under way, an item leaves
at once; so batches grow exactly as far as the other side is slow.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class PartlyFailed(Exception):
    """Of what was sent together some failed: their errors, by their places in the batch."""

    def __init__(self, errors: Mapping[int, Exception]) -> None:
        super().__init__(f"{len(errors)} failed")
        self.errors = errors


class Batcher(Generic[Item]):
    """Sends items together; ``send`` must not change what it is given.

    It may raise PartlyFailed: all others are sent then.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Item]], Awaitable[None]],
        size: Callable[[Item], int],
        *,
        items_max: int,
        bytes_max: int,
        flights_max: int,
    ) -> None:
        """``size``: of an item in bytes. One that alone is more than ``bytes_max`` goes alone."""
        self._send = send
        self._size = size
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._flights_max = flights_max
        self._waiting: deque[tuple[Item, asyncio.Future[None]]] = deque()
        self._flights: set[asyncio.Task[None]] = set()

    async def __call__(self, items: Sequence[Item]) -> None:
        """Return once all are sent. Raises what sending one of them raised."""
        loop = asyncio.get_running_loop()
        sent = [loop.create_future() for _ in items]
        self._waiting.extend(zip(items, sent, strict=True))
        # From the loop's next turn on, so that what is ready now goes together.
        loop.call_soon(self._take_off)
        errors = [error for error in await asyncio.gather(*sent, return_exceptions=True) if error]
        if errors:
            raise errors[0]

    async def close(self) -> None:
        """Wait for what is under way, and for what has only just come."""
        while self._waiting or self._flights:
            self._take_off()
            await asyncio.wait(self._flights)

    def _take_off(self) -> None:
        while self._waiting and len(self._flights) < self._flights_max:
            flight = asyncio.create_task(self._fly(self._load()))
            self._flights.add(flight)
            flight.add_done_callback(self._landed)

    def _load(self) -> list[tuple[Item, asyncio.Future[None]]]:
        load: list[tuple[Item, asyncio.Future[None]]] = []
        size = 0
        while self._waiting and len(load) < self._items_max:
            size += self._size(self._waiting[0][0])
            if load and size > self._bytes_max:
                break
            load.append(self._waiting.popleft())
        return load

    async def _fly(self, load: Sequence[tuple[Item, asyncio.Future[None]]]) -> None:
        errors: Mapping[int, BaseException] = {}
        try:
            await self._send([item for item, _ in load])
        except PartlyFailed as raised:
            errors = raised.errors
        except BaseException as raised:
            errors = dict.fromkeys(range(len(load)), raised)
            if not isinstance(raised, Exception):
                raise
        finally:
            for place, (_, sent) in enumerate(load):
                if sent.done():  # whoever waited for it has gone
                    continue
                error = errors.get(place)
                if error is None:
                    sent.set_result(None)
                else:
                    sent.set_exception(error)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        self._take_off()
