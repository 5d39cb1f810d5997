"""Properties over random text, made of the pieces that rules look for."""

from __future__ import annotations

import itertools
import re
from random import randrange

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logweir.redact import MARKER, find, gates, redact, redactor
from logweir.redact.gates import possible_of, shape_of
from logweir.redact.rules import RULES
from logweir.redact.scan import Hit, Row, Rows, Table

TAKEN = [line for rule in RULES for line in rule.takes]
LEFT = [line for rule in RULES for line in rule.leaves]
EXAMPLES = [re.sub("[«»]", "", line) for line in TAKEN + LEFT]
POSSIBLE = possible_of(RULES)
with pytest.MonkeyPatch.context() as _patch:
    _patch.setattr(gates, "_LONG", 1)
    POSSIBLE_IN_A_LONG_TEXT = possible_of(RULES)
PIECES = [
    *"0123456789 .-:/@+=,;'\"()[]{}<>\\_%&#\n\tavxİé",
    *("555-0199", "10.0.0.1", "1.2.3.4", "123-45-6789", "555-123-4567", "212 555 0187"),
    *("4111111111111111", "+442079460958", "2001:db8::1", "::1", "joe@example.com", "::", "://"),
    *("password=", "token: ", "secret", "api_key", "Bearer ", "Basic ", "Authorization: ", "--"),
    *("version ", "order ", "phone ", "bytes", " x12", "eyJhbGciOiJI.eyJzdWIi.x", "[REDACTED]"),
    *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0B"),
    *("ghp_" + "a1B2c3" * 6, "https://al:pw@", "null", "%40", "%3D", "\\n", '\\"', "is", "for "),
]
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.lists(st.sampled_from(EXAMPLES), max_size=4).map(" ".join),
    st.lists(st.sampled_from(EXAMPLES), max_size=3).map("".join),
    st.text(max_size=80),
)


@settings(max_examples=500, deadline=None)
@given(texts)
@example("555-0199-10.0.0.1")
@example("password=version 1.2.3.4")
@example('password="a version" 1.2.3.4')
@example("password: order 555-0199")
@example("10.0.0.1+10.0.0.1")
@example("1.2.3.4.555-0199.10.0.0.1-joe@example.com")
@example("BEARER 00000000=glpat-00000000000000000000")
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text).text
    assert redact(once).text == once


@pytest.mark.parametrize("share", [16, pytest.param(1, marks=pytest.mark.slow)])
def test_neighbours_never_unlock_each_other(share: int) -> None:
    found = sorted({value for line in TAKEN for value in re.findall("«(.*?)»", line)})
    joints = ("", "-", ".", ":", "/", "+", "@", ",", " ", "=", "(", "_", " x1 ", '"', " version ")
    pairs = ["".join(pair) for pair in itertools.product(found, joints, found)]
    pairs = pairs[randrange(share) :: share]
    once = redact("\n".join(pairs)).text.splitlines()
    twice = redact("\n".join(once)).text.splitlines()
    unlocked = [change for change in zip(pairs, once, twice, strict=True) if change[1] != change[2]]
    assert not unlocked


@settings(max_examples=250, deadline=None)
@given(texts)
def test_spans_are_ordered_apart_and_what_the_text_loses(text: str) -> None:
    spans = find(text)
    pieces, done = [], 0
    for span in spans:
        assert done <= span.start < span.end <= len(text)
        pieces.append(text[done : span.start])
        done = span.end
    redacted = redact(text)
    assert MARKER.join([*pieces, text[done:]]) == redacted.text
    assert sum(redacted.counts.values()) == len(spans)


@settings(max_examples=500, deadline=None)
@given(texts)
@example("%40123-45-6789 %2210.0.0.1%22")
@example("%40123-45-6789")
@example("%404111111111111111")
@example("%3D4111111111111111 %20212-555-0187")
def test_gates_and_anchors_hide_nothing(text: str) -> None:
    assert len(shape_of(text)) == len(text)
    ungated = Rows(
        [Row(number, rule._replace(anchored=False)) for number, rule in enumerate(RULES)]
    )
    found = places(ungated.hits_in(text))
    for possible in (POSSIBLE, POSSIBLE_IN_A_LONG_TEXT):
        assert places(Table(RULES).of(possible(text)).hits_in(text)) == found


def places(hits: list[Hit]) -> list[tuple[int, int, str]]:
    return [(start, end, rule.name) for start, end, rule in hits]


@settings(max_examples=150, deadline=None)
@given(st.lists(texts, max_size=6), st.sampled_from([1, 7, 40]))
def test_a_text_is_judged_line_by_line(parts: list[str], least: int) -> None:
    lines = [line for line in "\n".join(parts).split("\n") if "-----" not in line]
    whole = redact("\n".join(lines)).text
    assert whole == "\n".join(redact(line).text for line in lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redactor, "_PIECE", least)
        assert redact("\n".join(lines)).text == whole
