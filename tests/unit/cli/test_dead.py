"""The ``dead`` commands: list, show, replay, purge."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from tests.support.kept import queued
from tests.unit.cli.shell import document, letter, lines_of, logweir, put

from logweir.entrypoints.cli.letters import conflict_id, name_of
from logweir.reasons import Burial

OTHER = "a second text under the same id"
EXHAUSTED = letter("e1", "work raises on this", reason=Burial.ATTEMPTS_EXHAUSTED, error="E: \x1b")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A document, two conflicts with it, and a letter of another reason."""
    put(tmp_path, document("a1"), letter("a1", OTHER), letter("a1", "a third one"), EXHAUSTED)
    return tmp_path


def dead(data: Path, *arguments: object, stdin: str | None = None) -> list[dict[str, object]]:
    """What a ``dead`` command prints as JSON."""
    return lines_of(logweir("dead", *arguments, "--json", "--data-dir", data, stdin=stdin))


def test_ls_lists_every_letter_with_its_reason(data: Path) -> None:
    put(data, letter("z", tenant="beta"))
    table = logweir("dead", "ls", "--data-dir", data).stdout
    assert [row.split()[:3] for row in table.splitlines()[1:]] == [
        ["acme", name_of(letter("a1", text).key), "conflict"]
        for text in sorted((OTHER, "a third one"), key=lambda text: letter("a1", text).sha256)
    ] + [
        ["acme", name_of(EXHAUSTED.key), "attempts_exhausted"],
        ["beta", name_of(letter("z", tenant="beta").key), "conflict"],
    ]
    assert "\\x1b" in table
    assert "\x1b" not in table
    assert {row["tenant_id"] for row in dead(data, "ls", "acme")} == {"acme"}


def test_show_prints_the_text_whole(data: Path) -> None:
    result = logweir("dead", "show", "acme", "e1", "--data-dir", data)
    assert result.exit_code == 0
    assert "work raises on this" in result.stdout
    [shown] = dead(data, "show", "acme", "e1")
    assert (shown["text"], shown["resolved"]) == ("work raises on this", False)


def test_a_name_that_two_letters_have_is_not_guessed(data: Path) -> None:
    result = logweir("dead", "show", "acme", "a1", "--data-dir", data)
    assert result.exit_code == 2
    name = name_of(letter("a1", OTHER).key)
    assert name in result.stderr
    [shown] = dead(data, "show", "acme", name)
    assert shown["text"] == OTHER


@pytest.mark.parametrize("action", ["show", "replay", "purge"])
def test_a_letter_that_is_not_there_is_exit_code_3(data: Path, action: str) -> None:
    for tenant, name in (("acme", "nothing"), ("beta", "e1"), ("acme", "e1.0000000000000000")):
        result = logweir("dead", action, tenant, name, "--data-dir", data)
        assert (result.exit_code, result.stdout) == (3, "")


def test_replay_publishes_the_letter_again_and_keeps_it(data: Path) -> None:
    [done] = dead(data, "replay", "acme", "e1")
    assert (done["outcome"], done["replayed_as"]) == ("replayed", "e1")
    assert queued(data) == [("acme", "e1")]
    assert len(dead(data, "ls")) == 3


def test_a_conflict_is_replayed_under_a_new_id_which_is_the_same_each_time(data: Path) -> None:
    name = name_of(letter("a1", OTHER).key)
    for _ in range(2):
        [done] = dead(data, "replay", "acme", name)
        assert (done["outcome"], done["replayed_as"]) == ("replayed", name)
    assert set(queued(data)) == {("acme", name)}


def test_a_conflict_is_replayed_under_the_id_that_is_asked_for(data: Path) -> None:
    [done] = dead(data, "replay", "acme", name_of(letter("a1", OTHER).key), "--as", "new")
    assert done["replayed_as"] == "new"
    assert queued(data) == [("acme", "new")]


def test_the_new_id_of_a_long_one_follows_the_grammar() -> None:
    assert len(conflict_id(letter("x" * 128).key)) == 128


def test_a_letter_whose_id_another_text_has_taken_since_gets_a_new_id_too(data: Path) -> None:
    put(data, document("e1", "somebody sent this meanwhile"))
    [done] = dead(data, "replay", "acme", "e1")
    assert (done["outcome"], done["replayed_as"]) == ("replayed", name_of(EXHAUSTED.key))


def test_a_resolved_letter_is_not_replayed_again(data: Path) -> None:
    key = letter("a1", OTHER).key
    put(data, document("e1", EXHAUSTED.text), document(conflict_id(key), OTHER))
    for name, found_as in (("e1", "e1"), (name_of(key), conflict_id(key))):
        result = logweir("dead", "replay", "acme", name, "--data-dir", data)
        assert result.exit_code == 0
        assert f"is resolved: its text is the document acme/{found_as}" in result.stdout
        [shown] = dead(data, "show", "acme", name)
        assert (shown["resolved"], shown["resolved_as"]) == (True, found_as)
    assert queued(data) == []


def test_no_replay_makes_a_second_conflict(data: Path) -> None:
    result = logweir("dead", "replay", "acme", "e1", "--as", "a1", "--data-dir", data)
    assert result.exit_code == 1
    assert "acme/a1 is another text" in result.stdout
    assert queued(data) == []


def test_replay_all_leaves_out_what_is_resolved(data: Path) -> None:
    put(data, document("e1", EXHAUSTED.text))
    outcomes = [done["outcome"] for done in dead(data, "replay", "acme", "--all")]
    assert outcomes == ["replayed", "replayed", "resolved"]
    assert len(queued(data)) == 2


@pytest.mark.parametrize("arguments", [[], ["e1", "--all"], ["--all", "--as", "x"]])
def test_replay_wants_one_letter_or_all(data: Path, arguments: list[str]) -> None:
    assert logweir("dead", "replay", "acme", *arguments, "--data-dir", data).exit_code == 2


def test_purge_says_what_would_be_lost_and_takes_no_for_an_answer(data: Path) -> None:
    for answer in ("n\n", ""):
        result = logweir("dead", "purge", "acme", "e1", "--data-dir", data, stdin=answer)
        assert result.exit_code == 1
        assert "19 characters is in no document" in result.stderr
    assert len(dead(data, "ls")) == 3


def test_purge_of_a_resolved_letter_says_where_its_text_stays(data: Path) -> None:
    put(data, document("e1", EXHAUSTED.text))
    result = logweir("dead", "purge", "acme", "e1", "--data-dir", data, stdin="y\n")
    assert result.exit_code == 0
    assert "stays in the document acme/e1" in result.stderr
    assert len(dead(data, "ls")) == 2


def test_purge_deletes_that_one_letter(data: Path) -> None:
    name = name_of(letter("a1", OTHER).key)
    [done] = dead(data, "purge", "acme", name, "--yes")
    assert done["purged"] is True
    assert name not in [row["letter"] for row in dead(data, "ls")]
    assert len(dead(data, "ls")) == 2


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_purge_of_a_letter_that_another_has_just_purged_is_exit_code_3(
    data: Path, json: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = ("dead", "purge", "acme", "e1", "--data-dir", data)

    def purge_meanwhile(*_: object, **__: object) -> None:
        assert logweir(*asking, "--yes").exit_code == 0

    monkeypatch.setattr(typer, "confirm", purge_meanwhile)
    result = logweir(*asking, *json)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "acme has no dead letter e1" in result.stderr
