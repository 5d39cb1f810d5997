"""Push workers and a gateway as a cloud runs them: what dies is started again on its port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.crash.service import Service, free_port
from tests.support.bridge import Bridge
from tests.support.cloud import Google

from logweir.settings import Settings

_WORKERS: Final = 2
_ROLES: Final = {"worker": "push", "gateway": "gateway"}
_KEPT_SECONDS: Final = 0.02  # between two looks whether somebody died


class Fleet:
    """Two push workers and a gateway, and a bridge from Pub/Sub to the workers."""

    def __init__(self, cloud: Google, settings: Settings) -> None:
        self._cloud = cloud
        self._gateway = Service(settings, role="gateway", witness=cloud.addresses)
        self._services = [
            self._gateway,
            *(
                Service(replace(settings, port=free_port()), role="push", witness=cloud.addresses)
                for _ in range(_WORKERS)
            ),
        ]
        self._keeper: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The gateway's."""
        return self._gateway.url

    @property
    def log_path(self) -> Path:
        """All of them say it there."""
        return self._gateway.log_path

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """With topics and subscriptions, and what comes by these pushed to the workers."""
        await self._cloud.provision()
        workers = [each.url.removesuffix("ingest") for each in self._services[1:]]
        bridge = Bridge(self._cloud.broker, *workers, in_flight_max=800)
        self.start()
        try:
            async with bridge.carrying():
                yield
        finally:
            self.kill_all()

    def start(self) -> None:
        """All of them, and who keeps them running."""
        for service in self._services:
            service.start()
        self._keeper = asyncio.create_task(self._keep())

    async def listening(self) -> None:
        """The workers too."""
        for service in self._services:
            await service.listening()

    def children(self, role: str) -> list[int]:
        """Of the living."""
        return [
            service.process.pid
            for service in self._services
            if service.role == _ROLES[role] and service.process and service.process.poll() is None
        ]

    def kill_all(self) -> int:
        """And nobody starts them again."""
        self._leave_alone()
        return sum(service.kill_all() for service in self._services)

    async def stop(self) -> int:
        """SIGTERM to all; 0 if all of them end with that."""
        self._leave_alone()
        codes = await asyncio.gather(*(service.stop() for service in self._services))
        return next(filter(None, codes), 0)

    def _leave_alone(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()

    async def _keep(self) -> None:
        while True:
            for service in self._services:
                if service.process is not None and service.process.poll() is not None:
                    service.start()
            await asyncio.sleep(_KEPT_SECONDS)
