"""Where a test of this suite fails, its report shows what its processes said."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cloud import Cloud


@pytest.fixture
def cloud(emulators: dict[str, str], tmp_path: Path) -> Cloud:
    """A project that nobody has used."""
    return Cloud(emulators, tmp_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the processes' stderr."""
    report = yield
    if report.failed:
        arguments: dict[str, Any] = getattr(item, "funcargs", {})
        clouds = [each for each in arguments.values() if isinstance(each, Cloud)]
        for name, said in (pair for each in clouds for pair in each.said()):
            report.sections.append((f"stderr of {name}", said))
    return report
