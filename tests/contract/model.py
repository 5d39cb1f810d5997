"""What a back end must seem to be, in plain dictionaries; a state machine compares the two."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from logweir.envelope import Envelope
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.pipeline.store import Found, LetterSummary, Progress, Stored, TenantSummary


class Model:
    """Records by their keys, and messages: waiting, hidden for a while, in flight."""

    def __init__(self) -> None:
        self.documents: dict[tuple[TenantId, LogId], Document] = {}
        self.plans: dict[TextKey, Plan] = {}
        self.recorded: dict[TextKey, set[int]] = {}
        self.letters: dict[TextKey, DeadLetter] = {}
        self.begun: Counter[tuple[TextKey, int | None]] = Counter()
        self.waiting: Counter[Envelope] = Counter()
        self.hidden: list[tuple[float, Envelope]] = []  # until when
        self.in_flight: Counter[Envelope] = Counter()
        self.quarantined = 0

    def create(self, document: Document) -> Stored:
        """The first document of a log stays."""
        place = document.tenant_id, document.log_id
        if place not in self.documents:
            self.documents[place] = document
            return Stored.CREATED
        same = self.documents[place].sha256 == document.sha256
        return Stored.SAME if same else Stored.OTHER

    def find(self, key: TextKey) -> Found:
        """By the text's hash."""
        document = self.documents.get((key.tenant, key.log))
        if document is None:
            return Found.ABSENT
        return Found.SAME if document.sha256 == key.sha256 else Found.OTHER

    def plan(self, plan: Plan) -> Plan:
        """The first plan of a text stays."""
        self.recorded.setdefault(plan.key, set())
        return self.plans.setdefault(plan.key, plan)

    def mark_sent(self, key: TextKey) -> None:
        """Of a plan that is there."""
        if key in self.plans:
            self.plans[key] = replace(self.plans[key], sent=True)

    def record(self, key: TextKey, index: int) -> bool | None:
        """Are all chunks recorded now?"""
        if key not in self.plans:
            return None
        self.recorded[key].add(index)
        return self.recorded[key] == set(range(self.plans[key].count))

    def forget(self, key: TextKey) -> None:
        """Plan and records."""
        self.plans.pop(key, None)
        self.recorded.pop(key, None)

    def tenants(self) -> list[TenantSummary]:
        """Who has anything, in order."""
        owners = [
            Counter(tenant for tenant, _ in self.documents),
            Counter(key.tenant for key in self.letters),
            Counter(key.tenant for key in self.plans),
        ]
        return [
            TenantSummary(
                tenant_id=tenant,
                documents=owners[0][tenant],
                dead_letters=owners[1][tenant],
                plans=owners[2][tenant],
            )
            for tenant in sorted({*owners[0], *owners[1], *owners[2]})
        ]

    def documents_of(self, tenant: TenantId) -> list[Document]:
        """In the order of their ids."""
        mine = sorted(place for place in self.documents if place[0] == tenant)
        return [self.documents[place] for place in mine]

    def letters_of(self, tenant: TenantId) -> list[LetterSummary]:
        """In the order of the log ids, and of one log by hash."""
        mine = [letter for key, letter in self.letters.items() if key.tenant == tenant]
        return [
            LetterSummary(
                key=letter.key,
                reason=letter.reason,
                error=letter.error,
                characters=letter.characters,
                attempts=letter.attempts,
                received_at=letter.received_at,
                buried_at=letter.buried_at,
                resolved=self.find(letter.key) is Found.SAME,
            )
            for letter in sorted(mine, key=lambda letter: (letter.log_id, letter.sha256))
        ]

    def progress(self, tenant: TenantId, log: LogId) -> list[Progress]:
        """Of each plan of a log, by hash."""
        return [
            Progress(
                sha256=key.sha256, chunks_done=len(self.recorded[key]), chunks=self.plans[key].count
            )
            for key in sorted(self.plans, key=lambda key: key.sha256)
            if (key.tenant, key.log) == (tenant, log)
        ]

    def pass_time(self, now: float) -> None:
        """What was hidden until now waits again."""
        self.waiting.update(envelope for until, envelope in self.hidden if until <= now)
        self.hidden = [(until, envelope) for until, envelope in self.hidden if until > now]

    def undone(self) -> tuple[int, int]:
        """Messages that are not in flight, and that are."""
        return self.waiting.total() + len(self.hidden), self.in_flight.total()
