"""Texts that do not lie in their record: cut into parts, which are written before it.

An item of DynamoDB holds 400 KB, and reading one field of it is billed by the whole. So parts hold
what is too long for an item, and the texts of records that are read for their other fields.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Final

from logweir.backends.aws import keys
from logweir.backends.aws.calls import Exists, Missing, Unmet
from logweir.backends.aws.partition import Partition
from logweir.envelope import sha256_of
from logweir.ids import LogId
from logweir.limits import KIB
from logweir.pipeline.fields import Fields, cut

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html: 400 KB, the
# names of the attributes among them.
_ITEM_BYTES_MAX: Final = 400 * KIB
_OTHER_BYTES: Final = 8 * KIB  # the other fields, generously
# Far less than an item holds: 25 of them must fit into one request of 16 MB, in which JSON spells
# a byte in up to six; and a table with little throughput left still takes a small one.
PART_BYTES_MAX: Final = 64 * KIB


def fit(*texts: str) -> bool:
    """Do the texts fit into one item?"""
    return sum(len(text.encode()) for text in texts) + _OTHER_BYTES <= _ITEM_BYTES_MAX


async def save_by_content(
    partition: Partition, log: LogId, texts: Mapping[str, str]
) -> dict[str, list[str]]:
    """Write the parts of a document's texts, by their fields: the fields that it has instead.

    They are never deleted: whoever writes the same text needs the same ones. Those that are there
    are not written again, so that who was throttled goes on where the last one stopped.
    """
    fields: dict[str, list[str]] = {}
    parts: dict[str, Fields] = {}
    for name, text in texts.items():
        by_hash = [(sha256_of(part), part) for part in cut(text, PART_BYTES_MAX)]
        fields[f"{name}_parts"] = [sha256 for sha256, _ in by_hash]
        parts |= {keys.part_by_content(log, sha256): {"text": part} for sha256, part in by_hash}
    # An old answer, at half the price, may only show too few.
    there = await partition.read_many(parts, ["sk"], consistent=False)
    await partition.write_many({sort: part for sort, part in parts.items() if sort not in there})
    return fields


async def text_by_content(partition: Partition, head: Fields, name: str) -> str:
    """A text of a document. Raises Missing where a part is gone."""
    if name in head:
        text: str = head[name]
        return text
    log = LogId(head["log_id"])
    return await _joined(
        partition, [keys.part_by_content(log, sha) for sha in head[f"{name}_parts"]]
    )


async def create_whole(
    partition: Partition, sort: str, fields: Fields, text: str, *, inline: bool, marks: Fields
) -> bool:
    """Create a record and its text, which lies in it or has parts: was it us?

    ``marks`` are set on the record and on each part. Who comes second takes its parts away again;
    the nonce tells their owners apart.
    """
    nonce = uuid.uuid4().hex
    texts = [] if inline else list(cut(text, PART_BYTES_MAX))
    content = {"text": text} if inline else {"text_parts": len(texts)}
    head = {**fields, **content, **marks, "nonce": nonce}
    parts = dict(zip(places(head), texts, strict=True))
    await partition.write_many({place: {"text": part, **marks} for place, part in parts.items()})
    try:
        await partition.create(sort, head)
    except Exists:
        first = await partition.read(sort, ["nonce"])
        if first is not None and first["nonce"] == nonce:
            return True  # a try of ours, whose answer was lost
        await partition.delete_many(parts)
        return False
    return True


async def text_of(partition: Partition, head: Fields) -> str:
    """The text of what ``create_whole`` made. Raises Missing where a part is gone."""
    if "text" in head:
        text: str = head["text"]
        return text
    return await _joined(partition, places(head))


def places(head: Fields) -> list[str]:
    """The sort keys of the parts of what ``create_whole`` made."""
    log, nonce = LogId(head["log_id"]), head["nonce"]
    return [keys.part_of(log, nonce, number) for number in range(head.get("text_parts", 0))]


async def delete_head(partition: Partition, sort: str, head: Fields) -> None:
    """Delete a record of which ``head`` was read; not one that has meanwhile taken its place."""
    try:
        await partition.delete(sort, nonce=head["nonce"])
    except Unmet:
        return


async def _joined(partition: Partition, places: Iterable[str]) -> str:
    places = list(places)
    # No part ever changes, so an old answer, at half the price, is right or has too few.
    found = await partition.read_many(places, consistent=False)
    found |= await partition.read_many(place for place in places if place not in found)
    try:
        return "".join(found[place]["text"] for place in places)
    except KeyError:
        raise Missing("a part of a text") from None
