"""The zip of the Lambda functions: Logweir and the few packages it needs there, each time the same.

    python scripts/bundle_aws.py [--architecture arm64|x86_64|host] [--python 3.13] [FILE]

Packages come by pip, by the hashes of requirements/*.txt, as wheels for the functions' platform
and not for this one: no Docker, no compiler. `host` is for an emulator, which runs functions with
the Python of this machine.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
HOST: Final = "host"
HOST_PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
DEFAULT: Final = ROOT / "build" / "logweir-aws.zip"
# Lambda's machine is Amazon Linux 2023, with glibc 2.34.
_GLIBC: Final = ("2_34", "2_28", "2_17")
_MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
_PINS: Final = ("run", "aws")
# What the handlers import. The gateway's server, the commands and their colours stay at home.
_PACKAGES: Final = ("botocore", "jmespath", "python-dateutil", "six", "structlog", "urllib3")
# Where Python does not have it itself: the first version that does.
_UNTIL: Final = {"backports-zstd": (3, 14), "typing-extensions": (3, 13)}
_SERVICES: Final = ("dynamodb", "sqs")  # of botocore's four hundred
_NOT_OURS: Final = ("__pycache__", "*.pyc")
_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the first that a zip knows
_FILE: Final = 0o100644 << 16
_PINNED: Final = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+)[^\\\n]*\\\n(?P<hashes>(?: +--hash=\S+(?: \\)?\n)+)",
    re.MULTILINE,
)


def bundle(target: Path, architecture: str = "arm64", python: str = HOST_PYTHON) -> Path:
    """Make the zip for a processor, or for HOST, and a version of Python."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        _install(folder, Path(scratch) / "pins.txt", architecture, python)
        _trim(folder)
        shutil.copytree(
            ROOT / "src" / "logweir", folder / "logweir", ignore=shutil.ignore_patterns(*_NOT_OURS)
        )
        if python == HOST_PYTHON:
            _compile(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        _zip(folder, unfinished)
        return unfinished.replace(target)


def packages(python: str) -> tuple[str, ...]:
    """What is installed for a version of Python."""
    version = tuple(map(int, python.split(".")))
    return (*_PACKAGES, *(name for name, first in _UNTIL.items() if version < first))


def pins(python: str) -> str:
    """The packages with their versions and hashes, as pip reads them."""
    pinned: dict[str, re.Match[str]] = {}
    for name in _PINS:
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        pinned |= {match["name"]: match for match in _PINNED.finditer(text)}
    # Without the markers: pip would judge them by the Python that it runs on.
    chosen = (pinned[name] for name in packages(python))
    return "".join(f"{each['name']}=={each['version']} \\\n{each['hashes']}" for each in chosen)


def _install(folder: Path, file: Path, architecture: str, python: str) -> None:
    file.write_text(pins(python))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-input", "--no-compile", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", f"--target={folder}", f"--requirement={file}"]
    if architecture != HOST:
        command += [f"--python-version={python}", "--implementation=cp"]
        command += [f"--abi={abi}" for abi in (f"cp{python.replace('.', '')}", "abi3", "none")]
        machine = _MACHINES[architecture]
        command += [f"--platform=manylinux_{glibc}_{machine}" for glibc in _GLIBC]
    elif python != HOST_PYTHON:
        raise ValueError(f"this machine has Python {HOST_PYTHON}, and {python} is asked for")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"pip failed:\n{done.stderr[-2000:]}")


def _trim(folder: Path) -> None:
    """Leave out what no function uses, and what pip writes differently each time."""
    data = folder / "botocore" / "data"
    for service in data.iterdir():
        if service.is_dir() and service.name not in _SERVICES:
            shutil.rmtree(service)
    for examples in data.glob("*/*/examples-*"):
        examples.unlink()
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for info in folder.glob("*.dist-info"):
        for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
            (info / name).unlink(missing_ok=True)


def _compile(folder: Path) -> None:
    """Bytecode halves a cold start: functions cannot write their own, the bundle is read-only.

    It goes by no time of a file, and a process of its own with hashes that do not vary compiles it:
    what else is alive in one shows in its bytes.
    """
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash"]
    command += ["-s", str(folder), "-p", "/var/task", str(folder)]
    subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "0"}, check=True)


def _zip(folder: Path, target: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _TIME)
            info.create_system = 3  # Unix, wherever it is made
            info.external_attr = _FILE
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes())


def main(arguments: list[str] | None = None) -> int:
    """Make it, and say where and how large it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, nargs="?", default=DEFAULT)
    parser.add_argument("--architecture", choices=[*_MACHINES, HOST], default="arm64")
    parser.add_argument("--python", default=HOST_PYTHON, help="for what version (default: this)")
    given = parser.parse_args(arguments)
    try:
        path = bundle(given.file, given.architecture, given.python)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"bundle_aws: {error}", file=sys.stderr)
        return 1
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
