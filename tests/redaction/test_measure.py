"""The measure that is taken of a redaction, on lines written by hand."""

from __future__ import annotations

from collections.abc import Callable

from tests.redaction.grammar import FREE, Labelled, Line
from tests.redaction.measure import measure
from tests.redaction.report import examples_of

from logweir.redact import Span


def _found(*places: tuple[int, int]) -> Callable[[str], list[Span]]:
    """A redaction that finds these places in any text."""
    return lambda text: [Span(start, end, "secret", "a secret") for start, end in places]


def test_what_is_cut_exactly_is_right() -> None:
    tally = measure([Line("key=abc;", [Labelled(4, 7, "secret")], [], "")], _found((4, 7))).total()
    assert (tally.recall, tally.precision) == (1.0, 1.0)


def test_quotes_beside_a_label_are_no_loss_and_other_text_is() -> None:
    line = Line("key='abc';", [Labelled(5, 8, "secret")], [], "")
    assert measure([line], _found((4, 9))).total().precision == 1.0
    assert measure([line], _found((4, 10))).total().precision == 0.0
    assert measure([line], _found((4, 10))).total().recall == 1.0


def test_a_label_of_which_a_part_is_left_is_missed() -> None:
    line = Line("key=abc;", [Labelled(4, 7, "secret")], [], "")
    assert measure([line], _found((4, 6))).total().recall == 0.0


def test_what_is_free_counts_neither_way() -> None:
    line = Line("x=%eth0", [], [Labelled(2, 7, FREE)], "")
    for spans in ((), ((2, 7),)):
        tally = measure([line], _found(*spans)).total()
        assert (tally.labelled, tally.taken) == (0, 0)


def test_a_clean_line_that_loses_a_character_is_touched() -> None:
    quality = measure([Line("7 ok", [], [], ""), Line("8 ok", [], [], "")], _found((0, 1)))
    assert (quality.clean, quality.touched) == (2, 2)
    assert quality.total().precision == 0.0


def test_an_example_shows_the_place_of_the_label_and_of_the_span() -> None:
    line = Line("key=abc; x", [Labelled(4, 7, "secret")], [], "key=«secret»")
    told = examples_of(measure([line], _found((8, 10))), limit=5)
    assert "MISSED secret x1" in told
    assert "key=⟦abc⟧;" in told
    assert "key=abc;{⟦ x}⟧" in told
