"""``verify`` on histories and stores that are made by hand: what it says, and with which code."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.lanes import Sums, lane
from tests.unit.cli.shell import NOON, Record, document, envelope, lines_of, logweir, put

from logweir.clock import ManualClock
from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Lane
from logweir.redact.policies import Redactors
from logweir.redact.policy_file import read_policies
from logweir.verify.evidence import Fault
from logweir.verify.flood import Reply
from logweir.verify.history import Flood, HistoryWriter
from logweir.verify.traffic import Request, traffic

LOGS = [
    replace(log, log=log.log or LogId(f"made-{log.index}"))
    for log in itertools.islice(traffic(5, 2), 6)
]


def history(tmp_path: Path, *faults: Fault, logs: Sequence[Request] = LOGS) -> Path:
    """All of them accepted at noon."""
    path = tmp_path / "history.jsonl"
    flood = Flood(seed=5, tenants=2, url="http://127.0.0.1:1/ingest")
    with HistoryWriter(path, flood, ManualClock(NOON)) as writer:
        for log in logs:
            writer.invoked(log, 0.0, 0.0)
            writer.ended(log, 0.0, 0.0, Reply(status=202, log=log.log))
        for fault in faults:
            writer.note(fault)
    return path


def documents(logs: Sequence[Request] = LOGS) -> list[Record]:
    """What becomes of them."""
    return [
        replace(document(f"{log.log}", log.text, log.tenant), source=log.source) for log in logs
    ]


def verify(tmp_path: Path, path: Path, *options: object) -> Any:
    """Without waiting, of a service whose work takes no time."""
    quick = ("--data-dir", tmp_path / "data", "--seconds-per-character", "0", "--wait", "0")
    return logweir("verify", path, *quick, *options)


def test_kept_promises_are_exit_code_0(tmp_path: Path) -> None:
    put(tmp_path / "data", *documents())
    result = verify(tmp_path, history(tmp_path))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "Every promise was kept."
    [report] = lines_of(verify(tmp_path, tmp_path / "history.jsonl", "--json"))
    assert (report["verdict"], report["accepted"], report["documents"]) == ("kept", 6, 6)


def test_a_lost_log_is_exit_code_1_and_named(tmp_path: Path) -> None:
    put(tmp_path / "data", *documents(LOGS[1:]))
    result = verify(tmp_path, history(tmp_path))
    assert result.exit_code == 1
    assert f"lost: {LOGS[0].tenant}/{LOGS[0].log}: {LOGS[0].canary}" in result.stdout
    [report] = lines_of(verify(tmp_path, tmp_path / "history.jsonl", "--json"))
    assert (report["verdict"], report["counts"]) == ("broken", {"lost": 1})
    [finding] = report["findings"]
    assert (finding["kind"], finding["log_id"], finding["part"]) == ("lost", LOGS[0].log, "start")


def test_a_backlog_that_is_not_drained_is_exit_code_5(tmp_path: Path) -> None:
    tenant = LOGS[0].tenant
    put(tmp_path / "data", *documents(LOGS[1:]), replace(envelope(), tenant=TenantId(tenant)))
    result = verify(tmp_path, history(tmp_path))
    assert result.exit_code == 5
    assert "the backlog is not drained: 1 messages are left" in result.stdout


def test_messages_of_other_tenants_are_of_no_concern(tmp_path: Path) -> None:
    put(tmp_path / "data", *documents(), envelope(), document("theirs"))
    result = verify(tmp_path, history(tmp_path))
    assert result.exit_code == 0, result.output
    assert "1 of others left alone" in result.stdout


def test_a_fault_that_never_fired_is_exit_code_5(tmp_path: Path) -> None:
    put(tmp_path / "data", *documents())
    path = history(tmp_path, Fault(name="kill", begin=0, end=1, fired=0))
    assert verify(tmp_path, path).exit_code == 5


def test_a_log_at_the_place_of_a_tenant_that_sent_none_is_found(tmp_path: Path) -> None:
    stray = document("stray", LOGS[0].text, tenant="somebody-else")
    put(tmp_path / "data", *documents(), stray)
    [report] = lines_of(verify(tmp_path, history(tmp_path), "--json"))
    assert report["counts"] == {"leaked": 1}
    assert verify(tmp_path, tmp_path / "history.jsonl", "--own-tenants").exit_code == 0


def test_documents_of_other_rules_are_no_verdict(tmp_path: Path) -> None:
    old = replace(document(f"{LOGS[0].log}", LOGS[0].text, LOGS[0].tenant), rules_version="0")
    put(tmp_path / "data", replace(old, source=LOGS[0].source), *documents(LOGS[1:]))
    assert verify(tmp_path, history(tmp_path)).exit_code == 5


def test_each_tenants_documents_are_compared_by_its_own_policy(tmp_path: Path) -> None:
    file = tmp_path / "redaction.toml"
    file.write_text(f'[tenants.{LOGS[0].tenant}]\nmarker = "rule"\n')
    logs = [replace(log, text=f"{log.text} from 10.0.0.1") for log in LOGS]
    by_tenant = Redactors(read_policies(file))
    done = []
    for log in logs:
        each = replace(document(f"{log.log}", log.text, log.tenant), source=log.source)
        redactor = by_tenant.of(log.tenant)
        modified = redactor.redact(log.text).text
        done.append(replace(each, modified_data=modified, rules_version=redactor.version))
    assert len({each.rules_version for each in done}) == 2
    put(tmp_path / "data", *done)
    path = history(tmp_path, logs=logs)
    assert verify(tmp_path, path, "--redaction-file", file).exit_code == 0
    without = verify(tmp_path, path)
    assert without.exit_code == 5
    assert "or by another policy" in without.output


def test_work_that_took_no_time_is_early_unless_it_is_the_users_own(tmp_path: Path) -> None:
    put(tmp_path / "data", *documents())
    path, slow = history(tmp_path), ("--seconds-per-character", "0.01")
    assert verify(tmp_path, path, *slow).exit_code == 1
    assert verify(tmp_path, path, *slow, "--work", "os.path:join").exit_code == 0


@pytest.mark.parametrize("text", ["", "{}\n"])
def test_what_is_no_history_is_exit_code_2(tmp_path: Path, text: str) -> None:
    put(tmp_path / "data")
    path = tmp_path / "history.jsonl"
    path.write_text(text)
    assert verify(tmp_path, path).exit_code == 2
    assert verify(tmp_path, tmp_path / "nothing").exit_code == 2


def test_a_broker_that_tells_nothing_is_waited_for_until_the_time_is_over(
    tmp_path: Path, told: Sums
) -> None:
    put(tmp_path / "data", *documents(LOGS[1:]))
    path = history(tmp_path)
    result = verify(tmp_path, path, "--within", "1")  # of noon, long ago
    assert (result.exit_code, "slow: " in result.stdout) == (1, True)
    result = verify(tmp_path, path, "--within", "1e9")
    assert (result.exit_code, "not finished yet" in result.stdout) == (5, True)
    put(tmp_path / "data", *documents(LOGS[:1]))
    assert verify(tmp_path, path).exit_code == 0


def test_lanes_with_messages_of_whomever_are_drained_once_all_is_there(
    tmp_path: Path, told: Sums
) -> None:
    told.lanes = [lane(Lane.LOG, 3, 1), lane(Lane.CHUNK, 0, 0)]
    put(tmp_path / "data", *documents(LOGS[1:]))
    path = history(tmp_path)
    result = verify(tmp_path, path)
    assert (result.exit_code, "4 messages are left" in result.stdout) == (5, True)
    told.lanes = [lane(each, 0, 0) for each in Lane]
    assert verify(tmp_path, path).exit_code == 1
    put(tmp_path / "data", *documents(LOGS[:1]))
    told.lanes = [lane(Lane.LOG, 3, 1), lane(Lane.CHUNK, 0, 0)]
    assert verify(tmp_path, path, "--wait", "60").exit_code == 0
