"""A cloud's broker and store as somebody sees them who knows nothing of ours.

Everything in a store has a path, whatever the store is: ``tenants/acme/processed_logs/1``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Protocol

from logweir.clock import parse_timestamp
from logweir.verify.canary import CANARY
from logweir.verify.evidence import Document, Dump, Letter

Key = tuple[str, str, str]  # tenant, log id, SHA-256
Found = dict[str, dict[str, Any]]  # the fields of everything in a store, by path


class Broker(Protocol):
    """Of its queues or topics: ``logs``, ``chunks``, ``dead`` and ``quarantine``."""

    def publish(self, queue: str, *bodies: bytes) -> None:
        """Put messages into it, with nothing but their bodies."""
        ...

    def take(self, queue: str) -> list[bytes]:
        """The bodies of all messages that it has now; it has them no more."""
        ...

    def left(self) -> int:
        """How many messages of ``logs`` and ``chunks`` nobody has finished; 0 if it cannot tell."""
        ...


class Store(Protocol):
    """Of all tenants."""

    def everything(self) -> Found:
        """The fields of all documents, by their paths."""
        ...

    def kept(self) -> set[Key]:
        """Of which texts there is a document or a dead letter; cheap, so that it can be polled."""
        ...

    def plans(self) -> list[Key]:
        """Of which long texts there is a plan still."""
        ...


def dump_of(found: Found, *, messages: int = 0, quarantined: int = 0) -> Dump:
    """What ``everything`` has found, for the checker of the kill tests."""
    split = {path: tuple(path.split("/")) for path in found}
    canaries: dict[str, set[str]] = {}
    for path, fields in found.items():
        assert split[path][0] == "tenants", f"{path} lies under no tenant"
        canaries.setdefault(split[path][1], set()).update(CANARY.findall(repr(fields)))
    of = {
        kind: [path for path, parts in split.items() if len(parts) == 4 and parts[2] == kind]
        for kind in ("processed_logs", "dead_letters", "plans")
    }
    return Dump(
        documents=[_document(split[path], found) for path in of["processed_logs"]],
        letters=[_letter(split[path], found) for path in of["dead_letters"]],
        canaries=canaries,
        plans=len(of["plans"]),
        messages=messages,
        quarantined=quarantined,
    )


def kinds_in(found: Found) -> Counter[str]:
    """How many records of which kind; a tenant itself is none."""
    split = [path.split("/") for path in found]
    return Counter(parts[2] for parts in split if len(parts) > 2)


def text_in(found: Found, path: str, field: str) -> str:
    """A text of a document; one that is too long for it lies in parts beside it."""
    fields, tenant = found[path], path.split("/")[1]
    if field in fields:
        return str(fields[field])
    parts = fields[f"{field}_parts"]
    return "".join(found[f"tenants/{tenant}/parts/{part}"]["text"] for part in parts)


def _document(path: tuple[str, ...], found: Found) -> Document:
    fields = found["/".join(path)]
    assert fields["log_id"] == path[3], path
    return Document(
        place=path[1],
        tenant=fields["tenant_id"],
        log=fields["log_id"],
        source=fields["source"],
        text=text_in(found, "/".join(path), "original_text"),
        modified=text_in(found, "/".join(path), "modified_data"),
        sha256=fields["sha256"],
        characters=fields["characters"],
        received_at=parse_timestamp(fields["received_at"]),
        processed_at=parse_timestamp(fields["processed_at"]),
    )


def _letter(path: tuple[str, ...], found: Found) -> Letter:
    fields = found["/".join(path)]
    return Letter(
        place=path[1],
        tenant=path[1],  # a letter lies under its tenant, and does not name it
        log=fields["log_id"],
        source=fields["source"],
        text=text_in(found, "/".join(path), "text"),
        sha256=fields["sha256"],
        characters=fields["characters"],
        reason=fields["reason"],
    )
