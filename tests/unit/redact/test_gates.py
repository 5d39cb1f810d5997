"""Which rules a text can match: what is known of words, forgotten and judged anew."""

from __future__ import annotations

import pytest

from logweir.redact import gates
from logweir.redact.gates import possible_of
from logweir.redact.rule import Rule
from logweir.redact.rules import RULES

LINES = [line.translate({ord("«"): "", ord("»"): ""}) for rule in RULES for line in rule.takes]


def a_rule(*gate: str, pattern: str = "x", sketch: str = "", times: int = 1) -> Rule:
    return Rule("own", "a thing", gate, pattern, takes=(), sketch=sketch, times=times)


def is_possible(rule: Rule, text: str) -> bool:
    """Of a first look, and of a second, which knows the words."""
    possible = possible_of([rule])
    masks = {possible(text), possible(text), possible(text)}
    assert len(masks) == 1
    return masks == {1}


def test_what_is_known_of_words_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    possible = possible_of(RULES)
    first = [possible(line) for line in LINES]
    assert all(first)
    assert [possible(line) for line in LINES] == first
    monkeypatch.setattr(gates, "_KNOWN_MAX", 3)
    forgetful = possible_of(RULES)
    assert [forgetful(line) for line in LINES * 2] == first * 2


def test_what_is_known_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    words = gates._Words()
    words.add("token", 1, folds=True)
    monkeypatch.setattr(gates, "_KNOWN_MAX", 100)
    for number in range(1000):
        new = bytes(ord("a") + number // size % 26 for size in (676, 26, 1))
        assert words.judged([new, b"x" * 65]) == 0
        assert len(words.known) <= 100
    assert b"x" * 65 not in words.known
    assert words.judged([b"a" * 65 + b"TOKEN"]) == 1


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (a_rule("token", pattern="(?i)token"), "X-Auth-TOKEN: 1"),
        (a_rule("AKIA"), "id=AKIA0"),
        (a_rule("sk-"), "task sk-1"),
        (a_rule("ya29."), "=ya29.x"),
        (a_rule("my number", pattern="(?i)my number"), "My Number 1"),
        (a_rule("text 0", pattern="(?i)text [0-9]"), "TEXT 7"),
        (a_rule("ss#", pattern="(?i)ss#"), "SS# 1"),
        (a_rule("42-"), "at 42-1"),
        (a_rule("é="), "é=1"),
        (a_rule("né_x"), "né_x"),
        (a_rule("=="), "a==b"),
        (a_rule("000-0000"), "x 555-0199"),
        (a_rule("AA00", sketch="AA00-"), "DE89-"),
        (a_rule(":", times=3), "a:b:c:"),
        (a_rule("key", pattern="(?i)key", sketch="=0"), "key=1"),
        (a_rule(""), "anything"),
    ],
)
def test_a_gate_opens(rule: Rule, text: str) -> None:
    assert is_possible(rule, text)
    assert is_possible(rule, f"{'other words ' * 400}{text}")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (a_rule("token", pattern="(?i)token"), "to ken tokn"),
        (a_rule("AKIA"), "akia Akia"),
        (a_rule("sk-"), "task SK-1 s-k-"),
        (a_rule("my number", pattern="(?i)my number"), "my_number, number"),
        (a_rule("ss#", pattern="(?i)ss#"), "class #1"),
        (a_rule("42-"), "24- 42"),
        (a_rule("000-0000"), "55-0199"),
        (a_rule("AA00", sketch="AA00-"), "DE89 De89-"),
        (a_rule(":", times=3), "a:b:c"),
        (a_rule("key", pattern="(?i)key", sketch="=0"), "key: 1"),
    ],
)
def test_a_gate_stays_shut(rule: Rule, text: str) -> None:
    assert not is_possible(rule, text)
