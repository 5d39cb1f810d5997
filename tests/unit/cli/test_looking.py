"""``get``, ``ls`` and ``status`` on what lies in a data directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.shell import TEXT, document, envelope, letter, lines_of, logweir, plan, put

from logweir.entrypoints.cli.get import with_markers_shown


def test_get_shows_the_fields_and_both_texts(tmp_path: Path) -> None:
    put(tmp_path, document())
    result = logweir("get", "acme", "a1", "--data-dir", tmp_path)
    assert result.exit_code == 0
    shown = result.stdout.splitlines()
    assert "redactions     phone 1" in shown
    assert shown[-5:] == [
        *("original_text", TEXT, "", "modified_data", "User [REDACTED] logged in")
    ]


def test_every_kind_of_marker_stands_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logweir.entrypoints.cli.get.style", lambda text, **_: f"<{text}>")
    markers = ["[REDACTED]", "[REDACTED:email]", f"[REDACTED:aws-key:{'0a' * 8}]"]
    others = ["[REDACTED:]", "[REDACTED:email:0a]", "REDACTED", "[redacted]", "[REDACTED"]
    shown = with_markers_shown(" ".join([*markers, *others]))
    assert shown == " ".join([*(f"<{marker}>" for marker in markers), *others])


def test_get_never_lets_a_text_drive_the_terminal(tmp_path: Path) -> None:
    put(tmp_path, document(text="\x1b]0;owned\x07\x9b2J"))
    result = logweir("get", "acme", "a1", "--data-dir", tmp_path)
    assert "\\x1b]0;owned\\x07\\x9b2J" in result.stdout
    assert not {"\x1b", "\x07", "\x9b"} & set(result.stdout)


def test_get_json_is_the_whole_document(tmp_path: Path) -> None:
    text = "\x00\x1b🚧\n" + TEXT
    put(tmp_path, document(text=text))
    [found] = lines_of(logweir("get", "acme", "a1", "--json", "--data-dir", tmp_path))
    assert found["original_text"] == text
    assert "state" not in found


def test_get_says_that_a_log_waits(tmp_path: Path) -> None:
    put(tmp_path, envelope())
    result = logweir("get", "acme", "a1", "--data-dir", tmp_path)
    assert result.exit_code == 1
    assert result.stdout == "acme/a1 is waiting: 1 message in the queue\n"


def test_get_says_how_many_chunks_are_done(tmp_path: Path) -> None:
    long = plan()
    put(tmp_path, long, *(long.chunk(index) for index in range(long.count)))
    result = logweir("get", "acme", "a1", "--data-dir", tmp_path)
    assert result.exit_code == 1
    assert result.stdout == (
        "acme/a1 is in work: 0 of 3 chunks done; 3 messages waiting, 0 in flight\n"
    )
    [found] = lines_of(logweir("get", "acme", "a1", "--json", "--data-dir", tmp_path))
    assert (found["state"], found["chunks_done"], found["chunks"]) == ("in_work", 0, 3)


def test_get_says_that_a_plan_without_messages_was_never_accepted(tmp_path: Path) -> None:
    put(tmp_path, plan())
    result = logweir("get", "acme", "a1", "--data-dir", tmp_path)
    assert result.exit_code == 1
    assert "Send it again under this id." in result.stdout


def test_get_says_why_a_log_is_dead(tmp_path: Path) -> None:
    put(tmp_path, letter())
    result = logweir("get", "acme", "a1", "--data-dir", tmp_path)
    assert result.exit_code == 1
    assert result.stdout.startswith("acme/a1 is dead: conflict.")


def test_get_of_a_dead_letter_that_is_replayed_says_that_it_waits(tmp_path: Path) -> None:
    put(tmp_path, letter(), envelope())
    [found] = lines_of(logweir("get", "acme", "a1", "--json", "--data-dir", tmp_path))
    assert (found["state"], found["reasons"]) == ("waiting", ["conflict"])


def test_get_knows_nothing_of_another_tenant_s_log(tmp_path: Path) -> None:
    put(tmp_path, document(), envelope("a2"), letter("a3"))
    for log in ("a1", "a2", "a3"):
        result = logweir("get", "ACME", log, "--data-dir", tmp_path, "--wait", "5")
        assert result.exit_code == 3
        assert result.stdout.startswith(f"ACME/{log} is unknown")


def test_get_waits_no_longer_than_it_is_told(tmp_path: Path) -> None:
    put(tmp_path, envelope())
    assert logweir("get", "acme", "a1", "--wait", "0.3", "--data-dir", tmp_path).exit_code == 1


def test_ls_lists_tenants(tmp_path: Path) -> None:
    put(tmp_path, document(), document("a2"), document(tenant="ACME"), letter("x", tenant="b"))
    table = logweir("ls", "--data-dir", tmp_path).stdout.splitlines()
    assert [row.split() for row in table[1:]] == [
        ["ACME", "1", "0", "0"],
        ["acme", "2", "0", "0"],
        ["b", "0", "1", "0"],
    ]
    assert lines_of(logweir("ls", "--json", "--data-dir", tmp_path))[1] == {
        "tenant_id": "acme",
        "documents": 2,
        "dead_letters": 0,
        "plans": 0,
    }


def test_ls_of_a_tenant_lists_its_documents(tmp_path: Path) -> None:
    put(tmp_path, document(), document("a2", "x\ny"), document(tenant="beta"))
    table = logweir("ls", "acme", "--data-dir", tmp_path).stdout.splitlines()
    assert [row.split()[0] for row in table[1:]] == ["a1", "a2"]
    assert table[1].endswith("User [REDACTED] logged in")
    assert table[2].endswith("x\\ny")
    whole = lines_of(logweir("ls", "acme", "--json", "--data-dir", tmp_path))
    assert [(d["tenant_id"], d["log_id"]) for d in whole] == [("acme", "a1"), ("acme", "a2")]
    assert whole[1]["original_text"] == "x\ny"


def test_ls_of_nothing_prints_nothing_on_stdout(tmp_path: Path) -> None:
    put(tmp_path)
    for arguments in (("ls",), ("ls", "acme"), ("dead", "ls")):
        result = logweir(*arguments, "--data-dir", tmp_path)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr


def test_status_counts_what_is_not_done(tmp_path: Path) -> None:
    put(tmp_path, envelope(), envelope("a2"), envelope(tenant="beta"))
    table = logweir("status", "--data-dir", tmp_path).stdout
    assert [row.split()[:3] for row in table.splitlines()[1:4]] == [
        ["acme", "2", "0"],
        ["beta", "1", "0"],
        ["total", "3", "0"],
    ]
    [found] = lines_of(logweir("status", "--json", "--data-dir", tmp_path))
    assert (found["waiting"], found["in_flight"], found["quarantined"]) == (3, 0, 0)
    assert [t["tenant_id"] for t in found["tenants"]] == ["acme", "beta"]
    assert 0 <= found["oldest_seconds"] < 60
