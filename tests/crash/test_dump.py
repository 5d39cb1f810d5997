"""What the harness reads while processes are killed around it."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
from tests.crash.dump import rows


def _leave_hot_journal(path: Path) -> None:
    """A file as its writer left it that was killed between two of its pages."""
    db = apsw.Connection(str(path.with_suffix(".whole")))
    db.execute("PRAGMA cache_size = 1; CREATE TABLE kept (id); INSERT INTO kept VALUES (1)")
    db.execute("BEGIN; UPDATE kept SET id = 2; CREATE TABLE spilled (id, text)")
    for number in range(100):  # more than its cache holds, so that some are on the disk already
        db.execute("INSERT INTO spilled VALUES (?, zeroblob(4000))", (number,))
    shutil.copy(path.with_suffix(".whole"), path)
    shutil.copy(path.with_suffix(".whole-journal"), f"{path}-journal")
    db.close()


def test_a_journal_that_a_killed_writer_left_is_rolled_back(tmp_path: Path) -> None:
    path = tmp_path / "tenant.sqlite3"
    _leave_hot_journal(path)

    assert rows(path, "SELECT id FROM kept") == [(1,)]


def test_a_file_in_which_nothing_was_committed_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "tenant.sqlite3"
    _leave_hot_journal(path)

    assert rows(path, "SELECT id FROM spilled") == []


def test_a_file_that_is_not_there_yet_has_no_rows(tmp_path: Path) -> None:
    assert rows(tmp_path / "tenant.sqlite3", "SELECT 1") == []
    assert not (tmp_path / "tenant.sqlite3").exists()
