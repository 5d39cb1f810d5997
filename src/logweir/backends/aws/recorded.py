"""Which chunks of a plan are done: sets of numbers in DynamoDB, one for each 128 chunks.

Adding to a set is one write, atomic, and the same when it is repeated; its answer is the whole set.
So of those who fill a set at once, one sees it full, and whoever fills the last one sees all.
"""

from __future__ import annotations

from typing import Final

from logweir.backends.aws import keys
from logweir.backends.aws.partition import Partition
from logweir.pipeline.fields import Fields
from logweir.pipeline.records import TextKey

# A set of so many numbers below it stays under 1 KB, with the longest ids: one write unit.
SHARD: Final = 128


async def record(
    partition: Partition, key: TextKey, head: Fields, index: int, *, marks: Fields
) -> bool:
    """Note that a chunk of the plan is done: are all done now?"""
    nonce: str = head["nonce"]
    chunks: int = head["chunks"]
    number, offset = divmod(index, SHARD)
    item = await partition.add(
        keys.shard(key, nonce, number), "done", frozenset({offset}), marks=marks
    )
    last = _shards(chunks) - 1
    if len(item["done"]) < _size(number, chunks):
        return False  # who fills it goes on from here
    if last == 0:
        return True
    # Chunks are sent out in order. So long as the last set is not full, nobody need count.
    if number != last:
        shard = await partition.read(keys.shard(key, nonce, last), ["done"])
        if shard is None or len(shard["done"]) < _size(last, chunks):
            return False
    return await count(partition, key, nonce) == chunks


async def is_recorded(partition: Partition, key: TextKey, nonce: str, index: int) -> bool:
    """Is this chunk done?"""
    number, offset = divmod(index, SHARD)
    shard = await partition.read(keys.shard(key, nonce, number), ["done"])
    return shard is not None and offset in shard["done"]


async def indexes(partition: Partition, key: TextKey, nonce: str) -> frozenset[int]:
    """Those that are done."""
    prefix = keys.recorded(key, nonce)
    return frozenset(
        [
            int(shard["sk"].removeprefix(prefix)) * SHARD + offset
            async for page in partition.pages(prefix, ["sk", "done"])
            for shard in page
            for offset in shard["done"]
        ]
    )


async def count(partition: Partition, key: TextKey, nonce: str) -> int:
    """How many are done."""
    return sum(
        [
            len(shard["done"])
            async for page in partition.pages(keys.recorded(key, nonce), ["done"])
            for shard in page
        ]
    )


def places(key: TextKey, head: Fields) -> list[str]:
    """The sort keys of all sets that the plan can have."""
    return [keys.shard(key, head["nonce"], number) for number in range(_shards(head["chunks"]))]


def _shards(chunks: int) -> int:
    return -(-chunks // SHARD)


def _size(number: int, chunks: int) -> int:
    return min(SHARD, chunks - number * SHARD)
