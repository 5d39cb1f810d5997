"""Logweir's own log lines, where they are read by a machine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from logweir.entrypoints import logs
from logweir.settings import Backend, LogLevel


@pytest.fixture(autouse=True)
def structlog_as_it_was() -> Iterator[None]:
    """The set-up is the process's."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_line_is_json_with_the_event_and_its_level(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogLevel.INFO, "worker")
    structlog.get_logger().warning("retry", after_seconds=1)
    line = json.loads(capsys.readouterr().err)
    del line["timestamp"]
    assert line == {"event": "retry", "level": "warning", "role": "worker", "after_seconds": 1}


def test_on_google_cloud_a_line_has_the_names_that_cloud_logging_knows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(LogLevel.INFO, "push", Backend.GCP)
    structlog.get_logger().error("quarantined", bytes=3)
    structlog.get_logger().debug("not shown")
    line = json.loads(capsys.readouterr().err)
    del line["timestamp"]
    assert line == {"message": "quarantined", "severity": "ERROR", "role": "push", "bytes": 3}
