"""A back end loads the library of its own cloud and no other, which need not be installed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

LIBRARIES = {
    "local": ("apsw",),
    "gcp": ("google", "grpc"),
    "aws": ("botocore", "boto3"),
}
ENVIRONMENTS = {
    "local": {},
    "gcp": {"LOGWEIR_GCP_PROJECT": "p", "PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}
    | {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"},
    "aws": {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
}
OPEN = """
import asyncio, os, sys
from logweir.bootstrap import open_ports
from logweir.settings import load

async def main():
    async with open_ports(load(os.environ)):
        print(*sys.modules)

asyncio.run(main())
"""


@pytest.mark.parametrize("backend", LIBRARIES)
def test_a_back_end_loads_no_library_of_another(backend: str, tmp_path: Path) -> None:
    if find_spec(LIBRARIES[backend][0]) is None:
        pytest.skip(f"the extra logweir[{backend}] is not installed")
    others = {name: v for name, v in os.environ.items() if not name.startswith("LOGWEIR_")}
    ours = {"LOGWEIR_BACKEND": backend, "LOGWEIR_DATA_DIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", OPEN],
        env=others | ours | ENVIRONMENTS[backend],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert loaded & {*LIBRARIES[backend]}
    foreign = {name for other in LIBRARIES if other != backend for name in LIBRARIES[other]}
    assert not loaded & foreign
