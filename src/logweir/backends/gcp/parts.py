"""Texts that are too long for their record: cut into parts, which are written before it.

A document of Firestore holds 1 MiB. Where a field ``text`` would not fit, the record has
``text_parts`` instead: the ids of documents that have a part each.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from logweir.backends.gcp import paths
from logweir.backends.gcp.calls import Exists, Missing
from logweir.backends.gcp.subtree import Subtree
from logweir.ids import LogId
from logweir.limits import KIB, MIB
from logweir.pipeline.fields import Fields, cut

# https://firebase.google.com/docs/firestore/quotas: 1,048,576 bytes, with the names and the path.
_RECORD_BYTES_MAX: Final = MIB
_OTHER_BYTES: Final = 32 * KIB  # the other fields, generously
PART_BYTES_MAX: Final = 900 * KIB
_NO_MARKS: Final[Fields] = {}
_AT_ONCE: Final = 4  # requests side by side, each with one part: the emulator takes 4 MiB a request


def fit(*texts: str) -> bool:
    """Do the texts fit into one record?"""
    return sum(len(text.encode()) for text in texts) + _OTHER_BYTES <= _RECORD_BYTES_MAX


async def save_by_content(
    subtree: Subtree, log: LogId, texts: Mapping[str, str]
) -> dict[str, list[str]]:
    """Write the parts of a document's texts, by their fields: the fields that it has instead.

    They are never deleted: whoever writes the same text needs the same ones.
    """
    fields: dict[str, list[str]] = {}
    parts: dict[str, str] = {}
    for name, text in texts.items():
        by_id = [(paths.part_by_content(log, part), part) for part in cut(text, PART_BYTES_MAX)]
        fields[f"{name}_parts"] = [part_id for part_id, _ in by_id]
        parts.update(by_id)
    await _save(subtree, parts)
    return fields


async def create_whole(
    subtree: Subtree,
    path: str,
    fields: Fields,
    log: LogId,
    text: str,
    *others: str,
    marks: Fields = _NO_MARKS,
) -> bool:
    """Create a record and its text, which fits into it beside ``others`` or has parts: was it us?

    ``marks`` are set on the record and on each part. Who comes second takes its parts away again;
    the nonce tells their owners apart.
    """
    nonce = uuid.uuid4().hex
    texts = [] if fit(text, *others) else list(cut(text, PART_BYTES_MAX))
    parts = {paths.part_of(log, nonce, number): part for number, part in enumerate(texts)}
    await _save(subtree, parts, marks)
    content = {"text_parts": list(parts)} if parts else {"text": text}
    try:
        await subtree.create(path, {**fields, **content, **marks, "nonce": nonce})
    except Exists:
        first = await subtree.read(path, ["nonce"])
        if first is not None and first["nonce"] == nonce:
            return True  # a try of ours, whose answer was lost
        await subtree.delete(places(parts))
        return False
    return True


async def text_of(subtree: Subtree, fields: Fields, name: str = "text") -> str:
    """The text of a record. Raises Missing where a part is gone, and the record with it."""
    if name in fields:
        text: str = fields[name]
        return text
    ids: Sequence[str] = fields[f"{name}_parts"]
    found: dict[str, Fields] = {}
    for first in range(0, len(ids), _AT_ONCE):
        found |= await subtree.read_all(places(ids[first : first + _AT_ONCE]))
    try:
        return "".join(found[place]["text"] for place in places(ids))
    except KeyError:
        raise Missing("a part of a text") from None


def places(ids: Iterable[str]) -> list[str]:
    """The paths of parts."""
    return [paths.part(part_id) for part_id in ids]


async def _save(subtree: Subtree, parts: Mapping[str, str], marks: Fields = _NO_MARKS) -> None:
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def save(part_id: str, text: str) -> None:
        async with at_once:
            await subtree.write(paths.part(part_id), {"text": text, **marks})

    await asyncio.gather(*(save(part_id, text) for part_id, text in parts.items()))
