"""From the store's side: did somebody send each record, there, and so often?

PHANTOM, WRONG, LEAKED, DOUBLED, MISCOUNTED, BURIED. A record is named by the first of these that
it deserves: what lies at another tenant's place is leaked, and not a phantom there too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from logweir.verify.evidence import Answer, Sent
from logweir.verify.findings import Finding, Kind
from logweir.verify.inspection import Inspection, Record
from logweir.verify.rules import Rules

_CONFLICT: Final = "conflict"


class Origins:
    """Who sent what. What was refused was not sent."""

    def __init__(self, history: Sequence[Sent]) -> None:
        self._senders: dict[tuple[str, str], list[Sent]] = defaultdict(list)
        for sent in history:
            if sent.answer is not Answer.FAIL:
                self._senders[sent.tenant, sent.sha256].append(sent)
        self._owner = {sent.canary: sent.tenant for sent in history}
        self._known = {sent.canary for sent in history if sent.answer is not Answer.FAIL}

    def strays(self, seen: Inspection) -> Iterator[Finding]:
        """Records that nobody sent as they are, each named once."""
        sent_records: list[Record] = []
        for record in seen.records:
            if finding := self._leak(record) or self._unsent(record):
                yield finding
            else:
                sent_records.append(record)
        yield from self._doubled(sent_records)

    def in_bytes(self, canaries: Mapping[str, AbstractSet[str]]) -> Iterator[Finding]:
        """What the very bytes of a tenant's files hold of others, or of what was refused."""
        for place, words in canaries.items():
            for word in words - self._known:
                yield Finding(Kind.PHANTOM, place, None, f"{word} in the bytes of the file")
            for word in words:
                if (owner := self._owner.get(word, place)) != place:
                    yield Finding(Kind.LEAKED, place, None, f"{owner}'s {word} in the bytes")

    def _leak(self, record: Record) -> Finding | None:
        if record.tenant != record.place:
            return Finding(Kind.LEAKED, record.place, record.log, f"it is {record.tenant}'s")
        for canary in sorted(record.canaries):
            if (owner := self._owner.get(canary, record.place)) != record.place:
                return Finding(Kind.LEAKED, record.place, record.log, f"{owner}'s {canary}")
        return None

    def _unsent(self, record: Record) -> Finding | None:
        same_text = self._senders.get((record.place, record.sha256), ())
        if same_text:
            if record.source in {sent.source for sent in same_text}:
                return None
            detail = f"not sent by {record.source}"
        elif record.canaries & self._known:
            detail = f"another text of {', '.join(sorted(record.canaries))} was sent"
            return Finding(Kind.WRONG, record.place, record.log, detail)
        else:
            detail = "nobody sent it, or it was refused"
        return Finding(Kind.PHANTOM, record.place, record.log, detail)

    def _doubled(self, records: Sequence[Record]) -> Iterator[Finding]:
        """A text may be kept once for each time that it was sent under an id, and no oftener."""
        of_text: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in records:
            of_text[record.place, record.sha256].append(record)
        for key, kept in of_text.items():
            yield from _too_often(kept, self._senders[key])
        documents = Counter((record.place, record.log) for record in records if not record.reason)
        for (place, log), count in documents.items():
            if count > 1:
                yield Finding(Kind.DOUBLED, place, log, f"{count} documents under one id")


def _too_often(kept: Sequence[Record], sent: Sequence[Sent]) -> Iterator[Finding]:
    """Of one text: a record under a strange id is a phantom, and one more than sent is doubled."""
    times = Counter(each.log for each in sent)
    # One of whose id the client was told nothing may lie under any id.
    found = Counter(record.log if record.log in times else None for record in kept)
    for log, count in found.items():
        if count <= times[log]:
            continue
        record = next(r for r in kept if r.log == log or (log is None and r.log not in times))
        if log is None and not times[None] and len(kept) <= len(sent):
            detail = f"it was sent as {' and '.join(sorted(filter(None, times)))}"
            yield Finding(Kind.PHANTOM, record.place, record.log, detail)
        else:
            detail = f"its text is kept {len(kept)} times, and was sent {len(sent)} times"
            yield Finding(Kind.DOUBLED, record.place, record.log, detail)


def misburied(seen: Inspection, rules: Rules) -> Iterator[Finding]:
    """Conflicts with nothing, and healthy logs that were given up."""
    stored = {(document.place, document.log): document.sha256 for document in seen.documents}
    for letter in seen.letters:
        if letter.reason == _CONFLICT:
            if stored.get((letter.place, letter.log), letter.sha256) == letter.sha256:
                detail = "a conflict without another text under its id"
                yield Finding(Kind.MISCOUNTED, letter.place, letter.log, detail)
        elif rules.sick.isdisjoint(letter.canaries):
            yield Finding(Kind.BURIED, letter.place, letter.log, f"healthy, and {letter.reason}")
