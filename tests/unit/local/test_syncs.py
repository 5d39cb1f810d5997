"""What SQLite leaves to us: names of directories, and commits that a failed fsync left in doubt."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.support.disk import Disk
from tests.support.logs import a_document, a_log

from logweir.backends.local.database import sync_directory
from logweir.backends.local.store import open_tenant
from logweir.bootstrap import open_ports
from logweir.errors import BrokerUnavailable, Misconfigured, StoreUnavailable
from logweir.ids import TenantId
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
@pytest.mark.parametrize("name", ["broker.sqlite3", "tenants/acme.sqlite3"])
async def test_the_name_of_a_new_journal_is_synced_before_anything_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """SQLite syncs it too, with the first commit, and goes on where that fails."""
    held: dict[Path, set[str]] = {}  # by directory, the names at its last sync

    def noted(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        held[path] = set(os.listdir(descriptor)) if path.is_dir() else set()

    monkeypatch.setattr(os, "fsync", noted)
    async with open_ports(Settings(data_dir=tmp_path)) as ports:
        await ports.publisher.publish([a_log("a")])
        await ports.store.create(a_document("a"))
        path = tmp_path / name
        assert f"{path.name}-wal" in held[path.parent]


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
    assert synced == [tmp_path / "found" / "broker.sqlite3-wal", tmp_path / "found"]


async def test_nothing_is_accepted_while_the_directory_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_ports(Settings(data_dir=tmp_path)) as ports:
        with monkeypatch.context() as failing:
            failing.setattr(os, "fsync", _fails(errno.EIO))
            with pytest.raises(BrokerUnavailable):
                await ports.publisher.publish([a_log("a")])
        await ports.publisher.publish([a_log("a")])


async def test_a_new_file_whose_first_commit_fails_is_not_used(tmp_path: Path, disk: Disk) -> None:
    """It would be one with a rollback journal, and a power cut could undo what is committed."""
    async with open_ports(Settings(data_dir=tmp_path)) as ports:
        await ports.publisher.publish([a_log("a")])
        disk.syncs_to_fail = 1
        with pytest.raises(StoreUnavailable, match="the disk does not sync"):
            await ports.store.create(a_document("a"))
        await ports.store.create(a_document("a"))
        with closing(apsw.Connection(str(tmp_path / "tenants" / "acme.sqlite3"))) as file:
            assert file.pragma("journal_mode") == "wal"


def test_a_file_system_without_shared_memory_is_refused(tmp_path: Path) -> None:
    apsw.set_default_vfs("unix-dotfile")  # as for a network file system
    try:
        with pytest.raises(Misconfigured, match="put the data directory on a local disk"):
            open_tenant(tmp_path, TenantId("acme"))
    finally:
        apsw.set_default_vfs("unix")


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
