"""What clients send, and what must have become of each text in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.support.logs import GLOBEX, a_log

from logweir.envelope import Envelope
from logweir.reasons import Burial

CHUNK: Final = 25  # characters
SMALL_MESSAGE: Final = 340  # bytes; too few for a long text, so that it needs a claim check

SHORT: Final = "call 555-0199"
ANOTHER: Final = "call 555-0100"
LONG: Final = "".join(f"line {i}: call 555-010{i}.\n" + "." for i in range(5))
OTHER_LONG: Final = "".join(f"other {i}: to 555-020{i} !\n" for i in range(5))
POISON: Final = "POISON"
KILLER: Final = "KILLER"


def with_a_chunk_of(kind: str) -> str:
    """A long text whose third chunk does harm."""
    return LONG[: 2 * CHUNK] + kind.ljust(CHUNK, ".") + LONG[3 * CHUNK :]


@dataclass(frozen=True)
class Story:
    """Some logs, and the broker that they go through."""

    logs: Sequence[Envelope]
    buried: Mapping[str, Burial] = field(default_factory=dict)
    conflict: bool = False  # of two texts, whichever comes first is the document
    chunks: bool = True
    message_bytes_max: int = 1 << 20
    tells_deaths: bool = True  # else it has delivered often already, and a DeathCounter counts

    @property
    def pieces(self) -> int:
        """How many pieces of work the logs are."""
        return sum(len(cuts(log.text or "")) if self.chunks else 1 for log in self.logs)


def cuts(text: str) -> Sequence[str]:
    """The chunks of a text."""
    return [text[first : first + CHUNK] for first in range(0, len(text), CHUNK)]


STORIES: Final = {
    "a short log": Story([a_log(SHORT)]),
    "a short log twice": Story([a_log(SHORT), a_log(SHORT)]),
    "a short log that came often": Story([a_log(SHORT)], tells_deaths=False),
    "a long log": Story([a_log(LONG)]),
    "a long log twice": Story([a_log(LONG), a_log(LONG)]),
    "a long log that came often": Story([a_log(LONG)], tells_deaths=False),
    "a claimed log": Story([a_log(LONG)], message_bytes_max=SMALL_MESSAGE),
    "a claimed log twice": Story([a_log(LONG), a_log(LONG)], message_bytes_max=SMALL_MESSAGE),
    "a claimed log that came often": Story(
        [a_log(LONG)], message_bytes_max=SMALL_MESSAGE, tells_deaths=False
    ),
    "a claimed log without chunks": Story(
        [a_log(LONG)], chunks=False, message_bytes_max=SMALL_MESSAGE
    ),
    "a conflict": Story([a_log(SHORT), a_log(ANOTHER)], conflict=True),
    "a conflict of a short log with a long one": Story([a_log(SHORT), a_log(LONG)], conflict=True),
    "a conflict of long logs": Story([a_log(LONG), a_log(OTHER_LONG)], conflict=True),
    "a conflict of claimed logs": Story(
        [a_log(LONG), a_log(OTHER_LONG)], conflict=True, message_bytes_max=SMALL_MESSAGE
    ),
    "an exhausted log": Story([a_log(POISON)], {POISON: Burial.ATTEMPTS_EXHAUSTED}),
    "an exhausted chunk": Story(
        [a_log(with_a_chunk_of(POISON))],
        {with_a_chunk_of(POISON): Burial.ATTEMPTS_EXHAUSTED},
    ),
    "an exhausted claimed log": Story(
        [a_log(with_a_chunk_of(POISON))],
        {with_a_chunk_of(POISON): Burial.ATTEMPTS_EXHAUSTED},
        chunks=False,
        message_bytes_max=SMALL_MESSAGE,
    ),
    "a log that kills": Story([a_log(KILLER)], {KILLER: Burial.CRASH_LOOP}),
    "a chunk that kills": Story(
        [a_log(with_a_chunk_of(KILLER))], {with_a_chunk_of(KILLER): Burial.CRASH_LOOP}
    ),
    "the same log of two tenants": Story([a_log(LONG), a_log(LONG, tenant=GLOBEX)]),
}
