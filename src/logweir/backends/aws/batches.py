"""Many items by few requests. DynamoDB does of a batch what it has the throughput for.

The rest comes back unprocessed, and is asked for again. A large batch may take long on a small
table, so its time runs only while nothing of it gets done.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from botocore.exceptions import ClientError

from logweir.backends.aws.calls import patiently
from logweir.errors import StoreUnavailable

T = TypeVar("T")

_PAUSE_SECONDS: Final = 0.1
# What it answers where it has no throughput for a single item.
_THROTTLED: Final = {"Error": {"Code": "ProvisionedThroughputExceededException"}}


async def in_batches(
    items: Sequence[T],
    items_max: int,
    send: Callable[[Sequence[T]], Awaitable[Sequence[T]]],
    *,
    seconds: float,
) -> None:
    """``send`` all, so many at a time; it returns those that are left to do.

    Raises StoreUnavailable where for so many seconds none gets done.
    """
    left = list(items)
    while left:
        batch, left = left[:items_max], left[items_max:]
        some = functools.partial(_some, batch, send)
        unprocessed = await patiently(some, StoreUnavailable, seconds=seconds)
        if unprocessed:
            left = [*unprocessed, *left]
            await asyncio.sleep(_PAUSE_SECONDS * (0.5 + random.random() / 2))


async def _some(
    batch: Sequence[T], send: Callable[[Sequence[T]], Awaitable[Sequence[T]]]
) -> Sequence[T]:
    unprocessed = await send(batch)
    if len(unprocessed) == len(batch):
        raise ClientError(_THROTTLED, "Batch")  # type: ignore[arg-type]
    return unprocessed
