"""The commands as a user types them, against a ``logweir serve`` that really runs."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.processes import Process, free_port, running, until

TEXT = "User 555-0199 logged in"


@dataclass(frozen=True)
class Shell:
    """Runs commands that look at, and send to, one running Logweir."""

    service: Process
    data_dir: Path

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command, to its end."""
        variables = {"DATA_DIR": self.data_dir, "PORT": self.service.port}
        return subprocess.run(
            [sys.executable, "-m", "logweir", *arguments],
            input=stdin,
            env={**os.environ, **{f"LOGWEIR_{name}": str(v) for name, v in variables.items()}},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def json(self, *arguments: str, stdin: str = "") -> list[Any]:
        """What a command prints with --json."""
        result = self.run(*arguments, "--json", stdin=stdin)
        assert not result.stderr, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    def send(self, tenant: str, log: str, text: str = TEXT) -> None:
        """Send a log, and see it accepted."""
        result = self.run("send", tenant, "--log-id", log, stdin=text)
        assert (result.returncode, result.stdout) == (0, f"{tenant} {log}\n"), result.stderr

    def document(self, tenant: str, log: str) -> Any:
        """The document, once it is there."""
        [document] = self.json("get", tenant, log, "--wait", "30")
        assert "state" not in document
        return document


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """``logweir serve`` with work that takes a millisecond a character."""
    data_dir = tmp_path_factory.mktemp("commands") / "data"
    settings = {"seconds_per_character": 0.001, "chunk_seconds": 4.0}
    with running("serve", data_dir, **settings) as service:
        yield Shell(service, data_dir)


@pytest.mark.skipif(not shutil.which("curl"), reason="it runs curl")
def test_serve_says_where_it_is_and_both_curl_commands_work_as_printed(shell: Shell) -> None:
    until(lambda: "Ctrl-C" in shell.service.stdout)
    said = shell.service.stdout
    assert f"http://127.0.0.1:{shell.service.port}" in said
    assert str(shell.data_dir) in said
    joined = said.replace("\\\n", " ")
    curls = [shlex.split(line) for line in joined.splitlines() if line.startswith("  curl ")]
    assert len(curls) == 2
    for curl in curls:
        answer = subprocess.run([*curl, "-s"], capture_output=True, check=True, timeout=30).stdout
        assert json.loads(answer)["status"] == "accepted"
    for tenant, source in (("acme", "json_upload"), ("beta", "text_upload")):
        document = shell.document(tenant, "1")
        assert document["source"] == source
        assert document["modified_data"] == "User [REDACTED] logged in"


def test_a_log_is_sent_and_got(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"\x00\x1b[2J \xf0\x9f\x9a\xa7\r\n jane@example.com")
    assert shell.run("send", "sent", str(file), "--log-id", "file").returncode == 0
    document = shell.document("sent", "file")
    assert document["original_text"].encode() == file.read_bytes()
    assert document["redactions"] == {"email": 1}
    shown = shell.run("get", "sent", "file")
    assert "\\x1b[2J" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_a_made_id_is_printed(shell: Shell) -> None:
    tenant, log = shell.run("send", "sent", "--json-body", stdin=TEXT).stdout.split()
    assert shell.document(tenant, log)["source"] == "json_upload"


def test_a_refusal_is_exit_code_1_with_the_reason(shell: Shell) -> None:
    result = shell.run("send", "sent", stdin="")
    assert (result.returncode, result.stdout) == (1, "")
    assert "400 empty_text" in result.stderr


def test_a_long_log_is_seen_in_its_chunks_until_it_is_done(shell: Shell) -> None:
    shell.send("long", "l1", "long text " * 4000)
    seen = []

    def is_done() -> bool:
        result = shell.run("get", "long", "l1", "--json")
        found = json.loads(result.stdout)
        if result.returncode == 0:
            return bool(found["characters"] == 40_000)
        assert result.returncode == 1
        seen.append((found["state"], found["chunks"]))
        return False

    until(is_done, seconds=30)
    assert ("in_work", 10) in seen


def test_a_log_that_nobody_sent_is_exit_code_3(shell: Shell) -> None:
    result = shell.run("get", "sent", "never", "--wait", "10")
    assert result.returncode == 3
    assert result.stdout.startswith("sent/never is unknown")


def test_ls_lists_each_tenant_s_own_documents(shell: Shell) -> None:
    for tenant, log in (("mine", "m1"), ("mine", "m2"), ("MINE", "other")):
        shell.send(tenant, log)
        shell.document(tenant, log)
    assert [d["log_id"] for d in shell.json("ls", "mine")] == ["m1", "m2"]
    assert [d["log_id"] for d in shell.json("ls", "MINE")] == ["other"]
    counts = {tenant["tenant_id"]: tenant["documents"] for tenant in shell.json("ls")}
    assert (counts["mine"], counts["MINE"]) == (2, 1)
    assert "m2" in shell.run("ls", "mine").stdout


def test_status_shows_what_is_in_work(shell: Shell) -> None:
    shell.send("busy", "b1", "x" * 3500)
    [status] = shell.json("status")
    [busy] = [tenant for tenant in status["tenants"] if tenant["tenant_id"] == "busy"]
    assert busy["waiting"] + busy["in_flight"] == 1
    assert shell.run("status").returncode == 0
    shell.document("busy", "b1")


def test_a_conflict_is_listed_replayed_resolved_and_purged(shell: Shell) -> None:
    shell.send("twice", "t1")
    shell.document("twice", "t1")
    shell.send("twice", "t1", "another text")
    until(lambda: shell.json("dead", "ls", "twice"))
    [listed] = shell.json("dead", "ls", "twice")
    assert (listed["reason"], listed["resolved"]) == ("conflict", False)
    [shown] = shell.json("dead", "show", "twice", "t1")
    assert shown["text"] == "another text"
    [replayed] = shell.json("dead", "replay", "twice", "t1")
    document = shell.document("twice", replayed["replayed_as"])
    assert (document["original_text"], document["received_at"]) == (
        "another text",
        shown["received_at"],
    )
    [listed] = shell.json("dead", "ls", "twice")
    assert listed["resolved_as"] == replayed["replayed_as"]
    assert "is resolved" in shell.run("dead", "replay", "twice", "t1").stdout
    assert shell.run("dead", "purge", "twice", "t1", stdin="y\n").returncode == 0
    assert shell.json("dead", "ls", "twice") == []


def test_redact_is_a_filter(shell: Shell) -> None:
    result = shell.run("redact", stdin=TEXT)
    assert (result.returncode, result.stdout) == (0, "User [REDACTED] logged in")


def test_a_flood_of_accepted_logs_is_exit_code_0_and_all_become_documents(shell: Shell) -> None:
    url = f"http://127.0.0.1:{shell.service.port}"
    options = ("--rpm", "6000", "--seconds", "2", "--tenants", "3", "--seed", "5")
    [measured] = shell.json("flood", url, *options)
    assert (measured["sent"], measured["accepted"]) == (200, 200)
    [accepted] = measured["answers"]
    assert accepted["answer"] == "202"
    assert 0 < accepted["p50_ms"] <= accepted["p99_ms"] <= accepted["max_ms"]
    until(lambda: shell.json("status")[0]["tenants"] == [], seconds=30)
    floods = [t for t in shell.json("ls") if t["tenant_id"].startswith("flood-")]
    assert len(floods) == 3
    assert sum(t["documents"] for t in floods) == 200


def test_a_flood_that_nobody_takes_is_exit_code_1_and_counts_the_failures(shell: Shell) -> None:
    result = shell.run("flood", f"http://127.0.0.1:{free_port()}", "--rpm", "600", "--seconds", "1")
    assert result.returncode == 1
    assert "ClientConnectorError ECONNREFUSED" in result.stdout
    assert "10 of 10 were not answered 202." in result.stdout


def test_ctrl_c_ends_a_flood_with_the_table_so_far(shell: Shell) -> None:
    url = f"http://127.0.0.1:{shell.service.port}"
    flood = subprocess.Popen(
        [sys.executable, "-m", "logweir", "flood", url, "--rpm", "600", "--tenants", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with flood:
        before = shell.json("ls")
        until(lambda: shell.json("ls") != before, seconds=20)
        flood.send_signal(signal.SIGINT)
        output, errors = flood.communicate(timeout=20)
    assert (flood.returncode, errors) == (1, "")
    assert "202 accepted" in output
    assert "Cut short:" in output


def test_a_second_serve_on_the_same_port_says_so_and_nothing_else(
    shell: Shell, tmp_path: Path
) -> None:
    result = shell.run("serve", "--data-dir", str(tmp_path / "other"))
    assert (result.returncode, result.stdout) == (2, "")
    assert "Address already in use" in result.stderr
