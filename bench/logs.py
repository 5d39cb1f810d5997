"""Texts and envelopes to measure with."""

from __future__ import annotations

import itertools

from logweir.clock import SystemClock
from logweir.envelope import Envelope, Source, sha256_of
from logweir.ids import LogId, TenantId

_LINE = "2026-11-23T14:46:34Z INFO checkout user 555-0199 paid order 48213 from 10.0.0.1 in 35 ms; "


def text(number: int, characters: int) -> str:
    """An ordinary log of so many characters, unlike that of any other number."""
    head = f"{number} "
    return (head + _LINE * (characters // len(_LINE) + 1))[:characters]


def envelopes(count: int, *, tenants: int, characters: int, first: int = 0) -> list[Envelope]:
    """Logs of the tenants in turn."""
    now = SystemClock().now()
    ids = itertools.cycle([TenantId(f"tenant-{n}") for n in range(tenants)])
    return [
        Envelope(
            tenant=next(ids),
            log=LogId.random(),
            source=Source.TEXT,
            received_at=now,
            sha256=sha256_of(body := text(number, characters)),
            characters=characters,
            text=body,
        )
        for number in range(first, first + count)
    ]
