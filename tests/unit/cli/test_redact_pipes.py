"""``redact`` as a process: in pipes, and on a terminal."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

LOG = "User 555-0199\r\nmail jane@example.com"


@contextmanager
def running(
    *arguments: object,
    stdout: int = PIPE,
    stderr: int = PIPE,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Popen[bytes]]:
    """The command as a process, with pipes where nothing else is said."""
    command = [sys.executable, "-m", "logweir", "redact", *map(str, arguments)]
    with Popen(command, stdin=PIPE, stdout=stdout, stderr=stderr, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal: where to look, and what to give to a process."""
    look, give = pty.openpty()
    os.set_blocking(look, False)  # where nothing is shown, nothing is waited for
    try:
        yield look, give
    finally:
        os.close(look)
        os.close(give)


def test_each_line_is_there_as_soon_as_it_came() -> None:
    with running() as process:
        assert process.stdin
        assert process.stdout
        for number in range(3):
            process.stdin.write(f"{number} from 10.0.0.1\nand".encode())
            process.stdin.flush()
            front = b"and" if number else b""
            assert process.stdout.readline() == front + f"{number} from [REDACTED]\n".encode()


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("from 10.0.0.1\n" * 50_000)
    with running(tmp_path / "log") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        ("log >&-", 0, ""),
        ("--check log >&-", 1, "2 redactions in 2 lines: email 1, phone 1\n"),
        ("--check log 2>&-", 1, ""),
        ("- <&-", 2, "logweir: -: standard input is closed\n"),
        ("log >/dev/full", 4, "logweir: No space left on device\n"),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_bug(
    tmp_path: Path, arguments: str, code: int, error: str
) -> None:
    (tmp_path / "log").write_text(LOG)
    command = f'cd "$1"; exec {shlex.quote(sys.executable)} -m logweir redact {arguments}'
    run = subprocess.run(
        ["/bin/sh", "-c", command, "sh", tmp_path], capture_output=True, check=False
    )
    assert (run.returncode, run.stderr.decode()) == (code, error)


def test_an_interrupt_ends_it_quietly() -> None:
    with running() as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"started\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130  # before its input ends, which would be an end as well
        assert process.communicate() == (b"", b"")


def test_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from logweir.entrypoints.cli import app\n"
        "app(['redact', '-'], standalone_mode=False)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )

    def peak(text: bytes) -> int:
        run = subprocess.run(
            [sys.executable, "-c", code], input=text, capture_output=True, check=True
        )
        assert len(run.stdout) == len(text)
        return int(run.stderr)

    allowed_kib = 12 * 1024
    assert peak(b"a line of words\n" * 1_500_000) - peak(b"a line of words\n") < allowed_kib


def test_on_a_terminal_it_says_how_far_it_is_and_what_it_found() -> None:
    with terminal() as (look, give), running(stderr=give) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(2):
            process.stdin.write(LOG.encode() + b"\n")
            process.stdin.flush()
            assert [process.stdout.readline() for _ in LOG.splitlines()]
            time.sleep(0.25)  # it is drawn anew five times a second
        process.stdin.close()
        process.wait()
        shown = os.read(look, 4096).decode()
    assert "MB/s" in shown
    assert shown.endswith("\r\x1b[K4 redactions in 4 lines: email 2, phone 2\r\n")


def test_matches_are_coloured_on_a_terminal_alone(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG)

    def shown(**variables: str) -> str:
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | variables
        with (
            terminal() as (look, give),
            running("--explain", tmp_path / "log", stdout=give, environment=environment) as process,
        ):
            process.wait()
            return os.read(look, 4096).decode()

    assert "\x1b[31m\x1b[1m555-0199\x1b[0m" in shown()
    assert "\x1b" not in shown(NO_COLOR="1")
