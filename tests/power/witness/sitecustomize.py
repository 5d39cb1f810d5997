"""Two planted bugs, for processes of ``logweir`` that find this directory on their PYTHONPATH.

POWER_BUG names the bug; Python imports this module at its start, before the product's own:

    normal   synchronous=NORMAL: a commit is not on the disk when it is answered
    early    a gateway answers 202 before its commit

They show that the power cuts would find such a bug. The product knows nothing of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw


def _plant_normal() -> None:
    from logweir.backends.local import database

    open_database = database.open_database

    def opened(path: Path, *words: Any, **options: Any) -> apsw.Connection:
        connection = open_database(path, *words, **options)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    database.open_database = opened


def _plant_early() -> None:
    from logweir.backends.local.broker import LocalBroker
    from logweir.envelope import Envelope

    publish = LocalBroker.publish
    running = set()

    async def publish_later(self: LocalBroker, envelopes: Sequence[Envelope]) -> None:
        async def later() -> None:
            await asyncio.sleep(0.02)
            with contextlib.suppress(Exception):  # nobody listens any more
                await publish(self, envelopes)

        task = asyncio.create_task(later())
        running.add(task)
        task.add_done_callback(running.discard)

    LocalBroker.publish = publish_later  # type: ignore[method-assign]


match os.environ.get("POWER_BUG"):
    case "normal":
        _plant_normal()
    case "early":
        _plant_early()
    case _:
        pass
