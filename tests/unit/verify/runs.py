"""A run that went well, to be corrupted: what clients sent, what is stored, and what was seen."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from logweir.envelope import sha256_of
from logweir.verify.checker import check
from logweir.verify.evidence import (
    Answer,
    Document,
    Dump,
    Event,
    Fault,
    Letter,
    Progress,
    Sent,
    Step,
)
from logweir.verify.findings import Report
from logweir.verify.rules import Redaction, Rules

START = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Rules(
    redaction=lambda _: Redaction(str.upper),
    seconds_per_character=0.05,
    chunk_characters=100,
    finish_seconds=10.0,
)


def canary(number: int) -> str:
    """Of the log of this number."""
    return "canary-" + chr(ord("a") + number) * 20


def text_of(number: int) -> str:
    """37 characters: work of 1.85 s."""
    return f"{canary(number)} logged in"


def at(number: float) -> datetime:
    """Seconds after the start; the log of a number is sent so many seconds after it."""
    return START + timedelta(seconds=number)


def sent(number: int, tenant: str = "acme", **changes: Any) -> Sent:
    """A request that was answered 202."""
    text = text_of(number)
    request = Sent(
        tenant=tenant,
        log=f"log-{number}",
        source="json_upload",
        sha256=sha256_of(text),
        characters=len(text),
        canary=canary(number),
        answer=Answer.OK,
        invoked=100.0 + number,
        answered=100.1 + number,
        invoked_at=at(number),
    )
    return replace(request, **changes)


def document(number: int, tenant: str = "acme", **changes: Any) -> Document:
    """Its document, three seconds later."""
    text = text_of(number)
    stored = Document(
        place=tenant,
        tenant=tenant,
        log=f"log-{number}",
        source="json_upload",
        text=text,
        modified=text.upper(),
        sha256=sha256_of(text),
        characters=len(text),
        received_at=at(number),
        processed_at=at(number + 3),
    )
    return replace(stored, **changes)


def letter(number: int, tenant: str = "acme", **changes: Any) -> Letter:
    """Its dead letter: a conflict."""
    text = text_of(number)
    buried = Letter(
        place=tenant,
        tenant=tenant,
        log=f"log-{number}",
        source="json_upload",
        text=text,
        sha256=sha256_of(text),
        characters=len(text),
        reason="conflict",
    )
    return replace(buried, **changes)


def look(at: float, *recorded: int) -> Progress:
    """The chunks of log-0 that were recorded then."""
    return Progress(
        at=at, place="acme", log="log-0", sha256=sha256_of(text_of(0)), recorded=set(recorded)
    )


@dataclass
class Run:
    """Two tenants, a conflict, a repeat, a refusal, a retry, and unknown ends, kept and not."""

    history: list[Sent] = field(
        default_factory=lambda: [
            sent(0),
            sent(1, "globex"),
            sent(2),
            sent(2, invoked=102.5, answered=102.6, invoked_at=at(2.5)),  # an identical repeat
            sent(3, log="log-2"),  # another text under the id of log-2
            sent(4, answer=Answer.UNKNOWN),
            sent(4, invoked=104.5, answered=104.6, invoked_at=at(4.5)),  # again, under its id
            sent(5, answer=Answer.FAIL),
            sent(6, answer=Answer.UNKNOWN, log=None),  # kept, under an id that nobody was told
            sent(7, answer=Answer.UNKNOWN, log=None),  # not kept
            sent(8, answer=Answer.FAIL),  # overloaded, and again without an id
            sent(8, log="made-for-8", invoked=108.5, answered=108.6, invoked_at=at(8.5)),
        ]
    )
    documents: list[Document] = field(
        default_factory=lambda: [
            document(0),
            document(1, "globex"),
            document(2),
            document(4),
            document(6, log="made-by-the-server"),
            document(8, log="made-for-8", processed_at=at(11.5)),
        ]
    )
    letters: list[Letter] = field(default_factory=lambda: [letter(3, log="log-2")])
    canaries: dict[str, AbstractSet[str]] = field(
        default_factory=lambda: {
            "acme": {canary(number) for number in (0, 2, 3, 4, 6, 8)},
            "globex": {canary(1)},
        }
    )
    faults: list[Fault] = field(
        default_factory=lambda: [Fault(name="broker away", begin=104.0, end=104.4, fired=1)]
    )
    journal: list[Event] = field(
        default_factory=lambda: [
            Event(at=1.0, step=Step.WORK, canary=canary(0), part="a"),
            Event(at=3.0, step=Step.WORK, canary=canary(0), part="b"),
            Event(at=6.0, step=Step.RECORDED, canary=canary(0), part="a"),
            Event(at=8.0, step=Step.WORK, canary=canary(0), part="b"),  # after a crash
            Event(at=9.0, step=Step.RECORDED, canary=canary(0), part="b"),
            Event(at=9.1, step=Step.CREATED, canary=canary(0), part="ab"),
        ]
    )
    progress: list[Progress] = field(
        default_factory=lambda: [look(2.0), look(7.0, 0), look(9.0, 0, 1)]
    )
    earlier: list[Document] = field(default_factory=lambda: [document(0)])
    messages: int | None = 0
    plans: int = 0
    quarantined: int = 0
    looked_at: datetime | None = None

    def checked(self, rules: Rules = RULES) -> Report:
        """What the checker says."""
        dump = Dump(
            documents=self.documents,
            letters=self.letters,
            canaries=self.canaries,
            messages=self.messages,
            plans=self.plans,
            quarantined=self.quarantined,
            looked_at=self.looked_at,
        )
        return check(
            self.history,
            dump,
            rules,
            faults=self.faults,
            journal=self.journal,
            progress=self.progress,
            earlier=self.earlier,
        )


def change(records: list[Any], index: int, **changes: Any) -> None:
    """Replace one of them by one that differs in this."""
    records[index] = replace(records[index], **changes)
