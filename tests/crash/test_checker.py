"""The checker passes clean runs, and names what is wrong with each corrupted one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.crash.checker import (
    Answer,
    Document,
    Dump,
    Event,
    Kind,
    Letter,
    Report,
    Rules,
    Sent,
    Step,
    check,
)

from logweir.envelope import sha256_of

START = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Rules(redact=str.upper, seconds_per_character=0.05, chunk_characters=100)


def canary(number: int) -> str:
    return "canary-" + chr(ord("a") + number) * 20


def text_of(number: int) -> str:
    return f"{canary(number)} logged in"


def sent(number: int, tenant: str = "acme", **changes: Any) -> Sent:
    text = text_of(number)
    request = Sent(
        tenant=tenant,
        log=f"log-{number}",
        source="json_upload",
        sha256=sha256_of(text),
        characters=len(text),
        canary=canary(number),
        answer=Answer.OK,
        invoked=0.0,
        answered=0.1,
        invoked_at=START,
    )
    return replace(request, **changes)


def document(number: int, tenant: str = "acme", **changes: Any) -> Document:
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
        received_at=START,
        processed_at=START + timedelta(seconds=3),
    )
    return replace(stored, **changes)


def letter(number: int, tenant: str = "acme", **changes: Any) -> Letter:
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


@dataclass
class Run:
    """A run that went well: two tenants, a conflict, a repeat, a refusal, and two unknown ends."""

    history: list[Sent] = field(
        default_factory=lambda: [
            sent(0),
            sent(1, "globex"),
            sent(2),
            sent(3, log="log-2"),  # another text under the id of log-2
            sent(4, answer=Answer.UNKNOWN),
            sent(4),  # sent again under its id
            sent(5, answer=Answer.FAIL),
            sent(6, answer=Answer.UNKNOWN, log=None),  # kept, under an id that nobody was told
            sent(7, answer=Answer.UNKNOWN, log=None),  # not kept
        ]
    )
    documents: list[Document] = field(
        default_factory=lambda: [
            document(0),
            document(1, "globex"),
            document(2),
            document(4),
            document(6, log="made-by-the-server"),
        ]
    )
    letters: list[Letter] = field(default_factory=lambda: [letter(3, log="log-2")])
    canaries: dict[str, set[str]] = field(
        default_factory=lambda: {
            "acme": {canary(number) for number in (0, 2, 3, 4, 6)},
            "globex": {canary(1)},
        }
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
    earlier: list[Document] = field(default_factory=lambda: [document(0)])
    messages: int = 0

    def checked(self, rules: Rules = RULES) -> Report:
        dump = Dump(
            documents=self.documents,
            letters=self.letters,
            canaries=self.canaries,
            messages=self.messages,
        )
        return check(self.history, dump, rules, journal=self.journal, earlier=self.earlier)


def test_a_clean_run_passes() -> None:
    report = Run().checked()
    assert not report.findings
    assert (report.requests, report.accepted, report.unknown) == (9, 5, 3)
    assert (report.documents, report.letters) == (5, {"conflict": 1})


def test_a_run_in_which_nothing_happened_passes() -> None:
    assert not check([], Dump(documents=[], letters=[], canaries={}), RULES).findings


def test_a_long_text_may_be_done_in_the_time_of_one_chunk() -> None:
    text = canary(0) + "x" * 300
    run = Run(
        history=[sent(0, sha256=sha256_of(text), characters=len(text))],
        documents=[
            document(
                0,
                text=text,
                modified=text.upper(),
                sha256=sha256_of(text),
                characters=len(text),
                processed_at=START + timedelta(seconds=5),
            )
        ],
        letters=[],
        canaries={"acme": {canary(0)}},
        earlier=[],
    )
    assert not run.checked().findings


def test_a_text_that_was_sent_twice_may_be_a_document_and_a_dead_letter() -> None:
    run = Run()
    run.letters.append(letter(4, reason="crash_loop"))
    assert not run.checked(replace(RULES, sick=frozenset({canary(4)}))).findings


def _replace(records: list[Any], index: int, **changes: Any) -> None:
    records[index] = replace(records[index], **changes)


CORRUPTIONS: list[Any] = []


def names(*kinds: Kind) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
    """A way to corrupt a run, and what the checker must find then: that, and nothing else."""

    def add(corrupt: Callable[[Run], None]) -> Callable[[Run], None]:
        name = corrupt.__name__.replace("_", " ")
        CORRUPTIONS.append(pytest.param(corrupt, set(kinds), id=name))
        return corrupt

    return add


@names(Kind.LOST)
def a_document_is_gone(run: Run) -> None:
    run.documents.pop(1)


@names(Kind.LOST)
def a_dead_letter_is_gone(run: Run) -> None:
    run.letters.pop()


@names(Kind.LOST)
def a_log_of_the_servers_own_id_is_gone(run: Run) -> None:
    run.history.append(sent(7, log="3f2a"))


@names(Kind.LOST, Kind.PHANTOM, Kind.DOUBLED)
def a_log_lies_under_another_id(run: Run) -> None:
    _replace(run.documents, 1, log="log-9")


@names(Kind.WRONG)
def a_text_lost_its_end(run: Run) -> None:
    cut = text_of(4)[:-1]
    _replace(run.documents, 3, text=cut, modified=cut.upper(), characters=len(cut))


@names(Kind.LOST, Kind.PHANTOM)
def a_text_lost_its_end_and_its_hash_follows(run: Run) -> None:
    cut = text_of(4)[:-1]
    _replace(run.documents, 3, text=cut, modified=cut.upper(), characters=len(cut))
    _replace(run.documents, 3, sha256=sha256_of(cut))


@names(Kind.WRONG)
def the_characters_are_counted_wrong(run: Run) -> None:
    _replace(run.documents, 3, characters=1)


@names(Kind.WRONG)
def a_secret_is_not_redacted(run: Run) -> None:
    _replace(run.documents, 3, modified=text_of(4))


@names(Kind.WRONG)
def a_dead_letter_has_another_text(run: Run) -> None:
    _replace(run.letters, 0, text=canary(3) + " other")


@names(Kind.PHANTOM, Kind.DOUBLED)
def nobody_sent_it(run: Run) -> None:
    run.documents.append(document(9))


@names(Kind.PHANTOM, Kind.DOUBLED)
def it_was_refused(run: Run) -> None:
    run.documents.append(document(5))


@names(Kind.PHANTOM, Kind.CHANGED)
def it_came_in_the_other_way(run: Run) -> None:
    _replace(run.documents, 0, source="text_upload")


@names(Kind.PHANTOM)
def bytes_of_a_refused_text_are_left(run: Run) -> None:
    run.canaries["acme"].add(canary(5))


@names(Kind.DOUBLED, Kind.MISCOUNTED)
def one_request_became_a_document_and_a_dead_letter(run: Run) -> None:
    run.letters.append(letter(0))


@names(Kind.DOUBLED, Kind.PHANTOM)
def one_text_became_two_documents(run: Run) -> None:
    run.documents.append(document(0, log="log-0b"))


@names(Kind.DOUBLED)
def a_text_of_unknown_end_became_two_documents(run: Run) -> None:
    run.documents.append(document(6, log="made-again"))


@names(Kind.DOUBLED)
def two_documents_lie_under_one_id(run: Run) -> None:
    run.documents.append(document(0))


@names(Kind.WRONG, Kind.DOUBLED)
def a_document_holds_another_ones_text_too(run: Run) -> None:
    _replace(run.documents, 3, text=text_of(4) + canary(2))


@names(Kind.CHANGED)
def a_later_delivery_changed_the_document(run: Run) -> None:
    _replace(run.documents, 0, processed_at=START + timedelta(seconds=9))


@names(Kind.CHANGED)
def a_document_was_there_and_is_gone(run: Run) -> None:
    run.earlier.append(document(7))


@names(Kind.LOST, Kind.PHANTOM, Kind.LEAKED)
def a_document_lies_in_another_tenants_file(run: Run) -> None:
    _replace(run.documents, 1, place="acme", tenant="acme")


@names(Kind.LEAKED)
def a_document_names_another_tenant(run: Run) -> None:
    _replace(run.documents, 1, tenant="acme")


@names(Kind.LEAKED)
def bytes_of_another_tenants_text_are_in_the_file(run: Run) -> None:
    run.canaries["globex"].add(canary(0))


@names(Kind.REPEATED)
def work_began_after_the_document(run: Run) -> None:
    run.journal.append(Event(at=9.5, step=Step.WORK, canary=canary(0), part="c"))


@names(Kind.REPEATED)
def a_recorded_chunk_was_worked_on_again(run: Run) -> None:
    run.journal.insert(3, Event(at=7.0, step=Step.WORK, canary=canary(0), part="a"))


@names(Kind.EARLY)
def a_document_came_sooner_than_its_work_takes(run: Run) -> None:
    _replace(run.documents, 3, processed_at=START + timedelta(seconds=1.5))


@names(Kind.EARLY)
def a_document_pretends_to_have_come_long_ago(run: Run) -> None:
    _replace(run.documents, 3, received_at=START - timedelta(9))
    _replace(run.documents, 3, processed_at=START + timedelta(seconds=1))


@names(Kind.MISCOUNTED)
def a_log_is_in_conflict_with_nothing(run: Run) -> None:
    _replace(run.history, 3, log="log-3")
    _replace(run.letters, 0, log="log-3")


@names(Kind.BURIED)
def a_healthy_log_was_given_up(run: Run) -> None:
    run.documents.pop(1)
    run.letters.append(letter(1, "globex", reason="crash_loop"))


@names(Kind.LEFT)
def the_backlog_is_not_drained(run: Run) -> None:
    run.messages = 3


@pytest.mark.parametrize(("corrupt", "kinds"), CORRUPTIONS)
def test_the_checker_names_what_is_wrong(corrupt: Callable[[Run], None], kinds: set[Kind]) -> None:
    run = Run()
    corrupt(run)
    report = run.checked()
    assert set(report.counts) == kinds, str(report)
