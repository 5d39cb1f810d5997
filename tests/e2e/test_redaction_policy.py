"""Two tenants, each with a policy of its own, through the real server."""

from __future__ import annotations

from pathlib import Path

from tests.support.kept import bytes_of, query, queued
from tests.support.processes import Process, free_port, running, until
from tests.support.wire import ask, request

POLICY = """
marker = "rule"

[tenants.acme]
off = ["ipv4"]
[[tenants.acme.rule]]
name = "employee-id"
finds = "an employee's id"
pattern = 'EMP-[0-9]{6}'
takes = ["by «EMP-123456»"]

[tenants.beta]
marker = "hash"
"""
KEY = "the key of the hashes"
TEXT = "EMP-123456 called 555-867-5309 from 9.9.9.9 and 9.9.9.9"


def modified(data_dir: Path, tenant: str) -> str:
    file = data_dir / "tenants" / f"{tenant}.sqlite3"
    ((text,),) = query(file, "SELECT modified_data FROM processed_logs")
    return str(text)


def test_each_tenants_logs_are_redacted_by_its_own_policy(tmp_path: Path) -> None:
    file, data_dir = tmp_path / "redaction.toml", tmp_path / "data"
    file.write_text(POLICY)
    with running(
        *("serve", data_dir), redaction_file=file, redaction_key=KEY, seconds_per_character=0
    ) as server:
        for tenant in ("acme", "beta", "gamma"):
            headers = ("Content-Type: text/plain", f"X-Tenant-ID: {tenant}", "X-Log-ID: log-1")
            answer = ask(server.port, request(*headers, body=TEXT.encode()))
            assert answer is not None
            assert answer.status == 202
        until(lambda: not queued(data_dir), seconds=30, saying="the queue did not drain")

    assert modified(data_dir, "acme") == (
        "[REDACTED:employee-id] called [REDACTED:phone] from 9.9.9.9 and 9.9.9.9"
    )
    assert modified(data_dir, "gamma") == (
        "EMP-123456 called [REDACTED:phone] from [REDACTED:ipv4] and [REDACTED:ipv4]"
    )
    first, second = modified(data_dir, "beta").partition(" from ")[2].split(" and ")
    assert first.startswith("[REDACTED:ipv4:")
    assert first == second
    assert KEY.encode() not in bytes_of(tmp_path)
    assert KEY not in server.stderr + server.stdout


def test_a_wrong_file_ends_the_server(tmp_path: Path) -> None:
    file = tmp_path / "redaction.toml"
    file.write_text('off = ["ip"]')
    server = Process("serve", tmp_path / "data", {"port": free_port(), "redaction_file": file})
    try:
        assert server.wait() == 2
    finally:
        server.kill()
    where = f"logweir: LOGWEIR_REDACTION_FILE, --redaction-file: {file}"
    assert f"{where}: off: there is no rule 'ip'. There are: " in server.stderr
