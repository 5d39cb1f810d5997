"""``redact``: a filter, and an explanation of it."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.shell import lines_of, logweir

from logweir.redact import RULES_VERSION

LOG = "User 555-0199\r\nmail jane@example.com"


def test_it_filters_standard_input_byte_for_byte() -> None:
    result = logweir("redact", stdin=b"\xff" + LOG.encode())
    assert result.exit_code == 0
    assert result.stdout_bytes == b"\xffUser [REDACTED]\r\nmail [REDACTED]"


def test_it_reads_a_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG, newline="")
    assert logweir("redact", tmp_path / "log").stdout_bytes.count(b"[REDACTED]") == 2


def test_it_says_in_json_what_it_counted() -> None:
    assert lines_of(logweir("redact", "--json", stdin=b"\xff" + LOG.encode())) == [
        {
            "text": "\ufffdUser [REDACTED]\r\nmail [REDACTED]",
            "redactions": {"phone": 1, "email": 1},
            "rules_version": RULES_VERSION,
        }
    ]


def test_it_explains_each_match_with_its_place() -> None:
    rows = [row.split() for row in logweir("redact", "--explain", stdin=LOG).stdout.splitlines()]
    assert [(row[0], row[1], row[-1]) for row in rows[1:]] == [
        ("1:6", "phone", "555-0199"),
        ("2:6", "email", "jane@example.com"),
    ]
    matches = lines_of(logweir("redact", "--explain", "--json", stdin=LOG))
    assert [LOG[m["start"] : m["end"]] for m in matches] == ["555-0199", "jane@example.com"]
    assert [(m["line"], m["column"]) for m in matches] == [(1, 6), (2, 6)]
    assert all(m["reason"] for m in matches)


def test_a_match_of_many_lines_is_found_and_shown_on_one(tmp_path: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----\n"
    (tmp_path / "log").write_text(f"the key:\n{key}done\n")
    result = logweir("redact", "--explain", tmp_path / "log")
    assert len(result.stdout.splitlines()) == 2
    assert result.stdout.splitlines()[1].startswith("2:1")
