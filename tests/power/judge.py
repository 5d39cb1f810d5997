"""Were the promises kept? What an image holds against what was promised before its cut."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from tests.power.opened import Contents
from tests.power.promises import Key, Promises


def judge(found: Contents, promised: Promises, sent: AbstractSet[tuple[str, str]]) -> Iterator[str]:
    """Each promise that the image breaks, in words that begin with its kind."""
    yield from (f"corrupt: {problem}" for problem in found.problems)
    for key in sorted(promised.accepted):
        if not is_kept(found, key):
            yield f"lost: {_name(key)} was answered 202"
    for key, digest in promised.documents.items():
        if key not in found.documents:
            yield f"lost: the document {_name(key)} was read before"
        elif found.documents[key] != digest:
            yield f"changed: the document {_name(key)} was different before"
    for key in promised.letters - found.letters:
        yield f"lost: the dead letter {_name(key)} was read before"
    for key, count in promised.recorded.items():
        if key in found.plans and len(found.recorded.get(key, ())) < count:
            yield f"regressed: {_name(key)} had {count} chunks recorded"
    yield from _phantoms(found, sent)


def unfinished(found: Contents, promised: Promises) -> Iterator[str]:
    """Of an image in which a worker has worked to the end: what has become of nothing."""
    for key in sorted(promised.accepted):
        if key not in found.documents and key not in found.letters:
            yield f"unfinished: {_name(key)} is neither a document nor a dead letter"


def is_kept(found: Contents, key: Key) -> bool:
    """Is a log there, with all that it needs to become a document?"""
    if key in found.documents or key in found.letters or key in found.logs:
        return True
    if key not in found.plans:
        return False
    if key in found.planned:
        return True
    chunks = found.chunks.get(key, set())
    # The last chunk's message is what finishes the log, so one must be there in any case.
    there = chunks | found.recorded.get(key, set())
    return bool(chunks) and len(there) == found.plans[key]


def _phantoms(found: Contents, sent: AbstractSet[tuple[str, str]]) -> Iterator[str]:
    kept = {*found.documents, *found.letters, *found.plans, *found.logs, *found.planned}
    for key in sorted(kept | set(found.chunks)):
        if (key[0], key[2]) not in sent:
            yield f"phantom: nobody sent {_name(key)}"


def _name(key: Key) -> str:
    tenant, log, sha256 = key
    return f"{tenant}/{log} ({sha256[:8]})"
