"""A disk that takes no more: 503 and never 202, nothing lost, and service resumes by itself."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.kept import query, queued, sessions, texts
from tests.support.processes import Process, running, until
from tests.support.wire import Answer, upload

from logweir.limits import MIB


class Sender:
    """A good client: what is answered 503 it sends again, with the id that it was given."""

    def __init__(self, gateway: Process) -> None:
        self._gateway = gateway
        self._sent = 0
        self.accepted: dict[str, str] = {}
        self.unknown: dict[str, str] = {}

    def send(self, characters: int = 100) -> int:
        """Send a new text: the status."""
        self._sent += 1
        text = f"text {self._sent} ".ljust(characters, ".")
        return self._note(upload(self._gateway.port, "acme", text), text)

    def send_unknown_again(self) -> None:
        """Each text that was answered 503; all must be accepted now."""
        for log, text in list(self.unknown.items()):
            answer = upload(self._gateway.port, "acme", text, log)
            assert answer.status == 202, answer.body
            assert answer.json["log_id"] == log
            del self.unknown[log]
            self.accepted[log] = text

    def _note(self, answer: Answer, text: str) -> int:
        assert answer.status in (202, 503), answer
        log = answer.json["log_id"]
        if answer.status == 202:
            self.accepted[log] = text
        else:
            assert answer.json["reason"] in ("broker_unavailable", "store_unavailable")
            assert answer.headers["retry-after"] == "1"
            assert text not in answer.body.decode()
            self.unknown[log] = text
        return answer.status


def check_that_all_are_done_once(gateway: Process, sender: Sender) -> None:
    """Work off what is queued: one document for each text, none beside."""
    with running("worker", gateway.data_dir, seconds_per_character=0):
        until(lambda: not queued(gateway.data_dir), seconds=30, saying="the queue did not drain")
    assert texts(gateway.data_dir, "acme.sqlite3") == sender.accepted
    file = gateway.data_dir / "tenants" / "acme.sqlite3"
    for table in ("plans", "dead_letters"):
        assert query(file, f"SELECT log_id FROM {table}") == []


needs_prlimit = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="NOT TESTED: failing writes; prlimit is Linux's"
)


@contextlib.contextmanager
def no_writes(process: Process) -> Iterator[None]:
    """Not a byte into any file: the broker's, the tenants', nor stderr, which is a file too."""
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


@needs_prlimit
@pytest.mark.parametrize("characters", [100, 2 * MIB], ids=["by message", "by plan"])
def test_writes_that_fail_are_503_and_service_resumes_by_itself(
    tmp_path: Path, characters: int
) -> None:
    # The work's length matters to the gateway too: it cuts what is too large for one message.
    with running("gateway", tmp_path / "data", seconds_per_character=0) as gateway:
        sender = Sender(gateway)
        assert [sender.send(characters) for _ in range(3)] == [202] * 3
        with no_writes(gateway):
            assert [sender.send(characters) for _ in range(5)] == [503] * 5
        until(lambda: sender.send(characters) == 202, seconds=5, saying="service did not resume")
        sender.send_unknown_again()
        check_that_all_are_done_once(gateway, sender)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    place = tmp_path / "tiny"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("NOT TESTED: a full disk; only root can mount a small file system")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=16m", "logweir-test", str(place)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"NOT TESTED: a full disk; mount says {done.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_503_and_service_resumes_once_there_is_room(tiny_disk: Path) -> None:
    with running("gateway", tiny_disk / "data") as gateway:
        sender = Sender(gateway)
        assert [sender.send() for _ in range(5)] == [202] * 5
        filler = tiny_disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        until(lambda: sender.send(10_000) == 503, saying="a full disk was not noticed")
        assert {sender.send(10_000) for _ in range(10)} == {503}
        filler.unlink()
        until(lambda: sender.send() == 202, seconds=5, saying="service did not resume")
        sender.send_unknown_again()
        check_that_all_are_done_once(gateway, sender)


@needs_prlimit
def test_a_worker_outlives_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running("gateway", data_dir) as gateway:
        sender = Sender(gateway)
        with running("worker", data_dir, seconds_per_character=0) as worker:
            until(lambda: sessions(data_dir), saying="the worker has begun no session")
            with no_writes(worker):
                assert [sender.send() for _ in range(5)] == [202] * 5
                time.sleep(1.5)
                assert worker.is_alive()
                assert texts(data_dir, "acme.sqlite3") == {}
            until(lambda: not queued(data_dir), seconds=20, saying="the queue did not drain")
        assert texts(data_dir, "acme.sqlite3") == sender.accepted


@needs_prlimit
def test_a_worker_that_starts_on_a_full_disk_works_once_there_is_room(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running("gateway", data_dir) as gateway:
        sender = Sender(gateway)
        assert [sender.send() for _ in range(5)] == [202] * 5
        worker = Process("worker", data_dir, {"seconds_per_character": 0})
        try:
            with no_writes(worker):
                time.sleep(2)
                assert worker.is_alive()
            until(lambda: not queued(data_dir), seconds=5, saying="the queue did not drain")
        finally:
            worker.kill()
        assert texts(data_dir, "acme.sqlite3") == sender.accepted
