"""What was promised before a cut, by the marks of a recording."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.power.journal import Mark, Op

from logweir.settings import Settings

Key = tuple[str, str, str]  # tenant, log, SHA-256 of the text


@dataclass(slots=True)
class Promises:
    """Grows with the recording; what is in it must be true of every image from then on."""

    accepted: set[Key] = field(default_factory=set)  # answered 202
    documents: dict[Key, str] = field(default_factory=dict)  # read, and what all its fields were
    letters: set[Key] = field(default_factory=set)  # read
    recorded: dict[Key, int] = field(default_factory=dict)  # how many chunks, as was read

    def apply(self, op: Op) -> None:
        """One operation more."""
        if not isinstance(op, Mark):
            return
        match json.loads(op.json):
            case {"accepted": key}:
                self.accepted.add(_key(key))
            case {"document": key, "digest": str(digest)}:
                self.documents[_key(key)] = digest
            case {"letter": key}:
                self.letters.add(_key(key))
            case {"plan": key, "recorded": int(count)}:
                known = self.recorded.get(_key(key), 0)
                self.recorded[_key(key)] = max(known, count)
            case _:
                pass


def settings_of(ops: Sequence[Op]) -> Settings:
    """What the recorded processes were started with, but for the job: an image needs none."""
    first = ops[0]
    given = json.loads(first.json)["settings"] if isinstance(first, Mark) else {}
    return Settings(**{name: value for name, value in given.items() if name != "work"})


def all_sent(ops: Sequence[Op]) -> set[tuple[str, str]]:
    """Tenant and SHA-256 of every text that any request of the recording carried."""
    marks = [json.loads(op.json) for op in ops if isinstance(op, Mark)]
    return {(mark["sent"][0], mark["sent"][2]) for mark in marks if "sent" in mark}


def _key(members: Any) -> Key:
    tenant, log, sha256 = members
    return tenant, log, sha256
