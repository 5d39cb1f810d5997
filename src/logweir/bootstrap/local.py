"""One machine: SQLite files in a directory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.database import sync_directory
from logweir.backends.local.reader import LocalReader
from logweir.backends.local.store import LocalStore
from logweir.bootstrap.ports import Ports
from logweir.clock import SystemClock
from logweir.errors import Misconfigured
from logweir.settings import Settings

if TYPE_CHECKING:
    from logweir.redact.policies import Redactors


@asynccontextmanager
async def open_local(settings: Settings, *, create: bool) -> AsyncIterator[Ports]:
    """The files of ``data_dir``; without ``create`` they must be there. Raises Misconfigured."""
    clock = SystemClock()
    if create:
        _make_private(settings.data_dir)
    elif not settings.data_dir.is_dir():
        raise Misconfigured(
            f"LOGWEIR_DATA_DIR, --data-dir: there is no directory {settings.data_dir.absolute()}"
        )
    elif not _has_data(settings.data_dir):
        raise Misconfigured(
            "LOGWEIR_DATA_DIR, --data-dir: there is no Logweir data in"
            f" {settings.data_dir.absolute()}"
        )
    try:
        broker = LocalBroker(settings.data_dir, clock, settings.limits)
        store = LocalStore(settings.data_dir)
    except OSError as error:
        raise _unusable(settings.data_dir, error) from error

    @cache
    def redactors() -> Redactors:
        """Made when a document is read: a gateway has no rules, and starts without them."""
        from logweir.bootstrap.redaction import redactors

        return redactors(settings)

    try:
        yield Ports(
            clock=clock,
            publisher=broker,
            store=store,
            reader=LocalReader(settings.data_dir, redactors),
            backlog=broker,
            ledger=broker.ledger,
            session=broker.session,
            reap=broker.reap,
        )
    finally:
        await broker.close()
        await store.close()


def _has_data(data_dir: Path) -> bool:
    # A gateway that has accepted nothing yet has only made the two directories.
    return (data_dir / "broker.sqlite3").exists() or all(
        (data_dir / name).is_dir() for name in ("leases", "tenants")
    )


def _make_private(data_dir: Path) -> None:
    try:
        new = [path for path in (data_dir, *data_dir.parents) if not path.exists()]
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in new:  # or a power cut may take the whole directory away
            sync_directory(path.parent)
    except OSError as error:
        raise _unusable(data_dir, error) from error


def _unusable(data_dir: Path, error: OSError) -> Misconfigured:
    return Misconfigured(
        f"LOGWEIR_DATA_DIR, --data-dir: {data_dir.absolute()} cannot be used: {error.strerror}"
    )
