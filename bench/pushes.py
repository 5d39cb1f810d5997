"""(g) The push worker with a thousand pushes in flight: memory, processor time, answers."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench import emulated
from bench.logs import envelopes
from bench.processes import await_port, cpu_seconds, free_port, memory_mib, peak_memory_mib, running
from logweir.envelope import encode

_PROJECT = "bench-push"
_SUBSCRIPTION = f"projects/{_PROJECT}/subscriptions/{emulated.TOPIC}"
_TENANTS = 4
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Pushes:
    """What the worker's process used, and what it answered."""

    answered_204: float
    seconds: float
    work_seconds: float
    rest_mib: float
    in_flight_mib: float
    peak_mib: float
    cpu_ms_per_push: float


def measure(work: Path, *, pushes: int, characters: int, work_seconds: float) -> Pushes:
    """All at once; each is in work for ``work_seconds``. One before loads what is loaded late."""
    port = free_port()
    settings = {
        "backend": "gcp",
        "gcp_project": _PROJECT,
        "gcp_push_auth": "platform",
        "seconds_per_character": work_seconds / characters,
        "port": port,
        "log_level": "warning",
    }
    with (
        emulated.running(),
        running("-m", "logweir", "push", settings=settings, log=work / "push.log") as worker,
    ):
        await_port(port, worker)
        return asyncio.run(
            _push(worker.pid, f"http://127.0.0.1:{port}/", pushes, characters, work_seconds)
        )


async def _push(pid: int, url: str, pushes: int, characters: int, work_seconds: float) -> Pushes:
    first, *bodies = _bodies(pushes + 1, characters)
    answers: Counter[int] = Counter()
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=120)
    ) as session:

        async def post(body: bytes) -> None:
            async with session.post(url, data=body) as answer:
                answers[answer.status] += 1

        rest = memory_mib(pid)
        await post(first)
        answers.clear()
        cpu, started, in_flight = cpu_seconds(pid), time.perf_counter(), rest
        posts = asyncio.gather(*(post(body) for body in bodies))
        while not posts.done():
            if not answers:
                in_flight = memory_mib(pid)
            await asyncio.sleep(_LOOK_SECONDS)
        await posts
        seconds = time.perf_counter() - started
    return Pushes(
        answered_204=answers[204] / pushes,
        seconds=seconds,
        work_seconds=work_seconds,
        rest_mib=rest,
        in_flight_mib=in_flight,
        peak_mib=peak_memory_mib(pid),
        cpu_ms_per_push=(cpu_seconds(pid) - cpu) / pushes * 1e3,
    )


def _bodies(count: int, characters: int) -> list[bytes]:
    return [
        json.dumps(
            {
                "message": {
                    "data": base64.b64encode(encode(envelope)).decode(),
                    "attributes": {"tenant": envelope.tenant, "log": envelope.log},
                    "messageId": str(number),
                    "publishTime": "2026-11-23T14:46:34.749Z",
                },
                "subscription": _SUBSCRIPTION,
            }
        ).encode()
        for number, envelope in enumerate(envelopes(count, tenants=_TENANTS, characters=characters))
    ]
