"""The recorder, mounted: where it can be, what it is told, and its end whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from tests.power.wire import COUNTS, FAULT, MARK, RECORDED, Counts, Plan
from tests.support.processes import until

ROOT: Final = Path(__file__).resolve().parents[2]


def why_not() -> str | None:
    """Why no recorder can run here; None where one can."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse that this user may open"
    if shutil.which("fusermount3") is None:
        return "there is no fusermount3 (Debian: fuse3)"
    return None if find_spec("mfusepy") else "mfusepy is not installed"


@dataclass(frozen=True, slots=True)
class Mount:
    """A recorder at work."""

    path: Path
    recording: Path

    @property
    def data_dir(self) -> Path:
        """What is recorded."""
        return self.path / RECORDED.lstrip("/")

    def mark(self, **members: Any) -> None:
        """Note something that was seen, before anything that is done from now on."""
        os.setxattr(self.path, MARK, json.dumps(members).encode())

    def fail(self, plan: Plan) -> None:
        """Let the disk fail from now on."""
        os.setxattr(self.path, FAULT, json.dumps(asdict(plan)).encode())

    def heal(self) -> Mapping[str, int]:
        """Let nothing fail any more: how often which fault has fired since the mount."""
        os.setxattr(self.path, FAULT, b"")
        return self.counts().fired

    def counts(self) -> Counts:
        """What was done so far; all of it is in the recording afterwards."""
        return Counts(**json.loads(os.getxattr(self.path, COUNTS)))


@contextmanager
def mounted(directory: Path) -> Iterator[Mount]:
    """A recorder whose files lie under ``directory``, which should be in memory."""
    backing, path = directory / "backing", directory / "mount"
    for made in (backing, path):
        made.mkdir(parents=True)
    mount = Mount(path, directory / "recording")
    places = map(str, (backing, path, mount.recording))
    words = [sys.executable, "-m", "tests.power.recorder", *places]
    with (directory / "recorder.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=_environment(), stdout=log, stderr=log)
    try:
        until(lambda: path.is_mount() or process.poll() is not None, saying="it was not mounted")
        assert process.poll() is None, (directory / "recorder.log").read_text()
        yield mount
    finally:
        # Lazily: a process that a failed test has left behind must not keep it.
        subprocess.run(["fusermount3", "-u", "-z", str(path)], check=False)
        process.wait(10)
    said = (directory / "recorder.log").read_text()
    assert "Traceback" not in said, said


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
