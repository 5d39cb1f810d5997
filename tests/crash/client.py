"""A client that writes down what it sent and what it was told, and never gives an id up."""

from __future__ import annotations

import asyncio
import io
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import aiohttp
from tests.crash.texts import TENANTS, Text, make_text

from logweir.envelope import Source, sha256_of
from logweir.verify.evidence import Answer, Sent

_TRY_AGAIN_SECONDS: Final = 0.1
_TRIES_MAX: Final = 300
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15.0)


@dataclass
class Client:
    """Sends to one gateway, which may die at any moment."""

    url: str
    again_seconds: float = _TRY_AGAIN_SECONDS  # until what was not answered 202 is sent again
    history: list[Sent] = field(default_factory=list)

    async def send(
        self, http: aiohttp.ClientSession, text: Text, tenant: str, log: str | None, source: Source
    ) -> None:
        """Until it is answered 202; only once where no id is known, since a repeat could double."""
        for _ in range(_TRIES_MAX):
            sent = await self._try(http, text, tenant, log, source)
            self.history.append(sent)
            log = sent.log
            if sent.answer is not Answer.UNKNOWN or log is None:
                return
            await asyncio.sleep(self.again_seconds)

    async def _try(
        self, http: aiohttp.ClientSession, text: Text, tenant: str, log: str | None, source: Source
    ) -> Sent:
        invoked, invoked_at = time.monotonic(), datetime.now(UTC)
        try:
            status, told = await self._post(http, text.text, tenant, log, source)
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            status, told = 503, log
        if status == 202:
            answer = Answer.OK
        else:
            answer = Answer.FAIL if 400 <= status < 500 else Answer.UNKNOWN
        return Sent(
            tenant=tenant,
            log=told or log,
            source=source.value,
            sha256=sha256_of(text.text),
            characters=len(text.text),
            canary=text.canary,
            answer=answer,
            invoked=invoked,
            answered=time.monotonic(),
            invoked_at=invoked_at,
        )

    async def _post(
        self, http: aiohttp.ClientSession, text: str, tenant: str, log: str | None, source: Source
    ) -> tuple[int, str | None]:
        if source is Source.JSON:
            members = {"tenant_id": tenant, "text": text} | ({"log_id": log} if log else {})
            headers, body = {"Content-Type": "application/json"}, json.dumps(members)
        else:
            headers = {"Content-Type": "text/plain", "X-Tenant-ID": tenant}
            headers |= {"X-Log-ID": log} if log else {}
            body = text
        data = io.BytesIO(body.encode())  # aiohttp warns of bytes that are large
        async with http.post(self.url, data=data, headers=headers, timeout=_TIMEOUT) as response:
            answer = await response.json(content_type=None)
            return response.status, answer.get("log_id")


async def traffic(
    client: Client,
    rng: random.Random,
    *,
    per_second: float,
    characters: tuple[int, int],
    long_characters: int,
    ended: Callable[[], bool],
    at_once: int = 10_000,
) -> int:
    """Send at a steady rate, whatever becomes of each, until ``ended``; how many logs.

    ``at_once``: what comes on top of so many waits.
    """
    room = asyncio.Semaphore(at_once)

    async def send(text: Text, tenant: str, log: str | None, source: Source) -> None:
        async with room:
            await client.send(http, text, tenant, log, source)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
        logs = 0
        while not ended():
            await asyncio.sleep(rng.expovariate(per_second))
            tenant, source = rng.choice(TENANTS), rng.choice(list(Source))
            dice = rng.random()
            length = long_characters if dice < 0.08 else rng.randint(*characters)
            text = make_text(rng, length)
            log = f"log-{logs}" if rng.random() < 0.7 else None
            group.create_task(send(text, tenant, log, source))
            logs += 1
            if log and dice > 0.9:  # an identical repeat, or another text under the same id
                again = text if dice > 0.95 else make_text(rng, length)
                group.create_task(send(again, tenant, log, source))
    return logs
