"""On a cloud a log waits behind those before it, whoever sent them: how long at most."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.fairness import suites
from tests.fairness.suites import assert_fair
from tests.support.cloud import amazon, google

pytestmark = pytest.mark.slow


async def test_on_google_cloud_a_log_waits_behind_those_before_it_at_most(
    emulators: Mapping[str, str], tmp_path: Path
) -> None:
    assert_fair(await suites.on_cloud(lambda: google(emulators, tmp_path)))


async def test_on_aws_a_log_waits_behind_those_before_it_at_most(
    ministack: Mapping[str, str], tmp_path: Path
) -> None:
    assert_fair(await suites.on_cloud(lambda: amazon(ministack, tmp_path)))
