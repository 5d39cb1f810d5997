"""A live Logweir is proven by one command; what is broken behind its back is named by it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.support.processes import Process, free_port, running, until

FLOOD = ("--rpm", "6000", "--tenants", "2")


@dataclass(frozen=True)
class Live:
    """A service, and the commands that prove it."""

    service: Process
    url: str

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A command."""
        settings = {"DATA_DIR": str(self.service.data_dir), "SECONDS_PER_CHARACTER": "0.002"}
        return subprocess.Popen(
            [sys.executable, "-m", "logweir", *arguments],
            env={**os.environ, **{f"LOGWEIR_{name}": value for name, value in settings.items()}},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, *arguments: str, **options: Any) -> tuple[int, str, str]:
        """Its exit code, and what it printed."""
        with self.start(*arguments, **options) as command:
            output, errors = command.communicate(timeout=60)
        return command.returncode, output, errors

    def verdict(self, history: Path) -> tuple[int, dict[str, int]]:
        """What ``verify`` ends with, and how much it found of which kind."""
        code, output, errors = self.run("verify", str(history), "--json")
        assert not errors
        counts: dict[str, int] = json.loads(output)["counts"]
        return code, counts

    @contextmanager
    def file_of(self, tenant: str) -> Iterator[apsw.Connection]:
        """Behind Logweir's back."""
        connection = apsw.Connection(str(self.service.data_dir / "tenants" / f"{tenant}.sqlite3"))
        connection.set_busy_timeout(5000)
        try:
            yield connection
        finally:
            connection.close()

    def move(self, log: str, tenant: str, to: str) -> None:
        """A document becomes another tenant's, as if it had always been."""
        with self.file_of(tenant) as db:
            theirs = str(self.service.data_dir / "tenants" / f"{to}.sqlite3")
            db.execute("UPDATE processed_logs SET tenant_id = ? WHERE log_id = ?", (to, log))
            db.execute("ATTACH ? AS theirs", (theirs,))
            for what in (
                "INSERT INTO theirs.processed_logs SELECT * FROM main.processed_logs",
                "DELETE FROM main.processed_logs",
            ):
                db.execute(f"{what} WHERE log_id = ?", (log,))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """``logweir serve``, with work of two milliseconds a character."""
    data_dir = tmp_path_factory.mktemp("verify") / "data"
    with running("serve", data_dir, seconds_per_character=0.002) as service:
        yield Live(service, f"http://127.0.0.1:{service.port}")


def test_one_command_floods_and_proves(live: Live) -> None:
    code, output, errors = live.run("flood", live.url, *FLOOD, "--seconds", "2", "--verify")
    assert (code, errors) == (0, ""), output
    assert "200 documents" in output
    assert output.splitlines()[-1] == "Every promise was kept."
    said = output.splitlines()[0].rpartition("history ")[2]
    assert not Path(said).exists()  # it has shown what it was for


def test_what_is_deleted_is_lost_and_what_is_moved_leaked_and_what_is_edited_wrong(
    live: Live, tmp_path: Path
) -> None:
    history = tmp_path / "history"
    command = ("flood", live.url, *FLOOD, "--seconds", "1", "--verify", "--json")
    code, output, _ = live.run(*command, "--history", str(history))
    assert (code, json.loads(output)["verify"]["verdict"]) == (0, "kept")
    calls = [json.loads(line) for line in history.read_text().splitlines() if '"call"' in line]
    ours = [call["log"] for call in calls if call["tenant"] == "flood-1" and call["log"]]
    deleted, moved, edited = ours[:3]

    with live.file_of("flood-1") as db:
        db.execute("DELETE FROM processed_logs WHERE log_id = ?", (deleted,))
    assert live.verdict(history) == (1, {"lost": 1})
    live.move(moved, "flood-1", to="flood-2")
    assert live.verdict(history) == (1, {"lost": 2, "leaked": 1})
    with live.file_of("flood-1") as db:
        edit = "UPDATE processed_logs SET original_text = original_text || '!' WHERE log_id = ?"
        db.execute(edit, (edited,))
    assert live.verdict(history) == (1, {"lost": 2, "leaked": 1, "wrong": 1})
    with live.file_of("flood-1") as db:  # the other tests' floods have the same tenant
        db.execute("DELETE FROM processed_logs WHERE log_id = ?", (edited,))


def test_a_flood_that_is_killed_can_still_be_proven(live: Live, tmp_path: Path) -> None:
    history = tmp_path / "history"
    options = ("--rpm", "3000", "--history", str(history))
    with live.start("flood", live.url, *options) as flood:
        until(lambda: history.exists() and history.read_text().count('"end"') > 30)
        flood.kill()
    assert live.verdict(history) == (0, {})


def test_ctrl_c_ends_the_flood_and_what_was_sent_is_proven(live: Live, tmp_path: Path) -> None:
    history = tmp_path / "history"
    options = ("--rpm", "600", "--verify", "--json", "--history", str(history))
    with live.start("flood", live.url, *options) as flood:
        until(lambda: history.exists() and history.read_text().count('"end"') > 3)
        flood.send_signal(signal.SIGINT)
        output, errors = flood.communicate(timeout=30)
    assert (flood.returncode, errors) == (1, "")  # not all was sent
    assert json.loads(output)["verify"]["verdict"] == "kept"


def test_a_history_that_cannot_be_written_ends_the_flood(live: Live, tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    nowhere = f"http://127.0.0.1:{free_port()}"
    options = ("--rpm", "60000", "--json", "--history", str(tmp_path / "history"))
    code, output, errors = live.run("flood", nowhere, *options, preexec_fn=small_files)
    assert (code, output, errors) == (4, "", "logweir: File too large\n")


def test_nothing_is_sent_where_nothing_could_be_proven(live: Live, tmp_path: Path) -> None:
    elsewhere = ("--data-dir", str(tmp_path / "nothing"))
    code, output, errors = live.run("flood", live.url, "--verify", *elsewhere)
    assert (code, output) == (2, "")
    assert "there is no directory" in errors
