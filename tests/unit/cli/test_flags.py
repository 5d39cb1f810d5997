"""Settings as flags: every one, in every command it concerns; a flag wins; errors name it."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest
from tests.unit.cli.shell import logweir

from logweir.entrypoints.cli import push, serve
from logweir.entrypoints.cli.flags import GATEWAY, PUSH, SERVE, WORKER, takes_settings
from logweir.errors import Misconfigured
from logweir.settings import PREFIX, Settings, flag_of, load, variable_of

NO_FLAG = {"redaction_key": "seen by all", "redaction_toml": "too long"}
SETTINGS = [
    field.name
    for field in dataclasses.fields(Settings)
    if variable_of(field).startswith(PREFIX)  # the emulators' own variables have no flags
    and field.name not in NO_FLAG
]


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_a_flag_of_serve_or_of_push(name: str) -> None:
    command = push.push if name.startswith("gcp_push") else serve.serve
    assert name in inspect.signature(command).parameters
    # Whole on 80 columns: long words beside the flags would cut off the longest of them.
    assert f" {flag_of(name)} " in logweir(command.__name__, "--help", COLUMNS="80").stdout


def test_the_gateway_and_the_worker_together_take_all_but_how_many_workers_there_are() -> None:
    assert set(GATEWAY) | set(WORKER) == set(SERVE) - {"workers"}
    assert set(PUSH) - set(SERVE) == {name for name in SETTINGS if name.startswith("gcp_push")}


@pytest.mark.parametrize("name", NO_FLAG)
def test_what_does_not_belong_on_a_command_line_has_no_flag(name: str) -> None:
    assert flag_of(name) not in logweir("serve", "--help", COLUMNS="80").stdout


def test_a_flag_wins_over_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Settings] = []

    @takes_settings("port", "data_dir")
    def command(settings: Settings) -> None:
        taken.append(settings)

    monkeypatch.setenv("LOGWEIR_PORT", "8101")
    monkeypatch.setenv("LOGWEIR_DATA_DIR", "/elsewhere")
    command(port="8102", data_dir=None)
    assert taken == [Settings(port=8102, data_dir=Path("/elsewhere"))]


def test_an_impossible_value_is_named_as_it_was_given() -> None:
    with pytest.raises(Misconfigured, match=r"^--port must be 0 to 65535"):
        load({"LOGWEIR_PORT": "1"}, {"port": "65536"})
    with pytest.raises(Misconfigured, match=r"^LOGWEIR_PORT must be"):
        load({"LOGWEIR_PORT": "65536"})


def test_a_command_says_in_one_line_which_flag_is_wrong() -> None:
    result = logweir("worker", "--concurrency", "none")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "logweir: --concurrency must be a number, and is 'none'\n"


def test_only_who_listens_reads_the_variable_port(tmp_path: Path) -> None:
    text = logweir("gateway", "--data-dir", tmp_path, PORT="abc").stderr
    assert text == "logweir: PORT must be a number, and is 'abc'\n"
    (tmp_path / "leases").mkdir()
    (tmp_path / "tenants").mkdir()
    assert logweir("ls", "--data-dir", tmp_path, PORT="abc").exit_code == 0


def test_an_unknown_variable_is_an_error_of_every_command_that_has_settings() -> None:
    result = logweir("ls", LOGWEIR_DATADIR="x")
    assert result.exit_code == 2
    assert result.stderr.startswith("logweir: LOGWEIR_DATADIR: there is no such setting.")
