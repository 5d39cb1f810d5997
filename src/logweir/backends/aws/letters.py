"""Dead letters in DynamoDB: a small head for the listing; what is longer has parts."""

from __future__ import annotations

from typing import Final

from logweir.backends.aws import keys, parts
from logweir.backends.aws.calls import Missing
from logweir.backends.aws.partition import Partition
from logweir.limits import KIB
from logweir.pipeline.fields import letter_fields, letter_of
from logweir.pipeline.records import DeadLetter, TextKey

# So that a head is read by one unit, of 4 KB; its error may be 500 characters long.
_INLINE_BYTES_MAX: Final = 2 * KIB


async def find(partition: Partition, key: TextKey) -> DeadLetter | None:
    """The letter, whole."""
    head = await partition.read(keys.letter(key))
    if head is None:
        return None
    try:
        return letter_of(key.tenant, head, await parts.text_of(partition, head))
    except Missing:
        return None  # purged meanwhile


async def is_there(partition: Partition, key: TextKey) -> bool:
    """Is there a letter of the text?"""
    return await partition.read(keys.letter(key), ["sk"]) is not None


async def bury(partition: Partition, letter: DeadLetter) -> None:
    """Keep the letter unless there is one of its text."""
    if not await is_there(partition, letter.key):  # parts are not written in vain
        await parts.create_whole(
            partition,
            keys.letter(letter.key),
            letter_fields(letter),
            letter.text,
            inline=len(letter.text.encode()) <= _INLINE_BYTES_MAX,
            marks={},
        )


async def purge(partition: Partition, key: TextKey) -> bool:
    """Delete the letter with its parts: was there one?"""
    sort = keys.letter(key)
    head = await partition.read(sort, ["log_id", "nonce", "text_parts"])
    if head is None:
        return False
    # The head last: who dies in between is followed by one who finds what is left.
    await partition.delete_many(parts.places(head))
    await parts.delete_head(partition, sort, head)
    return True
