"""What the checker says: which promise was broken where, or why it says nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_SHOWN_MAX: Final = 20


class Kind(StrEnum):
    """What can be wrong; I1 to I9 are the invariants of docs/verify.md."""

    LOST = "lost"  # I1: answered 202, and nowhere
    WRONG = "wrong"  # I2: another text than was sent, or redacted in another way
    PHANTOM = "phantom"  # I3: nobody sent it, or it was refused
    DOUBLED = "doubled"  # I4: kept more often than it was sent
    CHANGED = "changed"  # I4: a document that was different before
    LEAKED = "leaked"  # I5: at another tenant's place
    REGRESSED = "regressed"  # I7: done, and worked on again; or recorded, and not so later
    EARLY = "early"  # I8: done faster than its work takes
    SLOW = "slow"  # I9: not finished within the bound
    MISCOUNTED = "miscounted"  # a conflict without the document that it is one with
    BURIED = "buried"  # a healthy log that became a dead letter
    LEFT = "left"  # messages, plans or quarantine after the end


class Verdict(StrEnum):
    """What it comes to."""

    KEPT = "kept"
    BROKEN = "broken"
    NONE = "no verdict"


class Part(StrEnum):
    """The third of a run in which something was sent."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where."""

    kind: Kind
    tenant: str
    log: str | None
    detail: str
    part: Part | None = None  # when it was sent, where that may say why
    during: Sequence[str] = ()  # the names of the faults in whose windows it was sent

    def __str__(self) -> str:
        """In a line."""
        where = "/".join(filter(None, (self.tenant, self.log)))
        when = f", sent at the {self.part} of the run" if self.part else ""
        amid = f", during {' and '.join(self.during)}" if self.during else ""
        return ": ".join(filter(None, (self.kind, where, self.detail))) + when + amid


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found; nothing where every promise was kept."""

    findings: Sequence[Finding]
    requests: int
    accepted: int
    unknown: int
    documents: int
    letters: Mapping[str, int]  # by reason
    refusals: Sequence[str] = ()  # why the run proves nothing, whatever was found
    others: int = 0  # documents and dead letters of no concern: not this history's

    @property
    def counts(self) -> Counter[Kind]:
        """How many findings, by kind."""
        return Counter(finding.kind for finding in self.findings)

    @property
    def verdict(self) -> Verdict:
        """A broken promise stays one, but what is left may be done yet."""
        if self.findings and not (self.refusals and set(self.counts) <= {Kind.LEFT}):
            return Verdict.BROKEN
        return Verdict.NONE if self.refusals else Verdict.KEPT

    def __str__(self) -> str:
        """Figures in a line, and up to twenty findings below it."""
        found = ", ".join(f"{self.counts[kind]} {kind}" for kind in Kind)
        figures = (
            f"{self.requests} requests: {self.accepted} accepted, {self.unknown} unknown; "
            f"{self.documents} documents, dead letters {dict(self.letters)}: {found}"
        )
        refusals = [f"  {Verdict.NONE}: {reason}" for reason in self.refusals]
        return "\n".join([figures, *refusals, *(f"  {f}" for f in self.findings[:_SHOWN_MAX])])
