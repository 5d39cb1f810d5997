"""Where everything lies in the one table. No two things can have one key.

    pk               sk
    TENANTS          {tenant}                     who may have records: so that no listing scans
    TENANT#{tenant}  LOG#{log}                    the document: first come, first kept
                     PLAN#{log}#{sha256}          a plan's head, which never has the text
                     DONE#{log}#{sha256}#{nonce}#{shard}  up to 128 of its chunks that are done
                     DEAD#{log}#{sha256}          a dead letter's head
                     DEATHS#{log}#{sha256}[#{chunk}]
                     PART#{log}#{sha256 of it}    a document's: by content, so that all who write
                                                  agree
                     PART#{log}#{nonce}#{number}  a plan's or a letter's own: goes when it goes
    WORK#{tenant}    {log}#{sha256}               how many characters a plan has, and no more: a
                                                  gateway may add these up, and read nothing else

``#`` is in no id, hash or number, so every key is read in one way only. It also sorts before all
that an id may hold: what lies under ``a`` comes before what lies under ``a-b``, as the ids do.
"""

from __future__ import annotations

from typing import Final

from logweir.ids import LogId, TenantId
from logweir.pipeline.records import TextKey

TENANTS: Final = "TENANTS"
DOCUMENTS: Final = "LOG#"
PLANS: Final = "PLAN#"
LETTERS: Final = "DEAD#"


def partition(tenant: TenantId) -> str:
    """The partition key of all that a tenant has."""
    return f"TENANT#{tenant}"


def work_partition(tenant: TenantId) -> str:
    """The partition key of the work that a tenant's plans are."""
    return f"WORK#{tenant}"


def work(key: TextKey) -> str:
    """The work of a text that is planned."""
    return f"{key.log}#{key.sha256}"


def document(log: LogId) -> str:
    """The one document of a log."""
    return f"{DOCUMENTS}{log}"


def plans(log: LogId) -> str:
    """What the plans of a log begin with."""
    return f"{PLANS}{log}#"


def plan(key: TextKey) -> str:
    """The one plan of a text."""
    return f"{plans(key.log)}{key.sha256}"


def recorded(key: TextKey, nonce: str) -> str:
    """What the shards of a plan's recorded chunks begin with."""
    return f"DONE#{key.log}#{key.sha256}#{nonce}#"


def shard(key: TextKey, nonce: str, number: int) -> str:
    """One shard of them."""
    return f"{recorded(key, nonce)}{number:06}"


def letter(key: TextKey) -> str:
    """The one dead letter of a text."""
    return f"{LETTERS}{key.log}#{key.sha256}"


def deaths(key: TextKey, index: int | None) -> str:
    """The deaths over a log, or over a chunk of it."""
    return f"DEATHS#{key.log}#{key.sha256}" + ("" if index is None else f"#{index}")


def part_by_content(log: LogId, sha256: str) -> str:
    """A document's part, by its own hash."""
    return f"PART#{log}#{sha256}"


def part_of(log: LogId, nonce: str, number: int) -> str:
    """A part of what has the nonce."""
    return f"PART#{log}#{nonce}#{number:06}"
