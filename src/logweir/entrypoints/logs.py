"""Logweir's own logs: one line an event on stderr, JSON where it is not a terminal."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from logweir.settings import Backend, LogLevel


@contextmanager
def _not_found(module: str) -> Iterator[None]:
    """Meanwhile an import of the module fails, as if it were not installed."""
    modules = cast(dict[str, Any], sys.modules)
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]


# structlog loads rich where it finds it, for tracebacks in colour, and we print none: a sixth of a
# cold start. So processes import this module before any other that uses structlog.
if "rich" in sys.modules:
    import structlog
else:
    with _not_found("rich"):
        import structlog


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
