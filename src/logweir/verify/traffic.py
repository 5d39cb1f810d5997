"""What a flood sends: small logs as services write them, of several tenants, JSON and text.

The same seed makes the same logs. Each has a canary, a word that occurs nowhere else and that
redaction leaves alone: wherever it turns up, the history says whose log of which flood that is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from logweir.envelope import Source
from logweir.ids import LogId, TenantId
from logweir.verify.canary import canary

_LINES: Final = (
    "2026-03-01T12:{two:02d}:07.{three}Z INFO http GET /api/v2/orders/{five} 200 {two}ms",
    "2026-03-01 09:14:{two:02d},{three} WARN pool [worker-{two}] 5 of 64 connections left",
    "ERROR payment declined for order {five}: card 4111 1111 1111 1111, retry in {two} s",
    "user jane.doe{two}@example.com logged in from 192.0.2.{two} after {three} ms",
    "callback requested: (555) 010-{five:.4} between 9 and 5",
    "User 555-0{three} logged in",
    "level=info svc=billing tenant_plan=pro batch={five} took={three}ms rows={two}",
    "DEBUG connecting to postgres://app:s3cr3t{two}@db.internal:5432/main",
    "Ошибка: заказ {five} не найден — 订单不存在 🚧",
    'Traceback:\n  File "/srv/app.py", line {two}, in handle\nKeyError: "{five}"',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One log to be sent; without ``log`` the server makes the id."""

    index: int
    tenant: TenantId
    log: LogId | None
    source: Source
    text: str
    canary: str
    attempt: int = 1


def traffic(seed: int, tenants: int) -> Iterator[Request]:
    """Logs without end: half of them JSON, half with an id of their own, the tenants mixed."""
    rng = random.Random(seed)
    names = [TenantId(f"flood-{number}") for number in range(1, tenants + 1)]
    index = 0
    while True:
        tenant = rng.choice(names)
        mark = canary(seed, index, tenant)
        yield Request(
            index=index,
            tenant=tenant,
            log=LogId(f"{seed}-{index}") if rng.random() < 0.5 else None,
            source=rng.choice((Source.JSON, Source.TEXT)),
            text=_text(rng, mark),
            canary=mark,
        )
        index += 1


def _text(rng: random.Random, mark: str) -> str:
    lines = [
        line.format(
            two=rng.randrange(10, 60),
            three=rng.randrange(100, 1000),
            five=str(rng.randrange(10000, 100000)),
        )
        for line in rng.choices(_LINES, k=rng.randrange(1, 4))
    ]
    lines.insert(rng.randrange(len(lines) + 1), f"ref {mark}")
    return "\n".join(lines)
