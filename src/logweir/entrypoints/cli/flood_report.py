"""What ``flood`` shows: how far it is, and what it has measured."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Final

from logweir.entrypoints.cli.output import Columns, print_line, style
from logweir.verify.tally import Spread, Tally

_REDRAW_SECONDS: Final = 0.5  # drawing takes about a millisecond, in which no request is sent
_NAMES: Final = {"202": "202 accepted", "429": "429 overloaded", "503": "503 unavailable"}


@contextlib.asynccontextmanager
async def progress(tally: Tally, total: int) -> AsyncIterator[None]:
    """On a terminal, how far it is."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        TextColumn("{task.completed:,.0f} sent, {task.fields[ended]:,} ended,"),
        TextColumn("{task.fields[others]:,} not 202"),
        TimeRemainingColumn(),
    )
    # Drawn by the loop, since a thread would take the interpreter from the requests at any moment.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as shown:
        bar = shown.add_task("", total=total, ended=0, others=0)

        def draw() -> None:
            others = tally.ended_count - tally.accepted_count
            shown.update(bar, completed=tally.sent_count, ended=tally.ended_count, others=others)
            shown.refresh()

        async def redraw() -> None:
            while True:
                draw()
                await asyncio.sleep(_REDRAW_SECONDS)

        drawing = asyncio.create_task(redraw())
        try:
            yield
        finally:
            drawing.cancel()
            draw()


def figures(tally: Tally, total: int) -> dict[str, object]:
    answers = [{"answer": label, **_milliseconds(times)} for label, times in tally.answers()]
    return {
        "requests": total,
        "sent": tally.sent_count,
        "repeated": tally.repeated_count,
        "ended": tally.ended_count,
        "accepted": tally.accepted_count,
        "answers": answers,
        "sent_late": _milliseconds(tally.late()) if tally.started_count else None,
    }


def _milliseconds(times: Spread) -> dict[str, float]:
    names = ("p50_ms", "p99_ms", "p999_ms", "max_ms")
    return {"count": times.count} | {name: round(getattr(times, name), 3) for name in names}


def print_table(tally: Tally, total: int) -> None:
    columns = Columns("ANSWER", ">COUNT", ">SHARE", ">P50 MS", ">P99 MS", ">P99.9 MS", ">MAX MS")

    def add(name: str, times: Spread, share: str) -> None:
        shown = [times.p50_ms, times.p99_ms, times.p999_ms, times.max_ms]
        columns.add(name, f"{times.count:,}", share, *(f"{value:,.1f}" for value in shown))

    for label, times in tally.answers():
        add(_NAMES.get(label, label), times, f"{times.count / (total + tally.repeated_count):.2%}")
    if tally.started_count:
        add("sent, late by", tally.late(), "")
    columns.end(if_empty="Nothing was sent.")
    if tally.repeated_count:
        print_line(f"\n{tally.repeated_count:,} of these were sent again.")
    under_way = tally.started_count - tally.ended_count
    unsent = total - tally.sent_count
    if under_way or unsent:
        print_line(f"\nCut short: {under_way:,} without an answer yet, {unsent:,} not sent.")
    verdict = "All were answered 202."
    if tally.accepted_count < total:
        verdict = f"{total - tally.accepted_count:,} of {total:,} were not answered 202."
    print_line(style(verdict, bold=True))
