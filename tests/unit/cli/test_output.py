"""What is printed: safe on a terminal, exact in JSON, in columns that stream."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cli.shell import NOON, document

from logweir.entrypoints.cli.output import (
    Columns,
    as_json,
    duration,
    one_line,
    print_json,
    printable,
)


@given(st.text())
def test_printable_text_has_no_control_character_but_tab_and_newline(text: str) -> None:
    controls = [c for c in printable(text) if not c.isprintable() and ord(c) < 0xA0]
    assert set(controls) <= {"\t", "\n"}


def test_what_drives_a_terminal_is_spelled_out() -> None:
    shown = printable("\x1b[31mred\x07 \x9b2J \r\u202eabc\x7f ok\tok\n")
    assert shown == "\\x1b[31mred\\x07 \\x9b2J \\x0d\\u202eabc\\x7f ok\tok\n"


@pytest.mark.parametrize("code", [0xAD, 0x61C, 0x200B, 0x200C, 0x200D, 0x2060])
def test_what_cannot_be_seen_is_spelled_out(code: int) -> None:
    assert printable(f"a{chr(code)}b") == (f"a\\x{code:02x}b" if code < 256 else f"a\\u{code:04x}b")


def test_one_line_is_one_line_and_cut() -> None:
    assert one_line("a\nb\tc") == "a\\nb c"
    assert one_line("x" * 100, 10) == "x" * 9 + "…"


@given(st.text())
def test_json_is_one_ascii_line_that_holds_the_same(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("logweir.entrypoints.cli.output.print_line", lines.append)
        print_json({"text": text})
    [line] = lines
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"text": text}


def test_a_record_has_the_contract_s_names_and_times() -> None:
    record = as_json(document())
    assert list(record) == [
        *("tenant_id", "log_id", "source", "original_text", "modified_data", "received_at"),
        *("processed_at", "sha256", "characters", "redactions", "rules_version", "attempts"),
    ]
    assert record["processed_at"] == "2026-03-01T12:00:00.000000Z"
    assert record["redactions"] == {"phone": 1}
    assert as_json([NOON, None, {"a": (1,)}]) == ["2026-03-01T12:00:00.000000Z", None, {"a": [1]}]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (200, "3 min 20 s"),
        (3 * 3600 + 300, "3 h 5 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations_have_two_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_columns_are_as_wide_as_their_cells(capsys: pytest.CaptureFixture[str]) -> None:
    columns = Columns("NAME", ">COUNT", "NOTE")
    columns.add("a", "1", "x")
    columns.add("longer", "1,000", "")
    columns.end()
    assert capsys.readouterr().out.splitlines() == [
        "NAME    COUNT  NOTE",
        "a           1  x",
        "longer  1,000",
    ]


def test_columns_stream_after_the_first_hundred_rows(capsys: pytest.CaptureFixture[str]) -> None:
    columns = Columns("NUMBER", ">SQUARE")
    printed = []
    for number in range(150):
        columns.add(str(number), str(number**2))
        printed.append(capsys.readouterr().out.count("\n"))
    columns.end()
    assert printed == [0] * 99 + [101] + [1] * 50
    assert capsys.readouterr().out == ""


def test_no_rows_are_said_on_stderr_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Columns("NAME").end(if_empty="There is none.")
    assert capsys.readouterr() == ("", "There is none.\n")


def test_columns_end_at_the_terminal_s_edge(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("NO_COLOR", "1")
    columns = Columns("NAME", "NOTE")
    columns.add("a", "y" * 50)
    columns.end()
    assert max(map(len, capsys.readouterr().out.splitlines())) == 20
