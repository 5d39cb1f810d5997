"""``serve`` and its processes: started, killed, ended, as real processes."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.kept import query, queued, sessions, texts
from tests.support.processes import Process, command_line, free_port, running, until
from tests.support.wire import Wire, head, upload

from logweir.clock import parse_timestamp
from logweir.entrypoints.process import DESCRIPTORS_MAX
from logweir.entrypoints.supervisor import restart_delay

RESTART_SECONDS_MAX: Final = 0.3
ORPHAN_SECONDS_MAX: Final = 1.0

needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="NOT TESTED: processes are looked up in /proc"
)


@needs_proc
def test_the_command_lines_name_the_roles(tmp_path: Path) -> None:
    with running("serve", tmp_path / "data", workers=2) as serve:
        until(lambda: len(serve.children("worker")) == 2)
        (gateway,) = serve.children("gateway")
        workers = serve.children("worker")
        for pid, role in ((gateway, "gateway"), *((worker, "worker") for worker in workers)):
            assert f" logweir {role}" in " ".join(command_line(pid))  # as pkill is told in README


@needs_proc
def test_the_listener_is_the_gateway_itself_and_no_child_of_it(tmp_path: Path) -> None:
    with running("serve", tmp_path / "data") as serve:
        (gateway,) = serve.children("gateway")
        inode = inode_of_listener(serve.port)
        assert holds_socket(gateway, inode)
        assert not holds_socket(serve.pid, inode)
        assert Path(f"/proc/{gateway}/task/{gateway}/children").read_text() == ""


@needs_proc
@pytest.mark.parametrize("role", ["gateway", "worker"])
def test_what_dies_is_started_again_at_once(tmp_path: Path, role: str) -> None:
    with running("serve", tmp_path / "data") as serve:
        seconds = []
        for _ in range(4):
            until(lambda: serve.children(role))
            (victim,) = serve.children(role)
            killed = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            until(lambda: set(serve.children(role)) - {victim}, saying=f"no new {role}")  # noqa: B023  # called here
            seconds.append(time.monotonic() - killed)
        print(f"from the {role}'s death to the next: {[round(s, 3) for s in seconds]} s")
        assert max(seconds) <= RESTART_SECONDS_MAX
        until(lambda: accepts(serve.port), saying="the gateway does not answer")


def test_a_crash_loop_slows_down() -> None:
    delays = [restart_delay(deaths) for deaths in range(20)]
    assert delays[:6] == [0.0] * 6
    assert delays == sorted(delays)
    assert delays[6] > 0
    assert delays[19] == 5.0
    assert restart_delay(10_000) == 5.0


@needs_proc
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGHUP], ids=["killed", "terminal closed"])
def test_a_supervisor_that_dies_leaves_no_process(tmp_path: Path, how: signal.Signals) -> None:
    # With logs in work, and a request that is being received.
    data_dir = tmp_path / "data"
    with (
        running("serve", data_dir, workers=2, seconds_per_character=1) as serve,
        Wire(serve.port) as wire,
    ):
        wire.send(head("Content-Type: text/plain", "X-Tenant-ID: acme", "Content-Length: 9") + b"x")
        assert upload(serve.port, "acme", "x" * 50).status == 202
        until(lambda: states(data_dir) == ["leased"])
        children = serve.children("gateway") + serve.children("worker")
        assert len(children) == 3
        os.killpg(serve.pid, how)
        assert serve.wait() == -how
        killed = time.monotonic()
        until(lambda: not any(command_line(pid) for pid in children), seconds=ORPHAN_SECONDS_MAX)
        print(f"the last child ended {time.monotonic() - killed:.2f} s after the supervisor")


@pytest.mark.parametrize(
    ("role", "how"),
    [
        ("serve", "SIGTERM"),
        ("serve", "Ctrl-C"),
        ("gateway", "SIGTERM"),
        ("gateway", "Ctrl-C"),
        ("worker", "SIGTERM"),
        ("worker", "SIGINT"),
    ],
)
def test_it_stops_cleanly(tmp_path: Path, role: str, how: str) -> None:
    data_dir = tmp_path / "data"
    with running(role, data_dir, seconds_per_character=1, drain_seconds=0.3) as process:
        if role == "worker":
            until(lambda: sessions(data_dir))
        else:
            assert upload(process.port, "acme", "x" * 50).status == 202
        if role == "serve":
            until(lambda: states(data_dir) == ["leased"])
        if how == "Ctrl-C":
            process.interrupt()
        else:
            process.send(signal.Signals[how])
        started = time.monotonic()
        assert process.wait() == 0
        assert time.monotonic() - started < 2
        assert states(data_dir) == ([] if role == "worker" else ["waiting"])
    assert "Traceback" not in process.stderr


@needs_proc
def test_ctrl_c_while_the_processes_still_import_is_quiet(tmp_path: Path) -> None:
    serve = Process("serve", tmp_path / "data", {"port": free_port(), "workers": 3})
    try:
        until(lambda: len(serve.children("worker")) == 3)
        assert all(os.getpgid(pid) != serve.pid for pid in serve.children("worker"))
        serve.interrupt()
        assert serve.wait() == 0
    finally:
        serve.kill()
    assert "KeyboardInterrupt" not in serve.stderr
    assert "Traceback" not in serve.stderr


@needs_proc
@pytest.mark.parametrize("role", ["gateway", "worker", "serve"])
def test_every_role_raises_its_limit_of_descriptors(tmp_path: Path, role: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(DESCRIPTORS_MAX, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # what it starts with
    try:
        with running(role, tmp_path / "data") as process:
            until(lambda: resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] >= most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@needs_proc
def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running("serve", data_dir, seconds_per_character=1, drain_seconds=60) as serve:
        assert upload(serve.port, "acme", "x" * 50).status == 202
        until(lambda: states(data_dir) == ["leased"])
        serve.interrupt()
        time.sleep(0.5)
        assert serve.is_alive()
        serve.interrupt()
        assert serve.wait(2) == 0


@pytest.mark.parametrize("role", ["gateway", "serve"])
def test_a_port_that_is_taken_is_said_plainly(tmp_path: Path, role: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        check_that_it_cannot_listen(Process(role, tmp_path / "data", {"port": port}), port)


@pytest.mark.parametrize("role", ["gateway", "serve"])
def test_a_second_one_on_the_same_port_is_refused(tmp_path: Path, role: str) -> None:
    with running("gateway", tmp_path / "first") as first:
        second = Process(role, tmp_path / "second", {"port": first.port})
        check_that_it_cannot_listen(second, first.port)
        assert accepts(first.port)


def check_that_it_cannot_listen(process: Process, port: int) -> None:
    try:
        assert process.wait(10) == 2
    finally:
        process.kill()
    assert re.search(rf"LOGWEIR_PORT\b.*\b{port}\b.*in use", process.stderr)
    assert "Traceback" not in process.stderr


def test_a_setting_that_is_impossible_is_said_plainly(tmp_path: Path) -> None:
    for setting, value in (("workers", "many"), ("prot", "8080"), ("work", "no.such:function")):
        process = Process("serve", tmp_path / "data", {"port": free_port(), setting: value})
        try:
            assert process.wait(10) == 2, setting
        finally:
            process.kill()
        assert f"LOGWEIR_{setting.upper()}" in process.stderr
        assert "Traceback" not in process.stderr


def test_a_gateway_that_is_stopped_answers_what_is_under_way(tmp_path: Path) -> None:
    with running("gateway", tmp_path / "data") as gateway, Wire(gateway.port) as wire:
        wire.send(head("Content-Type: text/plain", "X-Tenant-ID: acme", "Content-Length: 9") + b"x")
        assert accepts(gateway.port)
        gateway.send(signal.SIGTERM)
        time.sleep(0.3)
        wire.send(b"12345678")
        answer = wire.answer()
        assert answer is not None
        assert answer.status == 202
        assert gateway.wait() == 0
    assert queued(tmp_path / "data")[-1] == ("acme", answer.json["log_id"])


def test_a_client_that_stalls_does_not_keep_the_gateway(tmp_path: Path) -> None:
    with (
        running("gateway", tmp_path / "data", drain_seconds=0.5) as gateway,
        Wire(gateway.port) as wire,
        Wire(gateway.port),
    ):
        wire.send(head("Content-Type: text/plain", "X-Tenant-ID: acme", "Content-Length: 9") + b"x")
        assert accepts(gateway.port)
        gateway.send(signal.SIGTERM)
        assert gateway.wait(3) == 0
    assert len(queued(tmp_path / "data")) == 1


def test_a_worker_that_is_stopped_hands_its_logs_back_unharmed(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running("gateway", data_dir) as gateway:
        for number in range(5):
            assert upload(gateway.port, "acme", "x" * 50, f"long-{number}").status == 202
        assert upload(gateway.port, "acme", "x", "short").status == 202
        with running("worker", data_dir, seconds_per_character=0.5, drain_seconds=1.5) as worker:
            until(lambda: states(data_dir).count("leased") == 6)
            assert worker.stop() == 0
        assert list(texts(data_dir, "acme.sqlite3")) == ["short"]  # it had the time for that one
        assert messages(data_dir) == [("waiting", None, 0)] * 5
        assert sessions(data_dir) == []


@pytest.mark.kill
@needs_proc
def test_a_worker_killed_in_the_middle_of_a_log_costs_that_log_nothing_but_time(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "data"
    with running("serve", data_dir, seconds_per_character=0.02) as serve:
        assert upload(serve.port, "acme", "x" * 100, "slow").status == 202
        until(lambda: states(data_dir) == ["leased"])
        time.sleep(1)  # the half of its two seconds
        (worker,) = serve.children("worker")
        killed = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        until(lambda: messages(data_dir) == [("leased", 2, 1)], seconds=2, saying="no new claim")
        claimed = time.monotonic()
        until(lambda: texts(data_dir, "acme.sqlite3") == {"slow": "x" * 100}, seconds=5)
        worked = time.monotonic() - claimed
        print(f"claimed again {claimed - killed:.2f} s after the death, worked {worked:.2f} s")
        assert claimed - killed <= 1.0
        assert worked > 1.8, "the work starts anew"
        until(lambda: not queued(data_dir))


def test_a_long_text_takes_about_as_long_as_one_chunk(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    text = "".join(f"line {number:04}\n" for number in range(5000))
    assert len(text) == 50_000
    with running("serve", data_dir, seconds_per_character=0.001, chunk_seconds=1.2) as serve:
        assert upload(serve.port, "acme", text, "long").status == 202
        until(lambda: texts(data_dir, "acme.sqlite3"), seconds=20)
        until(lambda: not queued(data_dir))
    assert texts(data_dir, "acme.sqlite3") == {"long": text}
    ((received, processed),) = query(
        data_dir / "tenants" / "acme.sqlite3",
        "SELECT received_at, processed_at FROM processed_logs",
    )
    seconds = (parse_timestamp(processed) - parse_timestamp(received)).total_seconds()
    print(f"50 s of work in chunks of 1.2 s: {seconds:.2f} s")
    assert 1.2 <= seconds < 5
    assert query(data_dir / "tenants" / "acme.sqlite3", "SELECT * FROM plans") == []


def test_it_says_where_it_listens_and_what_to_try(tmp_path: Path) -> None:
    with running("serve", tmp_path / "data") as serve:
        until(lambda: "curl" in serve.stdout)
        assert f"http://127.0.0.1:{serve.port}" in serve.stdout
        assert str(tmp_path / "data") in serve.stdout
        assert serve.stdout.count("curl") == 2


# ---- looking around --------------------------------------------------------------------------


def accepts(port: int) -> bool:
    try:
        return upload(port, "acme", "x").status == 202
    except (ConnectionError, AssertionError):
        return False


def messages(data_dir: Path) -> list[Any]:
    """State, lease and deaths of every message; a lease is the number of the worker's session."""
    return query(data_dir / "broker.sqlite3", "SELECT state, lease, deaths FROM messages")


def states(data_dir: Path) -> list[str]:
    return [state for state, _, _ in messages(data_dir)]


def inode_of_listener(port: int) -> str:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = "0A"
    (inode,) = (
        fields[9]
        for fields in map(str.split, lines)
        if fields[1].endswith(f":{port:04X}") and fields[3] == listening
    )
    return inode


def holds_socket(pid: int, inode: str) -> bool:
    links = (os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir())  # noqa: PTH115
    return f"socket:[{inode}]" in links
