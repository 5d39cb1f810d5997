"""The subset of patterns: what is in it, that it is linear, and that it means what `re` means."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.redact.patterns import PATTERNS, TEXTS

from logweir.redact.subset import check, gate_of, parsed_in_a_line, written
from logweir.redact.subset.parser import parse
from logweir.redact.subset.steps import STEPS_MAX
from logweir.redact.subset.tree import Chars, source_of, walk

TAKEN = [
    *("EMP-[0-9]{6}", r"\bEMP-\d{4,8}\b", "(?i)emp", "a|b", "(?:ab){1,3}", "(ab)c", "a(?P<n>b)"),
    *("user=[^ ]+", "sid=[0-9a-f]*", "x{3,}", "a.b", r"\x41\.\[\]\-", "é{2}"),
    *(r"[\]\[a-f\d_-]{2}", "[^\\s;]{1,20}", "a?b??c{2}?d{1,2}?", "[a-z]{1,64}@[a-z]{1,64}", "[-a]"),
    *("(?:[0-9]{1,3}\\.){3}[0-9]{1,3}", "(?:a[0-9]+|b)", "[a-]"),
]
REFUSED = {
    "back-references": ["(a)\\1", "\\0", "\\g"],
    "look-around": ["(?P=a)", "(?=a)", "a(?!b)", "(?<=a)b", "(?<!a)b"],
    "no flags": ["(?s)a", "a(?i)", "(?i:a)", "(?-i)a"],
    "atomic": ["(?>a)"],
    "possessive": ["a++", "a*+", "a?+", "a{2}+"],
    "where a line begins": ["^a", "a$", "a|^"],
    r"\\A is not taken": [r"\Aa"],
    r"\\Z is not taken": [r"a\Z"],
    r"\\p is not taken": [r"\p{L}"],
    r"\\u is not taken": [r"\u0041"],
    "needs a group": ["a**", "a{2}{3}", "a?{2}"],
    "nothing to belong to": ["*a", "|+", "{2}", "(?:?)", "a|?"],
    "a repeat is": ["a{", "a{,3}", "a{x}", "a{1,2,3}", "a{-1}", "a{12345}"],
    "up to 1000": ["a{1001}", "a{3,2}"],
    "takes no character": [r"a\b+", r"\B{2}"],
    "not closed": ["(a", "[a", "[^", "[a-", "(?:a|(b)"],
    "closes nothing": ["a)", ")"],
    "is empty": ["[]", "[^]a", "[b-a]", "[a-é]"],
    "inside of": ["[[a]", "[[:alpha:]]"],
    r"is not taken; write": ["[--a]", "[a&&b]", "[a||b]", "[a~~b]"],
    "hexadecimal": [r"\x4", r"\xzz", r"\x80"],
    "stands at the end": ["a\\", "[a\\"],
    "a group's name": ["(?P<>a)", "(?P<a", "(?P<1>a)", "(?P<a>b)(?P<a>c)"],
    "the empty text": ["", "a*", "a{0,3}", "(?:a|)", r"\b", "(?:)", "a?b{0,2}"],
    "deep": ["(" * 21 + "a" + ")" * 21],
    "without an end": ["[a-z]+@", "a*b", "(?:[0-9]+){2}", r"[a-z]{3,}\b", "a+a", "(?:a*|b)c"],
    "group cannot be repeated": ["(?:ab)+", "x(?:a|b)*", "(?:[0-9]{1,3}\\.){2,}x"],
    f"more than {STEPS_MAX:,} steps": [
        *("(?:a{1,100}){1,10}x", "a{0,60}a{0,60}x", "(?:a|b|ab){1,12}c", "(?:a?){25}b"),
        *("[a-z]{0,50}[a-y]{0,50}1", ".{1,50}a.{1,50}b", r"(?:\d{1,4}[.]?){1,5}x"),
    ],
}


@pytest.mark.parametrize("pattern", TAKEN)
def test_what_is_in_the_subset_is_taken(pattern: str) -> None:
    check(pattern)
    re.compile(source_of(parse(pattern)))


@pytest.mark.parametrize(
    ("why", "pattern"), [(why, each) for why, patterns in REFUSED.items() for each in patterns]
)
def test_what_is_not_in_it_is_refused_with_a_reason(why: str, pattern: str) -> None:
    with pytest.raises(ValueError, match=why):
        check(pattern)


@given(st.text("a1-^$.|?*+(){}[]\\,:<>P=!nbdsx \n", max_size=12))
def test_no_text_is_taken_that_re_does_not_take_and_none_ends_in_another_error(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            check(text)
        except ValueError:
            return
        re.compile(text, re.ASCII)


@settings(max_examples=60)
@given(PATTERNS, TEXTS)
def test_written_again_a_pattern_finds_the_same(pattern: str, text: str) -> None:
    again = source_of(parse(pattern))
    found = [[m.span() for m in re.finditer(p, text, re.ASCII)] for p in (pattern, again)]
    assert found[0] == found[1]


@settings(max_examples=60)
@given(PATTERNS, TEXTS)
def test_within_a_line_a_pattern_finds_what_it_finds_in_each_line(pattern: str, text: str) -> None:
    try:
        in_a_line = written(parsed_in_a_line(pattern), pattern)
    except ValueError:
        return
    places = []
    start = 0
    for line in text.split("\n"):
        places += [
            (start + m.start(), start + m.end()) for m in re.finditer(pattern, line, re.ASCII)
        ]
        start += len(line) + 1
    assert [m.span() for m in re.finditer(in_a_line, text, re.ASCII)] == places


@settings(max_examples=60)
@given(PATTERNS, TEXTS)
def test_each_match_holds_a_literal_of_the_gate(pattern: str, text: str) -> None:
    gate = gate_of(parse(pattern))
    for match in re.finditer(pattern, text, re.ASCII):
        shape = re.sub("[0-9]", "0", match[0].lower())
        assert any(literal in shape for literal in gate)


@pytest.mark.parametrize(
    ("pattern", "gate"),
    [
        ("EMP-[0-9]{6}", ("emp-",)),
        ("(?i)Emp[_-]id=x", ("id=x",)),
        ("(?:sid|session)=[a-z]{3}", ("sid", "session")),
        ("v[12]-4", ("v0-0",)),
        ("[a-z]{3}", ("",)),
        ("(?:a|[bc])d?", ("",)),
        ("é?x", ("x",)),
    ],
)
def test_a_gate_is_the_longest_that_must_be_there(pattern: str, gate: tuple[str, ...]) -> None:
    assert gate_of(parse(pattern)) == gate


@pytest.mark.parametrize("pattern", ["a\\nb", "[\\n]", "a\nb", "[\x00-\x20]", "\\x1a", "[a\\x0a]"])
def test_no_pattern_of_an_operators_takes_a_newline(pattern: str) -> None:
    check(pattern)
    with pytest.raises(ValueError, match="lies in one line"):
        parsed_in_a_line(pattern)


@pytest.mark.parametrize("pattern", [".", "[^a]", r"\s", r"\D", r"\W", r"\S", r"[\s-]", "[^\\d ]"])
def test_what_takes_a_newline_among_others_takes_the_others(pattern: str) -> None:
    before, after = (
        re.compile(p, re.ASCII) for p in (pattern, written(parsed_in_a_line(pattern), pattern))
    )
    for char in map(chr, range(0x180)):
        if char not in "\n\x1a":
            assert bool(after.match(char)) == bool(before.match(char)), ascii(char)
        else:
            assert not after.match(char)


@settings(max_examples=20)
@given(PATTERNS)
def test_the_set_of_a_character_holds_all_that_it_matches(pattern: str) -> None:
    for node in walk(parse(pattern)):
        if isinstance(node, Chars):
            taken = re.compile(node.text, re.ASCII)
            for code in range(128):
                assert bool(taken.match(chr(code))) == bool(node.mask >> code & 1)


def test_a_pattern_that_is_long_is_refused() -> None:
    with pytest.raises(ValueError, match="has 1,001 characters, and may have 1,000"):
        parsed_in_a_line("a" * 1001)
