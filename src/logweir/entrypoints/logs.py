"""Logweir's own logs: one line an event on stderr, JSON where it is not a terminal."""

from __future__ import annotations

import logging
import sys
import traceback

import structlog

from logweir.settings import Backend, LogLevel


def configure(level: LogLevel, role: str, backend: Backend = Backend.LOCAL) -> None:
    """Set up structlog for this process. No event may hold any of a log's text."""
    last: list[structlog.typing.Processor]
    if sys.stderr.isatty():
        last = [structlog.dev.ConsoleRenderer()]
    else:
        last = [structlog.processors.JSONRenderer()]
        if backend is Backend.GCP:
            last.insert(0, _name_for_cloud_logging)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role)


def _name_for_cloud_logging(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """What Cloud Logging shows in its columns: https://cloud.google.com/run/docs/logging."""
    return {"severity": event.pop("level").upper(), "message": event.pop("event"), **event}


def blame(error: BaseException) -> dict[str, str]:
    """What a log line says of a bug: its type and place. Its message may quote a log's text."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return {"error": type(error).__name__, "at": f"{place.filename}:{place.lineno}"}
