"""What a policy changes: markers, rules that are off, values that stay, an operator's own rules."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from tests.unit.redact.test_properties import texts

from logweir.redact import Policy, Redactor, redact
from logweir.redact.markers import NAME_GRAMMAR
from logweir.redact.redactor import ready
from logweir.redact.rule import Rule
from logweir.redact.rules import RULES

KEY = b"sixteen bytes or more"
OWN = Rule(
    name="employee-id",
    finds="an employee's id",
    gate=("emp-0",),
    pattern="EMP-[0-9]{6}",
    anchored=False,
    takes=("by «EMP-123456»",),
)
POLICIES = [
    Policy(marker="rule"),
    Policy(marker="hash", key=KEY),
    Policy(off=frozenset({"ipv4", "password"})),
    Policy(
        rules=(
            OWN,
            OWN._replace(name="any-code", gate=("",), pattern="[A-Z]{2}[0-9]{2}"),
        )
    ),
    Policy(allowed=("10.0.0.1", "joe@*", "*0199", "*.1"), marker="rule"),
]


def test_a_marker_may_name_its_rule() -> None:
    redacted = Redactor(Policy(marker="rule")).redact("joe@example.com at 10.0.0.1")
    assert redacted.text == "[REDACTED:email] at [REDACTED:ipv4]"
    assert redacted.counts == {"email": 1, "ipv4": 1}


def test_policies_of_one_table_have_it_made_ready_once() -> None:
    a_table = Policy(off=frozenset({"ipv4", "ssn"}))
    before = ready.cache_info().misses
    for policy in (a_table, a_table._replace(marker="rule"), a_table._replace(allowed=("1.*",))):
        Redactor(policy)
    assert ready.cache_info().misses == before + 1


def test_equal_values_have_equal_hashes_and_other_values_or_keys_have_others() -> None:
    text = "10.0.0.1 10.0.0.2 10.0.0.1"
    first, second, third = Redactor(Policy(marker="hash", key=KEY)).redact(text).text.split()
    assert re.fullmatch(r"\[REDACTED:ipv4:[0-9a-f]{16}\]", first)
    assert first == third != second
    assert first not in Redactor(Policy(marker="hash", key=KEY + b"!")).redact(text).text


def test_a_hash_is_of_the_rule_too_so_that_a_password_is_not_joined_with_an_address() -> None:
    texts = Redactor(Policy(marker="hash", key=KEY)).redact("password=10.0.0.1 from 10.0.0.1").text
    assert len(set(re.findall("[0-9a-f]{16}", texts))) == 2


def test_a_rule_that_is_off_takes_nothing() -> None:
    off = Redactor(Policy(off=frozenset({"ipv4"})))
    assert off.redact("10.0.0.1 joe@example.com").text == "10.0.0.1 [REDACTED]"


def test_values_that_are_allowed_stay_and_nothing_else_takes_them() -> None:
    allowing = Redactor(Policy(allowed=("10.*", "*@example.com", "555-0199")))
    text = "10.0.0.1 joe@example.com 555-0199 joe@example.org 8.8.8.8 555-0198"
    assert allowing.redact(text).text.startswith("10.0.0.1 joe@example.com 555-0199 [REDACTED] [")
    assert allowing.redact(text).counts == {"email": 1, "ipv4": 1, "phone": 1}


def test_an_allowed_value_inside_a_secret_goes_with_it() -> None:
    text = 'password="10.0.0.1 and more"'
    assert Redactor(Policy(allowed=("10.0.0.1",))).redact(text).text == 'password="[REDACTED]"'


def test_an_operators_rule_is_run_with_the_tables() -> None:
    redactor = Redactor(Policy(rules=(OWN,), marker="rule"))
    assert redactor.redact("EMP-123456 at 10.0.0.1").text == (
        "[REDACTED:employee-id] at [REDACTED:ipv4]"
    )
    assert [span.reason for span in redactor.find("EMP-123456")] == ["an employee's id"]


def test_a_rule_without_a_gate_is_always_tried() -> None:
    rule = OWN._replace(gate=("",), pattern="[A-Z]{3}[0-9]")
    assert Redactor(Policy(rules=(rule,))).redact("ABC1 abc1").text == "[REDACTED] abc1"


@pytest.mark.parametrize("policy", POLICIES, ids=["rule", "hash", "off", "own", "allowed"])
@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_redacting_twice_changes_nothing_under_any_policy(policy: Policy, text: str) -> None:
    redactor = Redactor(policy)
    once = redactor.redact(text).text
    assert redactor.redact(once).text == once


def test_one_policys_markers_are_left_by_the_others() -> None:
    line = "password=hunter2 token=abc123 secret: «x1y2z3»; api_key = zzz9 joe@example.com 10.0.0.1"
    for policy in POLICIES:
        once = Redactor(policy).redact(line).text
        assert redact(once).text.count("REDACTED") == redact(line).text.count("REDACTED")


def test_the_table_names_its_rules_as_markers_can() -> None:
    assert all(re.fullmatch(NAME_GRAMMAR, rule.name) for rule in RULES)


@pytest.mark.parametrize("hidden", ["555-867-5309", "4111-1111-1111-1111"])
def test_what_only_looks_like_a_marker_hides_nothing(hidden: str) -> None:
    assert "1111" not in (text := redact(f"[REDACTED:{hidden}]").text)
    assert "555" not in text
