"""Properties over random text, made of the pieces that rules look for."""

from __future__ import annotations

import itertools
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from logweir.redact import MARKER, find, redact
from logweir.redact.rules import RULES
from logweir.redact.scan import _compiled

TAKEN = [line for rule in RULES for line in rule.takes]
LEFT = [line for rule in RULES for line in rule.leaves]
EXAMPLES = [re.sub("[«»]", "", line) for line in TAKEN + LEFT]
PIECES = [
    *"0123456789 .-:/@+=,;'\"()[]{}<>\\_%&#\n\tavxİé",
    *("555-0199", "10.0.0.1", "1.2.3.4", "123-45-6789", "555-123-4567", "212 555 0187"),
    *("4111111111111111", "+442079460958", "2001:db8::1", "::1", "joe@example.com", "::", "://"),
    *("password=", "token: ", "secret", "api_key", "Bearer ", "Basic ", "Authorization: ", "--"),
    *("version ", "order ", "phone ", "bytes", " x12", "eyJhbGciOiJI.eyJzdWIi.x", "[REDACTED]"),
    *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0B"),
    *("ghp_" + "a1B2c3" * 6, "https://al:pw@", "null", "%40", "\\n", '\\"', "is", "for "),
]
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.lists(st.sampled_from(EXAMPLES), max_size=4).map(" ".join),
    st.lists(st.sampled_from(EXAMPLES), max_size=3).map("".join),
    st.text(max_size=80),
)


@settings(max_examples=2000, deadline=None)
@given(texts)
@example("555-0199-10.0.0.1")
@example("password=version 1.2.3.4")
@example('password="a version" 1.2.3.4')
@example("password: order 555-0199")
@example("10.0.0.1+10.0.0.1")
@example("1.2.3.4.555-0199.10.0.0.1-joe@example.com")
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text).text
    assert redact(once).text == once


def test_neighbours_never_unlock_each_other() -> None:
    found = sorted({value for line in TAKEN for value in re.findall("«(.*?)»", line)})
    joints = ("", "-", ".", ":", "/", "+", "@", ",", " ", "=", "(", "_", " x1 ", '"', " version ")
    pairs = ["".join(pair) for pair in itertools.product(found, joints, found)]
    once = redact("\n".join(pairs)).text.splitlines()
    twice = redact("\n".join(once)).text.splitlines()
    unlocked = [change for change in zip(pairs, once, twice, strict=True) if change[1] != change[2]]
    assert not unlocked


@settings(max_examples=1000, deadline=None)
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


@settings(max_examples=1000, deadline=None)
@given(texts)
def test_gates_hide_nothing(text: str) -> None:
    low = text.replace("\u0130", "I").lower()
    for rule in RULES:
        if not any(literal in low for literal in rule.gate):
            pattern = _compiled(rule.pattern)
            assert not pattern.search(text)
        elif rule.anchored:
            places = {low.find(literal, at) for literal in rule.gate for at in range(len(low))}
            pattern = _compiled(rule.pattern)
            assert {match.start() for match in pattern.finditer(text)} <= places
