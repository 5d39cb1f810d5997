"""Are the promises kept while a run goes on? It sees what happens at the ports, and no code within.

Each finding names the invariant of ``docs/proof.md`` that it breaks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.simulation.causes import Causes
from tests.simulation.loop import SimulatedLoop, at_once
from tests.simulation.part import Part, named, pieces
from tests.simulation.settings import SECONDS_PER_CHARACTER, Settings

from logweir.backends.memory import MemoryBroker, MemoryStore
from logweir.envelope import Envelope
from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Delivery
from logweir.pipeline.records import DeadLetter, Document, TextKey

_ROUNDING_SECONDS: Final = 1e-6
Place = tuple[int, int]  # of a message: its queue, its id there


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that was broken."""

    invariant: str
    detail: str
    at: float


class Handed(NamedTuple):
    """A delivery: what the broker handed out, when, and to which session."""

    place: Place
    delivery: Delivery
    part: Part
    at: float
    session: object
    published: int  # how often the part had been published before


class Oracle:
    """What is known to have happened, and what was wrong with it."""

    def __init__(self, loop: SimulatedLoop, settings: Settings, memory: MemoryStore) -> None:
        self._loop = loop
        self._settings = settings
        self.memory = memory
        self.queues: list[MemoryBroker] = []
        self.findings: list[Finding] = []
        self.covered: Counter[str] = Counter()
        self.texts: dict[str, str] = {}  # all that were sent, by their hashes
        self.garbage: set[bytes] = set()
        self.first_documents: dict[tuple[TenantId, LogId], tuple[Document, float]] = {}
        self.published_parts: Counter[Part] = Counter()
        self._handed: dict[int, Handed] = {}
        self._holders: dict[Place, int] = {}
        self._recorded: defaultdict[TextKey, dict[int, float]] = defaultdict(dict)
        self._worked: set[tuple[TextKey, int | None]] = set()
        self._causes = Causes(settings, memory)

    def found(self, invariant: str, detail: str) -> None:
        """Something is wrong."""
        self.findings.append(Finding(invariant, detail, self._loop.time()))

    def kept(self, key: TextKey) -> bool:
        """Is a text the document, or a whole dead letter?"""
        return self.is_document(key) or at_once(self.memory.letter(key)) is not None

    def is_document(self, key: TextKey) -> bool:
        """Is a text the document?"""
        document = at_once(self.memory.document(key.tenant, key.log))
        return document is not None and document.original_text == self.texts.get(key.sha256)

    # ---- the broker

    def published(self, envelope: Envelope) -> None:
        """The broker holds it from now on."""
        part = Part.of(envelope)
        self.published_parts[part] += 1
        key = part.key
        text = self.texts.get(key.sha256)
        if text is None:
            self.found("I3", f"{part} is of a text that nobody sent")
        elif envelope.text is None:
            self.covered["claim checks"] += 1
            if at_once(self.memory.load(key)) is None and not self.kept(key):
                self.found("I1", f"{part} names a plan that is not there")
        elif envelope.text != self._piece(text, part.chunk):
            self.found("I2", f"{part} carries another text than was sent")

    def handed_out(
        self, token: int, place: Place, delivery: Delivery, part: Part, session: object
    ) -> None:
        """A session holds a message."""
        count = self.published_parts[part]
        self._handed[token] = Handed(place, delivery, part, self._loop.time(), session, count)
        self._holders[place] = token

    def settled(self, token: int, *, acknowledged: bool) -> None:
        """A message was taken off, or is to be delivered again."""
        handed = self._handed[token]
        holder = self._handed.get(self._holders.pop(handed.place, -1))
        if holder is None or holder.session is not handed.session:
            self.found("fence", f"{handed.part} was settled by a session that had lost it")
        if acknowledged and not self._may_go(handed):
            self.found("I1", f"{handed.part} was acknowledged before it was kept")

    def handed_back(self, place: Place, *, died: bool) -> None:
        """A session ended while it held a message."""
        token = self._holders.pop(place, None)
        if token is not None and died:
            self.covered["leases lost with messages"] += 1
            part = self._handed[token].part
            if not self._settings.counts_deaths:
                self._causes.died(part.key, part.chunk)
        elif token is not None:
            self.covered["messages handed back"] += 1

    def place_of(self, token: int) -> Place:
        """Where the message of a delivery lies."""
        return self._handed[token].place

    def _may_go(self, handed: Handed) -> bool:
        key, chunk, attempt = handed.part
        raw = handed.delivery.raw
        if raw in self.garbage:
            self.covered["quarantined"] += 1
            return any(raw == kept for queue in self.queues for kept, _ in queue.in_quarantine)
        if self.kept(key) or self.published_parts[Part(key, chunk, attempt + 1)]:
            return True
        if handed.delivery.given_up:
            return self.published_parts[handed.part] > handed.published
        if chunk is not None:
            return chunk in self._recorded[key]
        return self._is_under_way(key)

    def _is_under_way(self, key: TextKey) -> bool:
        """Has the broker all chunks of a planned text that are not recorded?"""
        text = self.texts.get(key.sha256, "")
        count = len(pieces(text, self._settings.chunk_characters))
        return (
            count > 1
            and at_once(self.memory.load(key)) is not None
            and all(
                index in self._recorded[key] or self.published_parts[Part(key, index, 1)]
                for index in range(count)
            )
        )

    # ---- the work

    def work_began(self, token: int, text: str) -> None:
        """Work on a delivery begins."""
        handed = self._handed[token]
        key, chunk, _ = handed.part
        if text != self._piece(self.texts.get(key.sha256, ""), chunk):
            self.found("I2", f"{handed.part}: work on another text than its own")
        first = self.first_documents.get((key.tenant, key.log))
        if first and first[0].sha256 == key.sha256 and first[1] < handed.at:
            self.found("I7", f"{handed.part}: worked on again after its document")
        if chunk is not None and self._recorded[key].get(chunk, handed.at) < handed.at:
            self.found("I7", f"{handed.part}: worked on again after it was recorded")

    def work_ended(self, token: int, text: str, seconds: float) -> None:
        """Work on a delivery is done."""
        key, chunk, _ = part = self._handed[token].part
        if seconds < len(text) * SECONDS_PER_CHARACTER - _ROUNDING_SECONDS:
            self.found("I8", f"{part}: {len(text)} characters in {seconds:.3f} s")
        self._worked.add((key, chunk))

    def work_raised(self, token: int) -> None:
        """Work on a delivery raised."""
        part = self._handed[token].part
        self._causes.raised[part.key, part.chunk] += 1

    def _piece(self, text: str, chunk: int | None) -> str:
        if chunk is None:
            return text
        cut = pieces(text, self._settings.chunk_characters)
        return cut[chunk] if chunk < len(cut) else ""

    # ---- the store

    def stored(self, name: str, key: TextKey, argument: object, index: int | None = None) -> None:
        """A call of the store has happened."""
        match name:
            case "create":
                self._created(key)
            case "record" if index is not None:
                self._has_recorded(key, index)
            case "forget":
                self._recorded.pop(key, None)
                if not self.kept(key):
                    self.found("I1", f"{named(key)}: its plan was forgotten before it was kept")
            case "mark_sent":
                if at_once(self.memory.load(key)) is not None and not self._is_under_way(key):
                    self.found("I1", f"{named(key)}: marked as sent before its chunks were")
            case "bury" if isinstance(argument, DeadLetter):
                self._buried(key, argument)
            case "begin":
                self._causes.died(key, index)
            case "answer" | "answer, done":
                self._causes.lived(key, index, done=name == "answer, done")
            case _:  # the others only read, or have nothing to check
                pass

    def _created(self, key: TextKey) -> None:
        document = at_once(self.memory.document(key.tenant, key.log))
        if document is None:
            return self.found("I1", f"{named(key)}: created, and not there")
        first = self.first_documents.setdefault(
            (key.tenant, key.log), (document, self._loop.time())
        )
        if first[0] is not document:
            self.found("I4", f"{named(key)}: its document was written over")
        text = document.original_text
        count = len(pieces(text, self._settings.chunk_characters))
        chunks = [(document.key, index) for index in range(count)]
        # Where the text is short, or was worked on in one piece.
        if (document.key, None) not in self._worked and (
            count == 1 or not self._worked.issuperset(chunks)
        ):
            self.found("I8", f"{named(key)}: a document before all of its work was done")
        return None

    def _has_recorded(self, key: TextKey, index: int) -> None:
        if (key, index) not in self._worked:
            self.found("I8", f"{named(key)}: chunk {index} is recorded, and not worked on")
        done = at_once(self.memory.recorded(key))
        if done is None:
            return
        self._recorded[key].setdefault(index, self._loop.time())
        if index not in done:
            self.found("I7", f"{named(key)}: chunk {index} is recorded, and forgotten")

    def _buried(self, key: TextKey, letter: DeadLetter) -> None:
        self.covered[letter.reason] += 1
        if letter.text != self.texts.get(key.sha256):
            self.found("I1", f"{named(key)}: buried without its whole text")
        if not self._causes.justify(letter):
            self.found("buried", f"{named(key)}: {letter.reason} without a cause")
