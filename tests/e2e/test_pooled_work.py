"""The user's own function in a worker's processes: killed, stopped, interrupted with the worker."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from tests.support.kept import query, texts
from tests.support.processes import Process, command_line, running, until
from tests.support.wire import upload

ROOT = Path(__file__).parents[2]
STAY = "tests.support.jobs:stay"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="NOT TESTED: processes are looked up in /proc"
)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory, for processes that find the tests' modules and those in ``tmp_path``."""
    paths = [str(tmp_path), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return tmp_path / "data"


def test_a_worker_that_is_killed_leaves_no_process(data_dir: Path, tmp_path: Path) -> None:
    take_in(data_dir, f"{tmp_path}/pid 40")
    with running("worker", data_dir, work=STAY) as worker:
        pid = pid_in(tmp_path / "pid")
        children = children_of(worker.pid)  # Python's tracker of resources is one too
        assert pid in children
        worker.kill()
        until(lambda: not any(command_line(child) for child in children), seconds=3)


def test_a_worker_that_is_stopped_does_not_wait_for_the_function(
    data_dir: Path, tmp_path: Path
) -> None:
    take_in(data_dir, f"{tmp_path}/pid 40")
    with running("worker", data_dir, work=STAY, drain_seconds=1) as worker:
        pid = pid_in(tmp_path / "pid")
        started = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - started < 3
        until(lambda: not command_line(pid), seconds=1)
    assert query(data_dir / "broker.sqlite3", "SELECT state, deaths FROM messages") == [
        ("waiting", 0)
    ]


def test_ctrl_c_lets_a_text_be_finished(data_dir: Path, tmp_path: Path) -> None:
    text = f"{tmp_path}/pid 1"
    take_in(data_dir, text)
    with running("worker", data_dir, work=STAY, drain_seconds=20) as worker:
        pid_in(tmp_path / "pid")
        worker.interrupt()
        assert worker.wait() == 0
    assert list(texts(data_dir, "acme.sqlite3").values()) == [text]


def test_ctrl_c_while_a_process_starts_is_no_error(data_dir: Path, tmp_path: Path) -> None:
    # The worker itself loads it at once; its process says that it begins, and takes a second.
    (tmp_path / "slow_to_load.py").write_text(
        "import multiprocessing, pathlib, time\n"
        "if multiprocessing.parent_process():\n"
        f"    pathlib.Path({str(tmp_path / 'loading')!r}).touch()\n"
        "    time.sleep(1)\n"
        "work = len\n"
    )
    take_in(data_dir, "hello")
    with running("worker", data_dir, work="slow_to_load:work", drain_seconds=20) as worker:
        until(lambda: worker.children("--multiprocessing-fork"))
        for _ in range(20):  # Python starts, then Logweir, then the user's module
            worker.interrupt()
            if (tmp_path / "loading").exists():
                break
            time.sleep(0.02)
        assert worker.wait() == 0
    assert list(texts(data_dir, "acme.sqlite3").values()) == ["hello"]


def test_a_module_that_raises_is_said_plainly(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "raising_job.py").write_text("raise ValueError('no model')")
    worker = Process("worker", data_dir, {"work": "raising_job:work"})
    try:
        assert worker.wait(10) == 2
    finally:
        worker.kill()
    assert "LOGWEIR_WORK" in worker.stderr
    assert "ValueError" in worker.stderr
    assert "Traceback" not in worker.stderr


def take_in(data_dir: Path, text: str) -> None:
    with running("gateway", data_dir) as gateway:
        assert upload(gateway.port, "acme", text).status == 202


def pid_in(path: Path) -> int:
    """The process id that a job writes as it begins."""
    until(lambda: path.exists() and path.read_text(), saying="the function was not called")
    return int(path.read_text())


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
