"""The checker passes clean runs, says when a loss was, and refuses a verdict without a proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.verify.runs import (
    RULES,
    Run,
    at,
    canary,
    change,
    document,
    letter,
    sent,
    text_of,
)

from logweir.envelope import sha256_of
from logweir.verify.checker import check
from logweir.verify.evidence import Answer, Dump, Event, Fault, Step
from logweir.verify.findings import Kind, Part, Verdict
from logweir.verify.rules import Redaction


def test_a_clean_run_passes() -> None:
    report = Run().checked()
    assert not report.findings
    assert report.verdict is Verdict.KEPT
    assert (report.requests, report.accepted, report.unknown) == (12, 7, 3)
    assert (report.documents, report.letters, report.others) == (6, {"conflict": 1}, 0)


def test_a_long_text_may_be_done_in_the_time_of_one_chunk() -> None:
    text = canary(0) + "x" * 300
    whole: dict[str, Any] = {"sha256": sha256_of(text), "characters": len(text)}
    run = Run(
        history=[sent(0, **whole)],
        documents=[
            document(0, text=text, modified=text.upper(), processed_at=at(5), **whole),
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


def test_a_202_that_told_no_id_is_found_by_its_text() -> None:
    run = Run()
    run.history.append(sent(9, log=None))
    assert run.checked().counts == {Kind.LOST: 1}
    run.documents.append(document(9, log="made-for-9"))
    assert not run.checked().findings


@pytest.mark.parametrize(
    ("number", "part", "during"),
    [(0, Part.START, []), (3, Part.MIDDLE, ["broker away"]), (5, Part.END, [])],
)
def test_a_loss_is_told_with_its_part_of_the_run_and_the_fault_then(
    number: int, part: Part, during: list[str]
) -> None:
    run = Run(earlier=[])
    run.documents.pop(number)
    change(run.history, 6, invoked=104.3)  # the one of document 3, in the middle of the fault
    [finding] = run.checked().findings
    assert (finding.kind, finding.part, list(finding.during)) == (Kind.LOST, part, during)
    assert f"sent at the {part} of the run" in str(finding)


def test_slowness_counts_from_the_end_of_the_last_fault() -> None:
    run = Run()
    change(run.documents, 3, processed_at=at(16))
    assert run.checked().counts == {Kind.SLOW: 1}
    run.faults.append(Fault(name="worker frozen", begin=105.0, end=107.0, fired=1))
    assert not run.checked().findings
    change(run.faults, 1, fired=0, begin=105.0)
    assert run.checked().counts == {Kind.SLOW: 1}


@pytest.mark.parametrize(
    ("begin", "end", "excused"),
    [(8.9, 9.4, True), (8.9, 9.7, True), (8.9, 9.05, False), (9.5, 9.7, False)],
)
def test_who_stood_still_may_begin_what_was_not_done_when_it_looked(
    begin: float, end: float, excused: bool
) -> None:
    run = Run()
    [done] = [event.at for event in run.journal if event.step is Step.CREATED]
    assert done == 9.1
    run.journal.append(Event(at=9.6, step=Step.WORK, canary=canary(0), part="c"))
    stood = Fault(name="worker frozen", begin=begin, end=end, fired=1)
    run.faults.append(stood)
    assert run.checked().counts == {Kind.REGRESSED: 1}
    run.faults[-1] = replace(stood, paused=True)
    assert run.checked().counts == ({} if excused else {Kind.REGRESSED: 1})


def test_no_verdict_where_a_planned_fault_never_fired() -> None:
    run = Run()
    change(run.faults, 0, fired=0)
    report = run.checked()
    assert report.verdict is Verdict.NONE
    assert report.refusals == ["the fault 'broker away' was planned, and never fired"]
    assert not report.findings


def test_no_verdict_where_the_backlog_is_not_drained_and_nothing_is_called_lost() -> None:
    run = Run(messages=3)
    run.documents.pop(1)
    report = run.checked()
    assert report.verdict is Verdict.NONE
    assert "3 messages are left, and 1 logs" in report.refusals[0]
    assert report.counts == {Kind.LEFT: 1}
    assert "no verdict" in str(report)


def test_what_can_only_be_wrong_is_so_before_the_backlog_is_drained() -> None:
    run = Run(messages=3)
    run.canaries = {"globex": {canary(0)}}
    assert run.checked().verdict is Verdict.BROKEN


def test_no_verdict_where_nothing_was_accepted() -> None:
    report = check([sent(0, answer=Answer.FAIL)], Dump(documents=[], letters=[]), RULES)
    assert (report.verdict, list(report.findings)) == (Verdict.NONE, [])


def test_where_the_broker_tells_nothing_what_is_missing_may_come_until_its_time_is_over() -> None:
    run = Run(messages=None, looked_at=at(5))
    run.documents.pop(1)
    report = run.checked()
    assert (report.verdict, list(report.findings)) == (Verdict.NONE, [])
    run.looked_at = at(30)
    assert run.checked().counts == {Kind.SLOW: 1}
    assert run.checked().verdict is Verdict.BROKEN


def test_no_verdict_where_documents_were_redacted_by_other_rules() -> None:
    run = Run()
    change(run.documents, 2, rules_version="2", modified="elsewhere")
    report = run.checked(replace(RULES, redaction=lambda _: Redaction(str.upper, "1")))
    assert (report.verdict, list(report.findings)) == (Verdict.NONE, [])
    assert "rules of another version" in report.refusals[0]


@pytest.mark.parametrize(("tenant", "findings"), [("beta", 0), ("acme", 5)])
def test_a_document_is_held_against_the_redaction_of_its_own_tenant(
    tenant: str, findings: int
) -> None:
    """All of them are acme's."""
    by_tenant = {tenant: Redaction(str.lower)}
    rules = replace(RULES, redaction=lambda name: by_tenant.get(name, Redaction(str.upper)))
    assert Run().checked(rules).counts.get(Kind.WRONG, 0) == findings


def test_logs_of_others_in_the_same_tenants_are_left_alone_but_never_ours() -> None:
    run = Run()
    others = "canary-zzzzzzzzzzzzzzzzzzzz theirs"
    stranger = {"text": others, "modified": "not theirs", "sha256": "0" * 64}
    run.documents += [document(9, log="theirs", **stranger), document(9, "initech", **stranger)]
    shared = replace(RULES, shared=True)
    report = run.checked(shared)
    assert (report.others, report.documents, list(report.findings)) == (2, 6, [])
    run.documents.append(document(0, log="log-0-again"))  # by its canary
    assert run.checked(shared).counts == {Kind.DOUBLED: 1}
    run.documents[-1] = document(2, **stranger)  # by its id
    assert Kind.WRONG in run.checked(shared).counts


def test_clocks_may_differ_by_what_the_rules_say() -> None:
    run = Run()
    change(run.documents, 3, received_at=at(4) - timedelta(seconds=0.4), processed_at=at(5.5))
    assert run.checked().counts == {Kind.EARLY: 1}
    assert not run.checked(replace(RULES, skew_seconds=0.5)).findings


def test_the_report_names_no_text() -> None:
    run = Run()
    change(run.documents, 0, modified=text_of(0))
    assert "logged in" not in str(run.checked())
