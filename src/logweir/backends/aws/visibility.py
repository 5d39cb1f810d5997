"""For how long a message that was handed out is handed out to nobody else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from logweir.backends.aws.clients import Client
from logweir.backends.aws.entries import ENTRIES_MAX, call_for_each
from logweir.backends.aws.queues import Queues
from logweir.pipeline.batching import Batcher

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
VISIBILITY_SECONDS_MAX: Final = 43_200
_FLIGHTS_MAX: Final = 4  # requests at once for a queue

Entry = Mapping[str, Any]


class Visibility:
    """Changes it, of many messages in one request where they come together."""

    def __init__(self, client: Client, queues: Queues) -> None:
        self._client = client
        self._queues = queues
        self._batchers: dict[str, Batcher[Entry]] = {}

    async def hide(self, queue: str, handle: str, seconds: float) -> None:
        """Hide the message of a receipt from now on, for twelve hours at most; 0: no more.

        ``queue``: its name, or its ARN. Raises BrokerUnavailable, and Refused where SQS knows that
        receipt no more.
        """
        name = queue.rpartition(":")[2]
        if name not in self._batchers:
            self._batchers[name] = entry_batcher(
                self._client, self._queues, "change_message_visibility_batch", name
            )
        visibility = min(VISIBILITY_SECONDS_MAX, math.ceil(seconds))
        await self._batchers[name]([{"ReceiptHandle": handle, "VisibilityTimeout": visibility}])

    async def close(self) -> None:
        """Wait for what is under way, also where its caller does not any more."""
        for batcher in self._batchers.values():
            await batcher.close()


def entry_batcher(client: Client, queues: Queues, operation: str, name: str) -> Batcher[Entry]:
    """Group sending of what is small, such as receipts, to a queue."""

    async def send(entries: Sequence[Entry]) -> None:
        await call_for_each(client, operation, await queues.url(name), entries)

    return Batcher(send, lambda _: 0, items_max=ENTRIES_MAX, bytes_max=0, flights_max=_FLIGHTS_MAX)
