"""What SQLite leaves to us: names of directories, and commits that a failed fsync left in doubt."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from tests.support.logs import a_document, a_log

from logweir.backends.local.database import sync_directory
from logweir.bootstrap import open_ports
from logweir.errors import BrokerUnavailable
from logweir.settings import Settings


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was synced by Python's own fsync, in order."""
    paths: list[Path] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        paths.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    return paths


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="NOT TESTED: which directory is synced; Linux only"
)


@needs_proc
async def test_the_names_of_new_directories_are_synced(tmp_path: Path, synced: list[Path]) -> None:
    data_dir = tmp_path / "new" / "data"
    async with open_ports(Settings(data_dir=data_dir)) as ports:
        assert synced == [tmp_path / "new", tmp_path]
        await ports.publisher.publish([a_log("a")])
        assert synced[2:] == [data_dir, tmp_path / "new"]
        await ports.store.create(a_document("a"))
        assert synced[4:] == [data_dir / "tenants", data_dir]


@needs_proc
async def test_a_journal_that_is_found_is_written_and_synced_again(
    tmp_path: Path, synced: list[Path]
) -> None:
    async with open_ports(Settings(data_dir=tmp_path / "data")) as ports:
        await ports.publisher.publish([a_log("a")])
        shutil.copytree(tmp_path / "data", tmp_path / "found")  # as a crash leaves it
    synced.clear()
    async with open_ports(Settings(data_dir=tmp_path / "found")) as ports:
        assert [b.waiting for b in await ports.backlog.backlog()] == [1]
    assert synced == [tmp_path / "found", tmp_path / "found" / "broker.sqlite3-wal"]


async def test_nothing_is_accepted_while_the_directory_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_ports(Settings(data_dir=tmp_path)) as ports:
        with monkeypatch.context() as failing:
            failing.setattr(os, "fsync", _fails(errno.EIO))
            with pytest.raises(BrokerUnavailable):
                await ports.publisher.publish([a_log("a")])
        await ports.publisher.publish([a_log("a")])


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_directories_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", _fails(number))
    sync_directory(tmp_path)


def test_a_directory_that_may_not_be_read_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "root may read everything")

    monkeypatch.setattr(os, "open", refuse)
    sync_directory(tmp_path)


def _fails(number: int) -> object:
    def fsync(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    return fsync
