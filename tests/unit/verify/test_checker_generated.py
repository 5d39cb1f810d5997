"""Whatever happened in an honest run, the checker passes it, and names any single corruption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum, auto
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.verify.runs import RULES, at

from logweir.envelope import sha256_of
from logweir.verify.canary import canary
from logweir.verify.checker import check
from logweir.verify.evidence import Answer, Document, Dump, Fault, Letter, Sent
from logweir.verify.findings import Kind, Report, Verdict

TENANTS: Final = ("acme", "ACME", "globex")


class Fate(Enum):
    """What may befall a log in an honest run."""

    STORED = auto()
    STORED_UNDER_A_MADE_ID = auto()
    REPEATED = auto()
    STORED_AT_THE_SECOND_TRY = auto()
    OVERLOADED_AT_FIRST = auto()
    UNKNOWN_AND_KEPT = auto()
    UNKNOWN_AND_KEPT_UNDER_A_MADE_ID = auto()
    UNKNOWN_AND_NOT_KEPT = auto()
    REFUSED = auto()
    CONFLICT = auto()  # with the log before it of the same tenant, if that is stored
    SICK = auto()


ANSWERS: Final = {
    Fate.REPEATED: (Answer.OK, Answer.OK),
    Fate.STORED_AT_THE_SECOND_TRY: (Answer.UNKNOWN, Answer.OK),
    Fate.OVERLOADED_AT_FIRST: (Answer.FAIL, Answer.OK),
    Fate.UNKNOWN_AND_KEPT: (Answer.UNKNOWN,),
    Fate.UNKNOWN_AND_KEPT_UNDER_A_MADE_ID: (Answer.UNKNOWN,),
    Fate.UNKNOWN_AND_NOT_KEPT: (Answer.UNKNOWN,),
    Fate.REFUSED: (Answer.FAIL,),
}
NOT_KEPT: Final = (Fate.UNKNOWN_AND_NOT_KEPT, Fate.REFUSED)


@dataclass(frozen=True)
class Log:
    """What is to be sent, and what becomes of it."""

    tenant: str
    fate: Fate
    words: int
    delay: float


LOGS = st.lists(
    st.builds(
        Log,
        tenant=st.sampled_from(TENANTS),
        fate=st.sampled_from(Fate),
        words=st.integers(0, 60),
        delay=st.floats(0, 2),
    ),
    min_size=1,
    max_size=20,
)


@dataclass
class Honest:
    """A run as it is made of logs."""

    history: list[Sent] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    sick: set[str] = field(default_factory=set)
    stored: dict[str, str] = field(default_factory=dict)  # tenant -> its last document's log

    def play(self, number: int, log: Log) -> None:
        """Send it, and keep it."""
        text = f"{canary(1, number, log.tenant)} " + "word " * log.words
        made = log.fate in {Fate.STORED_UNDER_A_MADE_ID, Fate.UNKNOWN_AND_KEPT_UNDER_A_MADE_ID}
        log_id, conflicts = f"log-{number}", False
        if log.fate is Fate.CONFLICT and log.tenant in self.stored:
            log_id, conflicts = self.stored[log.tenant], True
        told = None if log.fate is Fate.UNKNOWN_AND_KEPT_UNDER_A_MADE_ID else log_id
        for attempt, answer in enumerate(ANSWERS.get(log.fate, (Answer.OK,))):
            invoked = number + attempt / 4
            self.history.append(_sent(log, text, told, answer, invoked))
        if log.fate in NOT_KEPT:
            return
        kept_id = f"made-{number}" if made and told is None else log_id
        reason = "conflict" if conflicts else "crash_loop" if log.fate is Fate.SICK else None
        if reason:
            self.letters.append(_letter(log, text, kept_id, reason))
            self.sick |= {self.history[-1].canary} if log.fate is Fate.SICK else set()
        else:
            self.documents.append(_document(log, text, kept_id, self.history[-1]))
            self.stored[log.tenant] = kept_id

    def checked(self, messages: int = 0) -> Report:
        """What the checker says."""
        dump = Dump(documents=self.documents, letters=self.letters, messages=messages)
        rules = replace(RULES, sick=self.sick)
        return check(self.history, dump, rules, faults=self.faults)


def _sent(log: Log, text: str, log_id: str | None, answer: Answer, invoked: float) -> Sent:
    return Sent(
        tenant=log.tenant,
        log=log_id,
        source="text_upload",
        sha256=sha256_of(text),
        characters=len(text),
        canary=text.split(maxsplit=1)[0],
        answer=answer,
        invoked=invoked,
        answered=invoked + 0.1,
        invoked_at=at(invoked),
    )


def _document(log: Log, text: str, log_id: str, last: Sent) -> Document:
    work = timedelta(seconds=RULES.least_seconds(len(text)) + log.delay)
    return Document(
        place=log.tenant,
        tenant=log.tenant,
        log=log_id,
        source="text_upload",
        text=text,
        modified=text.upper(),
        sha256=sha256_of(text),
        characters=len(text),
        received_at=last.invoked_at,
        processed_at=last.invoked_at + work,
    )


def _letter(log: Log, text: str, log_id: str, reason: str) -> Letter:
    return Letter(
        place=log.tenant,
        tenant=log.tenant,
        log=log_id,
        source="text_upload",
        text=text,
        sha256=sha256_of(text),
        characters=len(text),
        reason=reason,
    )


def honest(logs: list[Log]) -> Honest:
    """The run of these logs; one of them is always stored, so that there is what to corrupt."""
    run = Honest()
    for number, log in enumerate([Log("acme", Fate.STORED, 3, 0.1), *logs]):
        run.play(number, log)
    return run


# Each changes one document, by its index, and says what that is.
Corruption = Callable[[Honest, int], None]


def _edit(**changes: object) -> Corruption:
    def corrupt(run: Honest, index: int) -> None:
        run.documents[index] = replace(run.documents[index], **changes)  # type: ignore[arg-type]

    return corrupt


def _lose(run: Honest, index: int) -> None:
    # What was never answered 202 may be missing: this one was.
    stored = run.documents.pop(index)
    twin = next(s for s in run.history if s.sha256 == stored.sha256)
    run.history.append(replace(twin, answer=Answer.OK, log=stored.log))


def _double(run: Honest, index: int) -> None:
    for number in range(3):  # more often than any log is sent
        run.documents.append(replace(run.documents[index], log=f"again-{number}"))


def _leak(run: Honest, index: int) -> None:
    place = "initech" if index % 2 else TENANTS[TENANTS.index(run.documents[index].place) - 1]
    run.documents.append(replace(run.documents[index], place=place, tenant=place))


def _shift(seconds: float) -> Corruption:
    def corrupt(run: Honest, index: int) -> None:
        done = run.documents[index].processed_at + timedelta(seconds=seconds)
        run.documents[index] = replace(run.documents[index], processed_at=done)

    return corrupt


def _accept(run: Honest, index: int) -> None:
    stored = run.documents[index]
    for number, sent in enumerate(run.history):
        if sent.sha256 == stored.sha256:
            run.history[number] = replace(sent, answer=Answer.OK, log=stored.log)


def _late(run: Honest, index: int) -> None:
    _accept(run, index)
    _shift(60)(run, index)


def _bury(run: Honest, index: int) -> None:
    stored = run.documents.pop(index)
    log = Log(stored.place, Fate.SICK, 0, 0)
    run.letters.append(_letter(log, stored.text, stored.log, "attempts_exhausted"))


def _unsend(run: Honest, index: int) -> None:
    sha256 = run.documents[index].sha256
    run.history = [sent for sent in run.history if sent.sha256 != sha256]


SINGLE: Final[dict[str, tuple[Corruption, Kind]]] = {
    "it is gone": (_lose, Kind.LOST),
    "its text has changed": (_edit(text="short"), Kind.WRONG),
    "it is not redacted": (_edit(modified="as it came"), Kind.WRONG),
    "its characters are miscounted": (_edit(characters=0), Kind.WRONG),
    "nobody sent it": (_unsend, Kind.PHANTOM),
    "it came another way": (_edit(source="json_upload"), Kind.PHANTOM),
    "it is there too often": (_double, Kind.DOUBLED),
    "it lies elsewhere too": (_leak, Kind.LEAKED),
    "it names another tenant": (_edit(tenant="initech"), Kind.LEAKED),
    "it came too soon": (_shift(-4.9), Kind.EARLY),
    "it came too late": (_late, Kind.SLOW),
    "it was given up": (_bury, Kind.BURIED),
}


@settings(max_examples=150, deadline=None)
@given(LOGS)
def test_an_honest_run_passes(logs: list[Log]) -> None:
    report = honest(logs).checked()
    assert not report.findings, str(report)
    assert report.verdict is Verdict.KEPT


@settings(max_examples=300, deadline=None)
@given(LOGS, st.integers(0, 99), st.sampled_from(sorted(SINGLE)))
def test_any_single_corruption_is_named(logs: list[Log], which: int, name: str) -> None:
    run = honest(logs)
    corrupt, kind = SINGLE[name]
    corrupt(run, which % len(run.documents))
    report = run.checked()
    assert kind in report.counts, str(report)
    assert report.verdict is Verdict.BROKEN


@settings(max_examples=50, deadline=None)
@given(LOGS, st.booleans())
def test_a_run_that_proves_nothing_has_no_verdict(logs: list[Log], drained: bool) -> None:
    run = honest(logs)
    if drained:
        run.faults.append(Fault(name="power cut", begin=0.0, end=1.0, fired=0))
    assert run.checked(messages=0 if drained else 7).verdict is Verdict.NONE
