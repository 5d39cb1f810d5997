"""Every example in the table of rules, and that the table keeps its own promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from logweir.redact import MARKER, find, redact
from logweir.redact.gates import cased_of, view_for
from logweir.redact.rule import Rule
from logweir.redact.rules import RULES

TAKES = [pytest.param(rule, line, id=line[:60]) for rule in RULES for line in rule.takes]
LEAVES = [pytest.param(line, id=line[:60]) for rule in RULES for line in rule.leaves]


def plain(example: str) -> str:
    return example.replace("«", "").replace("»", "")


@pytest.mark.parametrize(("rule", "example"), TAKES)
def test_a_rule_takes_what_its_row_says(rule: Rule, example: str) -> None:
    text = plain(example)
    assert redact(text).text == re.sub("«.*?»", MARKER, example, flags=re.DOTALL)
    assert {span.rule for span in find(text)} >= {rule.name}


@pytest.mark.parametrize("example", LEAVES)
def test_no_rule_takes_what_a_row_leaves(example: str) -> None:
    assert redact(example).text == example


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}: {rule.finds}")
def test_every_row_has_examples_of_both_kinds(rule: Rule) -> None:
    assert rule.takes
    assert rule.leaves


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}: {rule.finds}")
def test_patterns_keep_to_re2(rule: Rule) -> None:
    for pattern in (rule.pattern, rule.before):
        assert not re.search(r"\(\?(?:[=!>]|<[=!]|P=)|\\[1-9]|[*+?}]\+|\\[dw]", pattern)
        assert all(int(most) <= 1000 for most in re.findall(r"\{[0-9]*,?([0-9]+)\}", pattern))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}: {rule.finds}")
def test_a_gate_lets_every_example_by(rule: Rule) -> None:
    assert all(rule.gate)
    for example in map(plain, rule.takes):
        views = {literal: view_for(literal, shaped=rule.is_shaped) for literal in rule.gate}
        counts = (view(example).count(literal) for literal, view in views.items())
        assert max(counts) >= rule.times
        assert re.search(rule.sketch, cased_of(example))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}: {rule.finds}")
def test_a_row_says_how_far_it_looks_back_exactly_when_it_does(rule: Rule) -> None:
    assert bool(rule.before) == bool(rule.reach)
    assert 0 <= rule.reach <= 64


def test_the_guide_has_every_rule_and_what_it_finds() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "redaction.md").read_text()
    finds: dict[str, list[str]] = {}
    for rule in RULES:
        finds.setdefault(rule.name, []).append(rule.finds)
    for name, each in finds.items():
        assert f"| `{name}` | {'; '.join(each)} |" in guide
