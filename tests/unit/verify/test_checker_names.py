"""The checker names what is wrong with each corrupted run: that, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.verify.runs import Run, at, canary, change, document, letter, look, sent, text_of

from logweir.envelope import sha256_of
from logweir.verify.evidence import Event, Step
from logweir.verify.findings import Kind, Verdict

CORRUPTIONS: list[Any] = []


def names(*kinds: Kind) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
    """A way to corrupt a run, and what the checker must find then."""

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
def a_log_that_was_sent_again_is_gone(run: Run) -> None:
    run.documents.pop(3)


@names(Kind.LOST)
def a_log_of_the_servers_own_id_is_gone(run: Run) -> None:
    run.history.append(sent(7, log="3f2a"))


@names(Kind.LOST, Kind.PHANTOM)
def a_log_lies_under_another_id(run: Run) -> None:
    change(run.documents, 1, log="log-9")


@names(Kind.WRONG)
def a_text_lost_its_end(run: Run) -> None:
    cut = text_of(4)[:-1]
    change(run.documents, 3, text=cut, modified=cut.upper(), characters=len(cut))


@names(Kind.LOST, Kind.WRONG)
def a_text_lost_its_end_and_its_hash_follows(run: Run) -> None:
    cut = text_of(4)[:-1]
    change(run.documents, 3, text=cut, modified=cut.upper(), characters=len(cut))
    change(run.documents, 3, sha256=sha256_of(cut))


@names(Kind.WRONG)
def the_characters_are_counted_wrong(run: Run) -> None:
    change(run.documents, 3, characters=1)


@names(Kind.WRONG)
def a_secret_is_not_redacted(run: Run) -> None:
    change(run.documents, 3, modified=text_of(4))


@names(Kind.WRONG)
def a_dead_letter_has_another_text(run: Run) -> None:
    change(run.letters, 0, text=canary(3) + " other")


@names(Kind.WRONG)
def a_document_holds_another_ones_text_too(run: Run) -> None:
    change(run.documents, 3, text=text_of(4) + canary(2))


@names(Kind.PHANTOM)
def nobody_sent_it(run: Run) -> None:
    run.documents.append(document(9))


@names(Kind.PHANTOM)
def it_was_refused(run: Run) -> None:
    run.documents.append(document(5))


@names(Kind.PHANTOM, Kind.CHANGED)
def it_came_in_the_other_way(run: Run) -> None:
    change(run.documents, 0, source="text_upload")


@names(Kind.PHANTOM)
def bytes_of_a_refused_text_are_left(run: Run) -> None:
    run.canaries["acme"] |= {canary(5)}


@names(Kind.DOUBLED, Kind.MISCOUNTED)
def one_request_became_a_document_and_a_dead_letter(run: Run) -> None:
    run.letters.append(letter(0))


@names(Kind.DOUBLED)
def one_text_became_two_documents(run: Run) -> None:
    run.documents.append(document(0, log="log-0b"))


@names(Kind.DOUBLED)
def a_text_of_unknown_end_became_two_documents(run: Run) -> None:
    run.documents.append(document(6, log="made-again"))


@names(Kind.DOUBLED)
def two_documents_lie_under_one_id(run: Run) -> None:
    run.documents.append(document(0))


@names(Kind.CHANGED)
def a_later_delivery_changed_the_document(run: Run) -> None:
    change(run.documents, 0, processed_at=at(9))


@names(Kind.CHANGED)
def a_document_was_there_and_is_gone(run: Run) -> None:
    run.earlier.append(document(7))


@names(Kind.LOST, Kind.LEAKED)
def a_document_lies_at_another_tenants_place(run: Run) -> None:
    change(run.documents, 1, place="acme", tenant="acme")


@names(Kind.LOST, Kind.LEAKED)
def a_document_lies_at_another_tenants_place_and_names_its_own(run: Run) -> None:
    change(run.documents, 1, place="acme")


@names(Kind.LEAKED)
def a_document_lies_at_another_tenants_place_too(run: Run) -> None:
    run.documents.append(document(1, "acme"))


@names(Kind.LEAKED)
def a_document_names_another_tenant(run: Run) -> None:
    change(run.documents, 1, tenant="acme")


@names(Kind.LEAKED, Kind.MISCOUNTED)
def a_dead_letter_lies_at_another_tenants_place_too(run: Run) -> None:
    run.letters.append(letter(3, "globex", log="log-2"))


@names(Kind.LEAKED, Kind.WRONG)
def a_document_quotes_another_tenants_text(run: Run) -> None:
    change(run.documents, 1, modified=text_of(1).upper() + canary(0))


@names(Kind.LEAKED)
def bytes_of_another_tenants_text_are_in_the_file(run: Run) -> None:
    run.canaries["globex"] |= {canary(0)}


@names(Kind.REGRESSED)
def work_began_after_the_document(run: Run) -> None:
    run.journal.append(Event(at=9.5, step=Step.WORK, canary=canary(0), part="c"))


@names(Kind.REGRESSED)
def a_recorded_chunk_was_worked_on_again(run: Run) -> None:
    run.journal.insert(3, Event(at=7.0, step=Step.WORK, canary=canary(0), part="a"))


@names(Kind.REGRESSED)
def a_recorded_chunk_is_not_recorded_any_more(run: Run) -> None:
    run.progress.append(look(10.0, 1))


@names(Kind.EARLY)
def a_document_came_sooner_than_its_work_takes(run: Run) -> None:
    change(run.documents, 3, processed_at=at(4 + 1.5))


@names(Kind.EARLY)
def a_document_pretends_to_have_come_long_ago(run: Run) -> None:
    change(run.documents, 3, received_at=at(-9e5), processed_at=at(4 + 1))


@names(Kind.SLOW)
def a_document_came_too_late(run: Run) -> None:
    change(run.documents, 2, processed_at=at(2 + 13))


@names(Kind.MISCOUNTED)
def a_log_is_in_conflict_with_nothing(run: Run) -> None:
    change(run.history, 4, log="log-3")
    change(run.letters, 0, log="log-3")


@names(Kind.BURIED)
def a_healthy_log_was_given_up(run: Run) -> None:
    run.documents.pop(1)
    run.letters.append(letter(1, "globex", reason="crash_loop"))


@names(Kind.LEFT)
def a_plan_was_never_finished(run: Run) -> None:
    run.plans = 1


@names(Kind.LEFT)
def a_message_could_not_be_read(run: Run) -> None:
    run.quarantined = 1


@pytest.mark.parametrize(("corrupt", "kinds"), CORRUPTIONS)
def test_the_checker_names_what_is_wrong(corrupt: Callable[[Run], None], kinds: set[Kind]) -> None:
    run = Run()
    corrupt(run)
    report = run.checked()
    assert set(report.counts) == kinds, str(report)
    assert report.verdict is Verdict.BROKEN


def test_every_kind_is_named_by_some_corruption() -> None:
    assert set().union(*(case.values[1] for case in CORRUPTIONS)) == set(Kind)
