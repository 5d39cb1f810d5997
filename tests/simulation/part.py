"""What a message is about: a log, or one chunk of it."""

from __future__ import annotations

from typing import NamedTuple

from logweir.envelope import Envelope
from logweir.pipeline.records import TextKey


class Part(NamedTuple):
    """A log (``chunk`` is None) or a chunk, in one of its attempts."""

    key: TextKey
    chunk: int | None
    attempt: int

    @classmethod
    def of(cls, envelope: Envelope) -> Part:
        """The part that an envelope carries."""
        chunk = None if envelope.chunk is None else envelope.chunk.index
        return cls(TextKey(envelope.tenant, envelope.log, envelope.sha256), chunk, envelope.attempt)

    def __str__(self) -> str:
        chunk = "" if self.chunk is None else f" chunk {self.chunk}"
        return f"{named(self.key)}{chunk} #{self.attempt}"


def named(key: TextKey) -> str:
    """A key in few letters."""
    return f"{key.tenant}/{key.log} {key.sha256[:6]}"


def pieces(text: str, chunk_characters: int | None) -> list[str]:
    """The chunks of a text, by arithmetic of the tests' own; one where it is short."""
    size = chunk_characters or len(text)
    return [text[first : first + size] for first in range(0, len(text), size)]
