"""The prefilter names every rule that can match a line, and few others."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.redaction.generator import generate
from tests.unit.redact.test_hostile import SHAPES, of_size
from tests.unit.redact.test_properties import EXAMPLES, texts

from logweir.redact import Redactor, prefilter, redactor
from logweir.redact.neighbours import CUT
from logweir.redact.own_rule import own_rule
from logweir.redact.policy import Policy
from logweir.redact.prefilter import Prefilter, Unavailable, prefilter_of
from logweir.redact.rule import Forms
from logweir.redact.rules import RULES
from logweir.redact.superset import bytes_of, superset, width

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hyperscan") is None and os.environ.get("REQUIRE_EMULATORS") != "1",
    reason="the extra logweir[fast] is not installed",
)


def scoped(pattern: str) -> str:
    """The pattern as a part of a larger one."""
    return f"(?i:{pattern[4:]})" if pattern.startswith("(?i)") else f"(?:{pattern})"


def alone(pattern: str) -> Forms:
    """Of a rule that has this pattern and nothing else."""
    return ((pattern,),)


TABLE = tuple(rule.forms for rule in RULES)
MATCHERS = [
    [re.compile("".join(map(scoped, parts)), re.ASCII) for parts in forms] for forms in TABLE
]
FAST, PLAIN = Redactor(engine="auto"), Redactor()
# "?" is what other characters than ASCII become. In lower case the Kelvin sign, the long s and the
# dotted I are ASCII letters, or begin with one.
AROUND = st.text(
    st.sampled_from("aZ_059 ?.:-@+=\"'\\\n\r\t\v\f\0\x1c\x85é中\u212a\u017f\u0130"), max_size=8
)


def possible(text: str) -> set[int]:
    """The numbers of the rules that the prefilter names."""
    mask = prefilter_of(TABLE).possible(text)
    return {number for number in range(len(TABLE)) if mask >> number & 1}


def matching(text: str) -> set[int]:
    """The numbers of the rules that the standard library finds a match of."""
    return {
        number
        for number, matchers in enumerate(MATCHERS)
        if any(matcher.search(text) for matcher in matchers)
    }


@settings(max_examples=300, deadline=None)
@given(texts)
def test_every_rule_that_matches_is_possible(text: str) -> None:
    assert matching(text) <= possible(text)


@settings(max_examples=200, deadline=None)
@given(texts)
def test_with_it_what_is_found_is_the_same(text: str) -> None:
    assert FAST.engine == "hyperscan"
    assert FAST.find(text) == PLAIN.find(text)
    assert FAST.redact(text) == PLAIN.redact(text)


def test_with_it_generated_and_hostile_texts_are_redacted_the_same() -> None:
    texts = [line.text for line in generate(seed=14, lines=5000)]
    texts += ["\n".join(texts), *(of_size(shape, 2048) for shape in SHAPES)]
    for text in texts:
        assert FAST.redact(text) == PLAIN.redact(text), text[:1000]


@contextmanager
def each_line_long(window: int) -> Iterator[None]:
    """Have the prefilter look at every line of more than a piece in windows as small as this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redactor, "_LONG", 0)
        patch.setattr(prefilter, "_WINDOW", window)
        yield


@settings(max_examples=300, deadline=None)
@given(texts, texts, st.integers(1, 64))
def test_wherever_windows_end_what_is_found_in_a_long_line_is_the_same(
    text: str, further: str, window: int
) -> None:
    line = f"{text} {'started in order ' * 20}{further}"
    with each_line_long(window):
        assert FAST.find(line) == PLAIN.find(line)


@pytest.mark.parametrize("window", [1, 16, 100])
def test_in_one_long_line_examples_generated_and_hostile_texts_are_redacted_the_same(
    window: int,
) -> None:
    generated = [line.text for line in generate(seed=15, lines=600)]
    lines = [" ".join(generated).replace("\n", " "), *(of_size(shape, 1024) for shape in SHAPES)]
    lines += [example.replace("\n", " ").ljust(600, "/") for example in EXAMPLES]
    with each_line_long(window):
        for line in lines:
            assert FAST.redact(line) == PLAIN.redact(line), line[:1000]


def test_in_a_long_line_a_rule_runs_where_its_matches_can_begin() -> None:
    line = "started " * 1000 + "joe@example.com " + "started " * 1000
    ranges = prefilter_of(tuple(rule.forms for rule in RULES)).ranges(line)
    assert [RULES[number].name for number in ranges] == ["email"]
    (((first, end),),) = ranges.values()
    assert first <= line.index("@") < end
    assert end - first <= 2 * prefilter._WINDOW


def test_a_match_that_is_wider_than_what_is_beside_a_window_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefilter, "_AROUND", 200)
    rule = own_rule("wide", "two", "#[a-z]{0,400}:[a-z]{0,400};", ("«#a:b;»",), ())
    line = f"{'started ' * 250}#{'a' * 300}:{'b' * 300};{' started' * 250}"
    policy = Policy(rules=(rule,))
    fast, plain = Redactor(policy, engine="hyperscan"), Redactor(policy)
    with each_line_long(window=16):
        assert fast.find(line) == plain.find(line) != []


def test_no_rule_of_the_table_needs_more_than_what_is_beside_a_window() -> None:
    widths = [(rule.finds, width(*form)) for rule in RULES for form in rule.forms]
    assert [wide for wide in widths if wide[1] > prefilter._AROUND] == []


@pytest.mark.parametrize(
    ("pattern", "characters"),
    [
        ("ab{2,5}c?", 3),
        ("(?P<value>a|bcd)e", 4),
        (r"\bx[0-9]{1,8}y\b", 10),
        ("a.*b", inf),
        ("ab*", 1),
    ],
)
def test_a_width_is_that_of_what_must_be_there(pattern: str, characters: float) -> None:
    assert width(pattern) == characters


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_a_pattern_matches_makes_its_rule_possible(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(RULES) - 1))
    match = data.draw(st.from_regex(data.draw(st.sampled_from(MATCHERS[number])), fullmatch=True))
    text = data.draw(AROUND) + match + data.draw(AROUND)
    assert {number} | matching(text) <= possible(text)


@settings(max_examples=200, deadline=None)
@given(st.one_of(texts, st.sampled_from(EXAMPLES)), st.data())
def test_a_rule_that_matches_only_after_a_cut_is_possible_before(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert matching(text[:start] + CUT * (end - start) + text[end:]) <= possible(text)


def test_every_rule_that_matches_a_generated_line_is_possible() -> None:
    for line in generate(seed=11, lines=3000):
        assert matching(line.text) <= possible(line.text), line.text


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_every_rule_that_matches_a_hostile_text_is_possible(shape: str) -> None:
    text = of_size(shape, 2048)
    assert matching(text) <= possible(text)


KEYS = [number for number, rule in enumerate(RULES) if rule.narrowed]
QUOTES = st.sampled_from(["", "", '"', "'", "`", '\\"', "[", '["', "&quot;", "%22", "b'"])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_key_with_a_value_is_possible_and_one_that_is_spoken_of_is_not(
    data: st.DataObject,
) -> None:
    number = data.draw(st.sampled_from(KEYS))
    before = data.draw(st.sampled_from(["", "the ", "--", "--new-api-", "my_secret_", "--a b "]))
    key = data.draw(st.sampled_from(["password", "pwd", "secret", "secretKey", "token", "Api_Key"]))
    between = data.draw(st.sampled_from([" ", "\t", "  ", ": ", "=", " := ", " value=", ""]))
    text = f"{before}{key}{data.draw(QUOTES)}{between}{data.draw(QUOTES)}hunter2 for root"
    if any(span.reason == RULES[number].finds for span in PLAIN.find(text)):
        assert number in possible(text)
    said = f"{before}{key} hunter2 for root"
    if "--" not in before:
        assert number not in possible(said)


def test_of_what_is_possible_nearly_all_matches() -> None:
    lines = [line.text for line in generate(seed=12, lines=2000)]
    named = sum(len(possible(line)) for line in lines)
    assert sum(len(matching(line)) for line in lines) >= 0.9 * named


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("://[^?/]{1,8}@", "://jörg@x"),  # no "?" is taken, yet what became one is
        ("x[^0]y", "x7y"),  # no 0 is taken, yet what became one is
        ("a[^b]{3}c", "aééüc"),
        (r"\bkey\b=\w{3,900}\b", "key=abc"),
        ("(?i)key=", "KEY="),
        (r"a\Wb\Sc\Dd.e", "a\u212abécÄd\u0130e"),
        (r"a\sb", "a\vb"),
        (r"x{20,1000}y{2,}", "x" * 1000 + "yy"),
        ("(?:a|b?)c{0,2}d[e]", "de"),
        (r"a\x00b", "a\0b"),
    ],
)
def test_what_is_looked_for_is_there_where_the_pattern_matches(pattern: str, text: str) -> None:
    assert re.search(pattern, text, re.ASCII)
    assert Prefilter([alone(pattern)]).possible(text) == 1


def test_letters_whose_lower_case_is_ascii_match_no_more_than_they_do_in_re() -> None:
    assert (
        Prefilter([alone("(?i)key="), alone("(?i)pass=")]).possible("\u212aey= pa\u017f\u017f=")
        == 0
    )


def test_the_front_and_the_end_are_cut_down_to_what_must_be_there() -> None:
    assert (
        superset("[ab]{1,64}", "@[cd]{4,253}(?:ef)?") == r"(?:[\x61-\x62]){1}\x40(?:[\x63-\x64]){4}"
    )


def test_under_a_cut_anything_may_have_been() -> None:
    pattern = "a[^;]{2}b"
    assert re.search(pattern, f"a{CUT}{CUT}b")
    assert Prefilter([alone(pattern)]).possible("a;\nb") == 1


def test_a_pattern_that_may_match_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="may match an empty text"):
        Prefilter([alone("a?b*")])


def test_a_text_becomes_one_byte_for_each_code_point() -> None:
    assert bytes_of("é7\U0001f600\ud800\0Z") == b"?0??\0Z"


def test_threads_may_share_it() -> None:
    lines = [line.text for line in generate(seed=13, lines=2000)]
    alone = [possible(line) for line in lines]
    with ThreadPoolExecutor(4) as threads:
        together = [list(threads.map(possible, lines, chunksize=50)) for _ in range(3)]
    assert together == [alone] * 3


def test_a_table_is_compiled_once() -> None:
    assert prefilter_of(TABLE) is prefilter_of(TABLE)


def test_without_hyperscan_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)  # as Python itself bars an import
    with pytest.raises(Unavailable, match="hyperscan cannot be imported"):
        Prefilter(TABLE)


def test_a_table_that_hyperscan_does_not_compile_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="does not compile the rules: Pattern length exceeds"):
        Prefilter([alone("a" * 5000)])


def test_repeats_of_repeats_are_not_written_out() -> None:
    began = time.thread_time()
    assert Prefilter([(("a", "(?:(?:x{2,16}y){2,16}z){2,16}", "b"),)]).possible("a0b") == 0
    assert time.thread_time() - began < 2  # written out, they take many times that


def test_redaction_loads_neither_hyperscan_nor_the_prefilter() -> None:
    code = "import sys, logweir.redact as r; r.redact('x'); print('hyperscan' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
