"""Records as flat fields, and texts in parts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.logs import a_document, a_letter, a_plan

from logweir.pipeline.fields import (
    LETTER_SUMMARY,
    cut,
    document_fields,
    document_of,
    letter_fields,
    letter_of,
    letter_summary_of,
    plan_fields,
    plan_of,
)

KIB = 1024


@pytest.mark.parametrize("step", range(5))
def test_parts_are_cut_between_code_points_and_make_the_text_again(step: int) -> None:
    text = "x" * (KIB - step) + "🙂é" + "y" * KIB
    parts = list(cut(text, KIB))
    assert "".join(parts) == text
    assert all(len(part.encode()) <= KIB for part in parts)
    assert len(parts) in (2, 3)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(4, 20))
def test_every_text_is_made_again_from_parts_that_are_not_empty(text: str, bytes_max: int) -> None:
    parts = list(cut(text, bytes_max))
    assert "".join(parts) == text
    assert all(0 < len(part.encode()) <= bytes_max for part in parts)


def test_records_come_back_from_their_fields() -> None:
    document, letter = a_document("hello"), a_letter("hello", error="ValueError: no")
    plan = replace(a_plan("hello", 2), sent=True, traceparent="00-1-2-01")
    assert document_of(document_fields(document), "hello", document.modified_data) == document
    assert letter_of(letter.tenant_id, letter_fields(letter), "hello") == letter
    assert plan_of(plan.tenant, plan_fields(plan), "hello") == plan


def test_the_summary_of_a_letter_needs_only_its_own_fields() -> None:
    letter = a_letter("hello")
    fields = {name: letter_fields(letter)[name] for name in LETTER_SUMMARY}
    summary = letter_summary_of(letter.tenant_id, fields, resolved=True)
    assert (summary.key, summary.error, summary.resolved) == (letter.key, None, True)


def test_no_text_is_among_the_fields() -> None:
    text = "a text that can be told from the rest"
    for fields in (
        document_fields(a_document(text)),
        letter_fields(a_letter(text)),
        plan_fields(a_plan(text, 2)),
    ):
        assert text not in fields.values()
