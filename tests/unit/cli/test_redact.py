"""``redact``: a filter of streams, an explanation of it, and a linter."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cli.shell import lines_of, logweir

from logweir.redact import RULES_VERSION
from logweir.redact.prefilter import prefilter_of

LOG = "User 555-0199\r\nmail jane@example.com"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----\n"


# ---- as a filter -----------------------------------------------------------------------------


def test_it_filters_standard_input_byte_for_byte() -> None:
    result = logweir("redact", stdin=b"\xff" + LOG.encode())
    assert result.exit_code == 0
    assert result.stdout_bytes == b"\xffUser [REDACTED]\r\nmail [REDACTED]"
    assert result.stderr == ""


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"\0", b"\xff\xed\xa0\x80", b"x "])))
def test_what_is_not_redacted_stays_as_it_is(parts: list[bytes]) -> None:
    assert logweir("redact", "-", stdin=b"".join(parts)).stdout_bytes == b"".join(parts)


def test_files_follow_each_other_and_none_runs_into_the_next(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("from 10.0.0.", newline="")
    (tmp_path / "b").write_text(LOG, newline="")
    result = logweir("redact", tmp_path / "a", "-", tmp_path / "b", stdin="1\n")
    assert result.stdout_bytes == b"from 10.0.0.1\nUser [REDACTED]\r\nmail [REDACTED]"


def test_characters_are_whole_wherever_a_read_ends(tmp_path: Path) -> None:
    text = "é€😀 jane@example.com\n" * 10_000
    (tmp_path / "log").write_text(text)
    redacted = text.replace("jane@example.com", "[REDACTED]")
    assert logweir("redact", tmp_path / "log").stdout_bytes == redacted.encode()


def test_a_line_without_end_is_worked_on_in_parts() -> None:
    words = "some words, some words " * 100
    result = logweir("redact", stdin=f"{words} from 10.0.0.1, " * 1200)
    assert result.stdout == f"{words} from [REDACTED], " * 1200


@pytest.mark.parametrize("name", [".", "missing"])
def test_a_file_that_cannot_be_read_is_wrong_use(tmp_path: Path, name: str) -> None:
    result = logweir("redact", tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(tmp_path / name) in result.stderr
    assert result.stderr.count("\n") == 1


# ---- --explain -------------------------------------------------------------------------------


def test_it_explains_each_match_with_its_place() -> None:
    assert logweir("redact", "--explain", stdin=LOG).stdout.splitlines() == [
        "-:1:6: phone: a local phone number, 3-4",
        "    User «555-0199»",
        "-:2:6: email: an e-mail address",
        "    mail «jane@example.com»",
    ]
    matches = lines_of(logweir("redact", "--explain", "--json", stdin=LOG))
    assert [LOG[m["start"] : m["end"]] for m in matches] == ["555-0199", "jane@example.com"]
    assert [m["match"] for m in matches] == ["555-0199", "jane@example.com"]
    assert [(m["file"], m["line"], m["column"]) for m in matches] == [("-", 1, 6), ("-", 2, 6)]
    assert all(m["reason"] for m in matches)


def test_of_several_files_it_names_the_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"one\ntwo {name} 10.0.0.1")
    files = [str(tmp_path / "a"), str(tmp_path / "b")]
    rows = logweir("redact", "--explain", *files).stdout.splitlines()
    assert [row.split(": ")[0] for row in rows[::2]] == [f"{file}:2:7" for file in files]
    matches = lines_of(logweir("redact", "--explain", "--json", *files))
    assert [(m["file"], m["line"], m["start"]) for m in matches] == [(f, 2, 10) for f in files]


def test_a_match_of_many_lines_is_found_and_shown_on_one(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"the key:\n{KEY}done\n10.0.0.1")
    rows = logweir("redact", "--explain", tmp_path / "log").stdout.splitlines()
    assert [row.split(": ")[0] for row in rows[::2]] == [f"{tmp_path}/log:{n}:1" for n in (2, 6)]


def test_a_long_line_is_shown_around_its_match() -> None:
    log = "b" * 500 + " 10.0.0.1 " + "a" * 500
    _, line = logweir("redact", "--explain", stdin=log).stdout.splitlines()
    assert "bbb «10.0.0.1» aaa" in line
    assert len(line) == 100


def test_explaining_drives_no_terminal() -> None:
    shown = logweir("redact", "--explain", stdin=b"\x1b[2J 10.0.0.1 \xff\x07").stdout
    assert "\\x1b[2J «10.0.0.1» \ufffd\\x07" in shown


# ---- --json ----------------------------------------------------------------------------------


def test_json_is_an_object_for_each_line_and_the_sums_at_the_end() -> None:
    assert lines_of(logweir("redact", "--json", stdin=b"\xff" + LOG.encode() + b"\n\nbye\n")) == [
        {"file": "-", "line": 1, "text": "\ufffdUser [REDACTED]", "redactions": {"phone": 1}},
        {"file": "-", "line": 2, "text": "mail [REDACTED]", "redactions": {"email": 1}},
        {"file": "-", "line": 3, "text": "", "redactions": {}},
        {"file": "-", "line": 4, "text": "bye", "redactions": {}},
        {"lines": 4, "redactions": {"phone": 1, "email": 1}, "rules_version": RULES_VERSION},
    ]


def test_in_json_the_lines_of_a_key_are_one() -> None:
    lines = lines_of(logweir("redact", "--json", stdin=f"{KEY}from 10.0.0.1"))
    assert [(line.get("line"), line.get("text")) for line in lines[:-1]] == [
        (1, "[REDACTED]"),
        (4, "from [REDACTED]"),
    ]


# ---- --check ---------------------------------------------------------------------------------


def test_a_check_says_where_and_never_what(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG)
    result = logweir("redact", "--check", tmp_path / "log")
    assert result.exit_code == 1
    assert [line.split(": ")[:2] for line in result.stdout.splitlines()] == [
        [f"{tmp_path}/log:1:6", "phone"],
        [f"{tmp_path}/log:2:6", "email"],
    ]
    assert result.stderr == "2 redactions in 2 lines: email 1, phone 1\n"
    in_json = logweir("redact", "--check", "--json", tmp_path / "log")
    assert [json.loads(line)["column"] for line in in_json.stdout.splitlines()] == [6, 6]
    for said in (result.output, in_json.output):
        assert "jane" not in said
        assert "0199" not in said


def test_a_check_that_finds_nothing_is_exit_code_0(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("order 48213 took 12 ms\n")
    result = logweir("redact", "--check", tmp_path / "log", tmp_path / "log")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Nothing to redact in 2 lines.\n"


def test_a_check_shows_no_match_even_if_asked() -> None:
    result = logweir("redact", "--check", "--explain", stdin=LOG)
    assert (result.exit_code, result.stdout) == (2, "")


# ---- policies --------------------------------------------------------------------------------

POLICY = """
marker = "rule"
off = ["phone"]
[tenants.acme]
allow = ["jane@example.com"]
on = ["phone"]
"""
KEY_OF_HASHES = "0123456789abcdef"


def test_it_redacts_by_the_file_of_a_policy_and_a_tenants_own(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    by_file = ("redact", "--redaction-file", tmp_path / "policy.toml")
    everyones = logweir(*by_file, stdin=LOG).stdout_bytes
    assert everyones == b"User 555-0199\r\nmail [REDACTED:email]"
    acmes = logweir(*by_file, "--tenant", "acme", stdin=LOG).stdout_bytes
    assert acmes == b"User [REDACTED:phone]\r\nmail jane@example.com"
    plain = logweir("redact", "--marker", "plain", stdin=LOG, LOGWEIR_REDACTION_TOML=POLICY)
    assert plain.stdout_bytes == b"User 555-0199\r\nmail [REDACTED]"


def test_hashes_are_a_tenants_own() -> None:
    def hashed(*arguments: str) -> str:
        arguments = ("redact", "--marker", "hash", *arguments)
        return logweir(*arguments, stdin=LOG, LOGWEIR_REDACTION_KEY=KEY_OF_HASHES).stdout

    assert hashed("--tenant", "acme") == hashed("--tenant", "acme")
    assert len({hashed(), hashed("--tenant", "acme"), hashed("--tenant", "umbrella")}) == 3
    assert re.search(r"mail \[REDACTED:email:[0-9a-f]{16}\]$", hashed())


def test_a_marker_takes_the_place_of_the_policys_and_leaves_the_rest_of_it() -> None:
    marked = ("redact", "--tenant", "acme", "--marker")
    variables = {"LOGWEIR_REDACTION_TOML": POLICY, "LOGWEIR_REDACTION_KEY": KEY_OF_HASHES}
    assert logweir(*marked, "plain", stdin=LOG, **variables).stdout_bytes == (
        b"User [REDACTED]\r\nmail jane@example.com"
    )
    hashed = logweir(*marked, "hash", stdin=LOG, **variables).stdout
    assert re.fullmatch(r"User \[REDACTED:phone:[0-9a-f]{16}\]\s+mail jane@example.com", hashed)


def test_a_key_may_be_of_any_bytes() -> None:
    key = "\udcff\udcfe" * 8  # as Python reads bytes that are no UTF-8 from the environment
    hashed = logweir("redact", "--marker", "hash", stdin=LOG, LOGWEIR_REDACTION_KEY=key)
    by_file = logweir(
        "redact",
        stdin=LOG,
        LOGWEIR_REDACTION_KEY=key,
        LOGWEIR_REDACTION_TOML='marker = "hash"',
    )
    assert hashed.exit_code == 0
    assert hashed.stdout == by_file.stdout


def test_without_the_engine_that_was_named_it_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prefilter_of.cache_clear()
    monkeypatch.setitem(sys.modules, "hyperscan", None)  # as where it is not installed
    named = logweir("redact", "--redaction-engine", "hyperscan", stdin=LOG)
    assert (named.exit_code, named.stdout) == (0, logweir("redact", stdin=LOG).stdout)
    assert named.stderr.startswith("logweir: hyperscan cannot be imported: ")
    assert named.stderr.count("\n") == 1
    assert logweir("redact", "--redaction-engine", "auto", stdin=LOG).stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--marker", "hash"),
        ("--tenant", "a/b"),
        ("--redaction-file", "/nowhere/at/all"),
        ("--redaction-engine", "grep"),
    ],
    ids=" ".join,
)
def test_a_policy_that_cannot_be_is_wrong_use(arguments: tuple[str, ...]) -> None:
    result = logweir("redact", *arguments, stdin=LOG)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
