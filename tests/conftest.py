"""Fixtures of every suite: the clouds' emulators, started once for a run and where asked for."""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cloud import Cloud
from tests.support.emulators import emulators_running
from tests.support.ministack import ministack_running


@pytest.fixture(scope="session")
def of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for all processes of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def emulators(of_this_run: Path) -> Iterator[dict[str, str]]:
    """Both emulators: their addresses by variable."""
    with emulators_running(of_this_run / "emulators") as addresses:
        yield addresses


@pytest.fixture(scope="session")
def firestore(emulators: dict[str, str]) -> str:
    """Firestore's address."""
    return emulators["FIRESTORE_EMULATOR_HOST"]


@pytest.fixture(scope="session")
def pubsub(emulators: dict[str, str]) -> str:
    """Pub/Sub's address."""
    return emulators["PUBSUB_EMULATOR_HOST"]


@pytest.fixture(scope="session")
def ministack(of_this_run: Path) -> Iterator[dict[str, str]]:
    """The emulator of AWS: its address by variable."""
    with ministack_running(of_this_run / "ministack") as address:
        yield address


@pytest.fixture
def aws_prefix() -> str:
    """A prefix of queues and table that nobody has used."""
    return f"test-{uuid.uuid4().hex[:20]}"


@pytest.fixture
def project() -> str:
    """A project that nobody has used."""
    return f"test-{uuid.uuid4().hex[:20]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a test of a cloud fails, its report shows what is running there said."""
    report = yield
    if report.failed:
        arguments: dict[str, Any] = getattr(item, "funcargs", {})
        given = [getattr(each, "cloud", each) for each in arguments.values()]
        clouds = [each for each in given if isinstance(each, Cloud)]
        for name, said in (pair for each in clouds for pair in each.said()):
            report.sections.append((f"stderr of {name}", said))
    return report
