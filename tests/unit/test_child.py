"""What a supervisor starts: quick to start, and its end says what was wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LOADED = """
import sys
import logweir.__main__, logweir.entrypoints.child
import logweir.entrypoints.server, logweir.entrypoints.worker
print(*sys.modules)
"""


def child(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    others = {name: text for name, text in os.environ.items() if not name.startswith("LOGWEIR_")}
    return subprocess.run(
        [sys.executable, *words],
        env=others | {f"LOGWEIR_{name.upper()}": text for name, text in settings.items()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_who_is_started_again_does_not_wait_for_the_command_line() -> None:
    loaded = child("-c", LOADED).stdout.split()
    assert "logweir.entrypoints.worker" in loaded
    assert not [name for name in loaded if name.startswith(("typer", "logweir.entrypoints.cli"))]


@pytest.mark.parametrize("role", ["gateway", "worker"])
def test_a_setting_that_cannot_be_meant_is_one_line_and_exit_code_2(role: str) -> None:
    ended = child("-m", "logweir", role, "--supervised", chunk_seconds="no")
    assert ended.returncode == 2
    assert "LOGWEIR_CHUNK_SECONDS" in ended.stderr
    assert ended.stderr.count("\n") == 1
