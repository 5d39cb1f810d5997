"""Where everything lies under ``tenants/{tenant}``. No two things can have one path.

    tenants/{tenant}                      never written: it is there by what lies under it
    ├── processed_logs/{log}              the document: first come, first kept
    ├── plans/{log}.{sha256}
    │   └── recorded/{chunk}
    ├── dead_letters/{log}.{sha256[:16]}  or {log}.{sha256}, where another text has that place
    ├── deaths/{log}.{sha256}[.{chunk}]
    └── parts/                            texts that are too long for their record
        ├── {log}.{sha256 of the part}    a document's: by content, so that all who write agree
        └── {log}.{nonce}.{number}        a plan's or a dead letter's own: goes when it goes

A log id may have dots; what follows it has a fixed form, so every path is read in one way only.
"""

from __future__ import annotations

from typing import Final

from logweir.envelope import sha256_of
from logweir.ids import LogId
from logweir.pipeline.records import TextKey

TENANTS: Final = "tenants"
DOCUMENTS: Final = "processed_logs"
PLANS: Final = "plans"
LETTERS: Final = "dead_letters"
_PARTS: Final = "parts"
_DEATHS: Final = "deaths"


def document(log: LogId) -> str:
    """The one document of a log."""
    return f"{DOCUMENTS}/{log}"


def plan(key: TextKey) -> str:
    """The one plan of a text."""
    return f"{PLANS}/{key.log}.{key.sha256}"


def recorded(key: TextKey) -> str:
    """The collection of a plan's chunks that are done."""
    return f"{plan(key)}/recorded"


def chunk(key: TextKey, index: int) -> str:
    """One chunk that is done."""
    return f"{recorded(key)}/{index}"


def letter(key: TextKey) -> tuple[str, str]:
    """The two places that a dead letter may lie at; the first unless another text has it."""
    return (f"{LETTERS}/{key.log}.{key.sha256[:16]}", f"{LETTERS}/{key.log}.{key.sha256}")


def deaths(key: TextKey, index: int | None) -> str:
    """The deaths over a log, or over a chunk of it."""
    return f"{_DEATHS}/{key.log}.{key.sha256}" + ("" if index is None else f".{index}")


def part(part_id: str) -> str:
    """A part, by its id."""
    return f"{_PARTS}/{part_id}"


def part_by_content(log: LogId, text: str) -> str:
    """The id of a document's part."""
    return f"{log}.{sha256_of(text)}"


def part_of(log: LogId, nonce: str, number: int) -> str:
    """The id of a part of what has the nonce."""
    return f"{log}.{nonce}.{number}"
