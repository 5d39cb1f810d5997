"""A stream is redacted as its whole text is, however it was cut, and line by line."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logweir.redact import Redactor, find, redact
from logweir.redact.stream import Piece, Pieces, Stream, shifted

BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
KEY = f"{BEGIN}\n{BODY}\n{BODY}\nAbC=\n{END}"
RUN = BODY * 2
PREFIXED = f"a | {BEGIN}\na | {RUN}\na | AbC=\na | {END}\n"
PARTS = [
    *("\n", "\r\n", "\r", " ", "\\n", '"', "password=", "hello world", "x", "é", "\x85", "\u2028"),
    *("jane@example.com", "10.0.0.1", "555-0199", "[REDACTED]", "token: ", "Bearer abc123def456"),
    *(BEGIN, END, BODY, "AbC=", f"{BEGIN}\n", f"{BODY}\n", "Proc-Type: 4,ENCRYPTED\n", KEY),
    *(PREFIXED, f"a | {BEGIN}\n", f"a | {RUN}\n", f"a | {END}", f'{BEGIN}\\n"}}\n'),
    *("a | ", f'{{"log":"{RUN}\\n"}}\n', f"> {END}\n", RUN, "a | AbC=\n"),
    *("AbC=\n", "\n", "tick\n", "-----BEGIN CERTIFICATE-----\n", "Comment: ", "\n\n", "   "),
]
texts = st.lists(st.sampled_from(PARTS), max_size=16).map("".join)
VALUES = ["10.0.0.1", "jane@example.com", "x1", "word", 'password="two words"', "phone:", "5550199"]
REDACTOR = Redactor()


def cut(text: str, places: list[int]) -> list[str]:
    """The text in parts that end at these places."""
    ends = sorted({place % (len(text) + 1) for place in places} | {len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def streamed(parts: list[str]) -> str:
    """What comes out of a stream of these."""
    return "".join(Stream(REDACTOR).all(parts))


def pieces_of(parts: list[str], **limits: int) -> list[Piece]:
    """What these are cut into."""
    return [*Pieces(find, **limits).all(parts)]


@settings(max_examples=200, deadline=None)
@given(texts, st.lists(st.integers(0, 1000), max_size=8))
@example(f"Comment: {BEGIN} x\n{BODY}\n{BODY}\n", [])
@example(f"{BEGIN}\nComment: {BEGIN} x y\n{BODY}\n", [40])
@example(f'password="{KEY}"\n', [60])
@example(f"{KEY}{BEGIN}\n{BODY}\n", [100])
@example(PREFIXED, [50, 140])
@example(f"{'x' * 230}\n{BEGIN}\nComment: {BEGIN}{BODY}\n", [])
@example(f'{{"log":"{BEGIN}\\n"}}\n{{"log":"{RUN}\\n"}}\n{{"log":"{END}\\n"}}\n', [60])
def test_however_a_text_is_cut_its_stream_is_redacted_as_the_whole(
    text: str, places: list[int]
) -> None:
    assert streamed(cut(text, places)) == redact(text).text


@settings(max_examples=200, deadline=None)
@given(texts, st.lists(st.integers(0, 1000), max_size=8))
def test_spans_of_a_stream_have_their_place_in_the_whole(text: str, places: list[int]) -> None:
    pieces = pieces_of(cut(text, places))
    assert "".join(piece.text for piece in pieces) == text
    spans = [shifted(span, piece.start) for piece in pieces for span in find(piece.text)]
    assert spans == find(text)
    for piece in pieces:
        before = text[: piece.start]
        assert (piece.line, piece.column) == (before.count("\n") + 1, 1)


def test_each_line_comes_out_with_its_end() -> None:
    stream = Stream(REDACTOR)
    assert stream.feed("from 10.0.") == ""
    assert stream.feed("0.1\nno end") == "from [REDACTED]\n"
    assert stream.flush() == "no end"
    assert (stream.lines, stream.counts) == (2, {"ipv4": 1})


def test_lines_of_a_key_are_held_until_it_ends() -> None:
    stream = Stream(REDACTOR)
    assert stream.feed("the key:\n") == "the key:\n"
    assert [stream.feed(f"{line}\n") for line in KEY.splitlines()[:-1]] == [""] * 4
    assert stream.feed(f"{END}\nnext\n") == "[REDACTED]\nnext\n"


@pytest.mark.parametrize("line", ["2026-11-24 started", "two words", "{}"])
def test_a_key_that_was_cut_off_goes_out_with_the_next_line(line: str) -> None:
    stream = Stream(REDACTOR)
    assert stream.feed(f"{BEGIN}\n{BODY}\n") == ""
    assert stream.feed(f"{line}\n") == f"[REDACTED]\n{line}\n"


@pytest.mark.parametrize(
    "line",
    [
        f"expected {BEGIN} in line 1",
        '{"key": "' + KEY.replace("\n", "\\n") + '\\n"}',
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_a_key_that_is_none_or_ends_in_its_line_holds_nothing_back(line: str) -> None:
    assert Stream(REDACTOR).feed(f"{line}\n") == redact(f"{line}\n").text


def test_words_on_lines_of_their_own_are_no_key_for_long() -> None:
    stream = Stream(REDACTOR)
    assert stream.feed(f"{BEGIN}\n{BODY}\nAbC=\n\n") == ""
    assert stream.feed("tick\n") == redact(f"{BEGIN}\n{BODY}\nAbC=\n\ntick\n").text
    assert stream.feed("tick\n") == "tick\n"


def test_more_than_any_key_has_is_let_go() -> None:
    lines = [f"{BEGIN}\n", *[f"{BODY}\n"] * 20]
    pieces = pieces_of(lines, key_characters_max=200)
    assert "".join(piece.text for piece in pieces) == "".join(lines)
    assert len(pieces[0].text) <= 200 + len(BODY) + 1
    assert redact(pieces[0].text).text == "[REDACTED]\n"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(VALUES), max_size=200))
@example(["jane@example.com"] * 60)
@example(["x"] * 80 + [f'password="{"a b " * 20}"'] + ["y"] * 80)
def test_a_long_line_is_cut_where_that_changes_nothing(values: list[str]) -> None:
    line = " ".join(values)
    pieces = pieces_of([line], line_characters_max=256)
    assert "".join(piece.text for piece in pieces) == line
    assert all(len(piece.text) <= 256 for piece in pieces)
    assert "".join(redact(piece.text).text for piece in pieces) == redact(line).text
    assert [piece.column for piece in pieces] == [piece.start + 1 for piece in pieces]


def test_a_line_without_any_place_to_cut_is_cut_all_the_same() -> None:
    parts = ["a" * 1000] * 5
    assert max(len(piece.text) for piece in pieces_of(parts, line_characters_max=256)) <= 256
