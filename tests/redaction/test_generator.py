"""The generator: its labels are right, and its lines are what they are to be."""

from __future__ import annotations

import ipaddress
import json
from itertools import pairwise
from random import Random

import pytest
from tests.redaction.catalogue import CARRIERS, COUNT, FORMATS
from tests.redaction.generator import CLEAN_SHARE, generate
from tests.redaction.grammar import ESCAPES, Grammar, Line, line_of
from tests.redaction.values.checksums import iban_digits, luhn_digit

_GRAMMAR = Grammar(
    plain={"n": lambda random: "7"}, labelled={"secret": ("secret", lambda random: 'a"b')}
)


def _line(template: str, message: str = "") -> Line:
    return line_of(_GRAMMAR.expand(template, Random(0), message), template)


def _is_json(template: str) -> bool:
    """Whether the template is a line that is a JSON object: neither cut off, nor Ruby's hash."""
    whole = template.startswith('{"') and template.endswith("}") and "=>" not in template
    return whole and any(template in templates for templates in FORMATS)


def test_a_seed_makes_the_same_log_again_and_another_seed_another() -> None:
    assert generate(5, 200) == generate(5, 200)
    assert generate(5, 200) != generate(6, 200)


def test_labels_are_where_they_say() -> None:
    kinds = {"ipv4": ipaddress.IPv4Address, "ipv6": ipaddress.IPv6Address}
    for line in generate(1, 4000):
        for start, end, entity in line.spans:
            value = line.text[start:end]
            assert value.strip() == value != ""
            if entity in kinds:
                kinds[entity](value)
            if entity == "jwt":
                assert value.startswith("eyJ")
                assert value.count(".") == 2


def test_labels_are_in_order_and_apart() -> None:
    for line in generate(2, 2000):
        every = sorted([*line.spans, *line.free])
        assert all(one.end <= other.start for one, other in pairwise(every))


def test_most_lines_hold_no_secret() -> None:
    lines = generate(3, 4000)
    clean = sum(not line.spans and not line.free for line in lines)
    assert clean / len(lines) == pytest.approx(CLEAN_SHARE, abs=0.03)


def test_there_are_several_hundred_templates_and_none_twice() -> None:
    assert COUNT > 500
    for templates in (CARRIERS, *FORMATS):
        assert len(set(templates)) == len(templates)


def test_lines_of_json_are_json() -> None:
    whole = [line.text for line in generate(4, 4000) if _is_json(line.template)]
    assert len(whole) > 200
    for text in whole:
        json.loads(text)


@pytest.mark.parametrize("escape", ESCAPES)
def test_a_label_is_its_value_whatever_it_is_escaped_by(escape: str) -> None:
    line = _line(f"«n» x=«secret|{escape}»;")
    [(start, end, entity)] = line.spans
    assert (line.text[start:end], entity) == (ESCAPES[escape]('a"b'), "secret")
    assert (line.text[:start], line.text[end:]) == ("7 x=", ";")


def test_a_message_is_escaped_as_the_format_around_it() -> None:
    line = _line('{"msg":"«message|json»"}', 'p="«secret»"')
    assert json.loads(line.text) == {"msg": 'p="a"b"'}
    assert line.text[line.spans[0].start : line.spans[0].end] == 'a\\"b'


def test_same_gives_once_more_what_was_given() -> None:
    grammar = Grammar(plain={"n": lambda random: str(random.random())}, labelled={})
    pieces = grammar.expand("<«n»></«same_n»>", Random(0))
    assert pieces[1] == pieces[3]


def test_check_digits_are_those_of_known_numbers() -> None:
    assert luhn_digit("424242424242424") == 2
    assert iban_digits("GB", "WEST12345698765432") == 82
