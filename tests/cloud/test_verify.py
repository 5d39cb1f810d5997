"""One command proves a Logweir on a cloud's emulators, and names what is missing there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.cloud import AnyCloud

pytestmark = pytest.mark.slow

WORK = ("--seconds-per-character", "0.005")


def test_one_command_floods_and_proves(
    new_cloud: Callable[[Path], AnyCloud], tmp_path: Path
) -> None:
    cloud = new_cloud(tmp_path)
    with cloud.running("serve", seconds_per_character=0.005) as service:
        url = f"http://127.0.0.1:{service.port}"
        flood = ("flood", url, "--rpm", "1500", "--seconds", "2", "--tenants", "2")
        result = cloud.shell(*flood, *WORK, "--verify", "--json")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    proven = json.loads(result.stdout)["verify"]
    assert (proven["verdict"], proven["documents"], proven["others"]) == ("kept", 50, 0)
