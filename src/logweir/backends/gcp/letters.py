"""Dead letters in Firestore: two texts whose hashes begin alike have a letter each."""

from __future__ import annotations

from collections.abc import Sequence

from logweir.backends.gcp import parts, paths
from logweir.backends.gcp.subtree import Subtree
from logweir.errors import StoreUnavailable
from logweir.pipeline.fields import Fields, letter_fields
from logweir.pipeline.records import DeadLetter, TextKey


async def find(
    subtree: Subtree, key: TextKey, fields: Sequence[str] | None = None
) -> tuple[str, Fields] | None:
    """The path of the text's letter, and these fields of it, ``sha256`` among them."""
    found = await subtree.read_all(paths.letter(key), fields)
    return next(
        ((path, letter) for path, letter in found.items() if letter["sha256"] == key.sha256), None
    )


async def bury(subtree: Subtree, letter: DeadLetter) -> None:
    """Keep the letter unless there is one of its text."""
    key, fields = letter.key, letter_fields(letter)
    for path in paths.letter(key):
        if await find(subtree, key, ["sha256"]) is not None:
            return
        if await parts.create_whole(
            subtree, path, fields, letter.log_id, letter.text, letter.error or ""
        ):
            return
    if await find(subtree, key, ["sha256"]) is None:
        raise StoreUnavailable("the letter was purged while it was buried")


async def purge(subtree: Subtree, key: TextKey) -> bool:
    """Delete the letter with its parts, in one step: was there one?"""
    found = await find(subtree, key, ["sha256", "text_parts"])
    if found is None:
        return False
    path, letter = found
    await subtree.delete([path, *parts.places(letter.get("text_parts", ()))])
    return True
