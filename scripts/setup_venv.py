"""Makes .venv ready, of the Python that runs this; `scripts/setup` finds that Python.

`scripts/setup ministack`, `schema` and `fuzz` make .venv-ministack and so on in the same way: what
these programs need is pinned apart from what we need.

    missing, interrupted, moved,      pins or pyproject.toml        as the
    or of another Python              changed                       stamp says
             |                                |                         |
         make anew  ------------------->   install   ------------->   ready

The stamp goes before anything is touched and is written last; ready takes milliseconds.
"""

import contextlib
import fcntl
import hashlib
import platform
import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KIND = sys.argv[1] if sys.argv[1:] else "run"
OURS = KIND not in ("ministack", "schema", "fuzz")
VENV = ROOT / (".venv" if OURS else f".venv-{KIND}")
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".logweir-setup"
# What each kind of .venv has.
PINS = {
    "run": ("build", "run"),
    "gcp": ("build", "run", "gcp"),
    "aws": ("build", "run", "aws"),
    "fast": ("build", "run", "fast"),
    "dev": ("build", "run", "gcp", "aws", "fast", "dev"),
    "ministack": ("ministack",),
    "schema": ("schema",),
    "fuzz": ("fuzz",),
}
PIP = [
    *(str(PYTHON), "-m", "pip", "install"),
    *("--disable-pip-version-check", "--no-input", "--progress-bar=off"),
]


def main() -> None:
    if KIND not in PINS or sys.argv[2:]:
        sys.exit(f"usage: scripts/setup [{'|'.join(PINS)}]")
    if ready(KIND):
        return
    if KIND == "fuzz":
        refuse_without_wheels()
    with one_at_a_time():
        if not ready(KIND):  # another set-up may have made it meanwhile
            make(KIND)


def refuse_without_wheels() -> None:
    """Building atheris takes a clang with libFuzzer: nobody should find that out from pip."""
    here = f"Python {platform.python_version()} on {sys.platform}, {platform.machine()}"
    if not (
        sys.version_info < (3, 15)
        and sys.platform == "linux"
        and platform.machine() == "x86_64"
        and platform.libc_ver()[0] == "glibc"
    ):
        sys.exit(
            "setup: atheris, the fuzzer, comes ready-made for Python 3.11 to 3.14 on x86_64 alone,"
            f" under Linux with glibc; this is {here}"
        )


def place() -> str:
    """Where .venv stands and what it is made of: a moved or copied one would run the old tree."""
    version = ".".join(map(str, sys.version_info[:2]))
    return f"{ROOT} {sys.base_prefix} {version}"


def checksum() -> str:
    requirements = ROOT / "requirements"
    sources = [requirements / f"{name}.txt" for name in PINS[KIND]]
    if OURS:
        sources = [*sorted(requirements.glob("*.txt")), ROOT / "pyproject.toml"]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def stamp() -> tuple[str, str, str]:
    """Place, checksum and kind of the finished .venv; empty without one."""
    try:
        found_place, found_sum, found_kind = STAMP.read_text().splitlines()
    except (OSError, ValueError):
        return "", "", ""
    return found_place, found_sum, found_kind


def ready(kind: str) -> bool:
    *rest, found_kind = stamp()
    return rest == [place(), checksum()] and covers(found_kind, kind) and PYTHON.exists()


def covers(found: str, kind: str) -> bool:
    """Does a .venv of the kind that was found have all that the other needs?"""
    return found in PINS and set(PINS[kind]) <= set(PINS[found])


def make(kind: str) -> None:
    started = time.monotonic()
    found_place, _, found_kind = stamp()
    if found_place == place() and PYTHON.exists():
        kind = found_kind if covers(found_kind, kind) else kind
        STAMP.unlink()
    else:
        say(f"making {VENV.name} with Python {sys.version.split()[0]}")
        venv.create(VENV, clear=True, symlinks=True, with_pip=True, prompt="logweir")
    pins = [ROOT / "requirements" / f"{name}.txt" for name in PINS[kind]]
    texts = "".join(path.read_text() for path in pins)
    packages = len(set(re.findall(r"^(\w[\w.-]*)==", texts, re.MULTILINE)))
    say(f"installing {packages} pinned packages")
    pip("--require-hashes", *(f"--requirement={path}" for path in pins), packages=packages)
    # Hash mode refuses an editable install, and isolation would fetch a build back end unpinned.
    if OURS:
        pip("--no-deps", "--no-build-isolation", f"--editable={ROOT}")
    unfinished = STAMP.with_suffix(".new")
    unfinished.write_text(f"{place()}\n{checksum()}\n{kind}\n")
    unfinished.replace(STAMP)
    say(f"ready in {time.monotonic() - started:.0f} s")


def pip(*arguments: str, packages: int = 0) -> None:
    """Show a count of the packages on a terminal, and pip's own words only where it fails."""
    lines: list[str] = []
    counted = 0
    with subprocess.Popen(
        [*PIP, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.startswith(("Collecting", "Ignoring", "Processing", "Requirement already")):
                counted += 1
                progress(f"{counted} of {packages}" if packages else "")
            elif line.startswith("Installing"):
                progress("unpacking" if packages else "")
    progress("")
    if process.returncode:
        (VENV / "pip.log").write_text("".join(lines))
        noise = ("WARNING", "Looking", "        Expected")
        telling = [line for line in lines if not line.startswith(noise)]
        sys.exit(
            "".join(telling[-12:])
            + f"setup: pip failed; all that it said is in {VENV.name}/pip.log"
        )


def progress(words: str) -> None:
    if sys.stderr.isatty():
        print(f"  {words:<20}", end="\r", file=sys.stderr, flush=True)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    with VENV.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work here; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(words: str) -> None:
    print(f"setup: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; run it again")
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"setup: {error}")
