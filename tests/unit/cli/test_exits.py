"""Exit codes, and one line on stderr for whatever goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tests.unit.cli.shell import document, logweir, put
from typer.testing import CliRunner

from logweir.entrypoints.cli.commands import Commands
from logweir.entrypoints.exits import Code, NotFound, Usage, report_bug
from logweir.errors import InvalidId, LogweirError, Misconfigured, Rejection, StoreUnavailable
from logweir.reasons import Reason


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Misconfigured("no"), Code.USAGE),
        (Usage("no"), Code.USAGE),
        (InvalidId("no"), Code.USAGE),
        (NotFound("no"), Code.NOT_FOUND),
        (Rejection(Reason.EMPTY_TEXT, "no"), Code.NEGATIVE),
        (StoreUnavailable("no"), Code.UNAVAILABLE),
        (PermissionError(13, "no", "/file"), Code.UNAVAILABLE),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_an_error_becomes_one_line_and_its_exit_code(error: Exception, code: Code) -> None:
    app = typer.Typer(cls=Commands)

    @app.command()
    def fail() -> None:
        raise error

    @app.command()
    def other() -> None: ...

    result = CliRunner().invoke(app, ["fail"])
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("logweir: ")
    assert result.stderr.count("\n") == 1


def test_a_bug_is_one_line_that_says_where_and_nothing_of_a_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(KeyError) as bug:
        dict[str, str]()["the text"]
    assert report_bug(bug.value) == Code.BUG
    said = capsys.readouterr().err
    assert "KeyError at test_exits.py:" in said
    assert "the text" not in said
    assert said.count("\n") == 1


def test_unforeseen_errors_of_our_own_are_bugs() -> None:
    app = typer.Typer(cls=Commands)

    @app.command()
    def fail() -> None:
        raise LogweirError("?")

    @app.command()
    def other() -> None: ...

    assert CliRunner().invoke(app, ["fail"]).exit_code == Code.BUG


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("get", "acme"),
        ("get", "acme/processed_logs/x", "a1"),
        ("get", "acme", ".."),
        ("ls", "--data-dir", "/nowhere/at/all"),
        ("send", "acme", "/nowhere/at/all"),
        ("flood", "ftp://127.0.0.1"),
        ("flood", "http://127.0.0.1:1", "--rpm", "0"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    result = logweir(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_looking_makes_no_data_directory(tmp_path: Path) -> None:
    result = logweir("ls", "--data-dir", tmp_path / "mistyped")
    assert result.exit_code == Code.USAGE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["ls", "status", "get acme a1", "dead replay acme --all"])
def test_looking_into_a_directory_of_something_else_leaves_it_as_it_is(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "tenants").mkdir()  # somebody's
    result = logweir(*command.split(), "--data-dir", tmp_path)
    assert (result.exit_code, result.stdout) == (Code.USAGE, "")
    assert f"there is no Logweir data in {tmp_path}" in result.stderr
    assert list(tmp_path.rglob("*")) == [tmp_path / "tenants"]


@pytest.mark.parametrize("command", ["", "send", "get", "ls", "dead ls", "flood", "redact"])
def test_help_documents_the_exit_codes(command: str) -> None:
    result = logweir(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Exit codes: 0 done;" in result.stdout


def test_a_reader_that_goes_away_ends_the_command_quietly(tmp_path: Path) -> None:
    put(tmp_path, *(document(f"log-{number}", "x" * 5000) for number in range(50)))
    listing = subprocess.Popen(
        [sys.executable, "-m", "logweir", "ls", "acme", "--json", "--data-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with listing:
        assert listing.stdout
        assert listing.stderr
        listing.stdout.readline()
        listing.stdout.close()
        assert listing.stderr.read() == b""


def test_importing_the_command_line_loads_nothing_that_a_restarted_worker_would_wait_for() -> None:
    code = "import sys, logweir.entrypoints.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    heavy = {"aiohttp", "rich", "apsw", "granian", "structlog", "pydantic", "logweir.redact"}
    assert heavy.isdisjoint(loaded.decode().split())
