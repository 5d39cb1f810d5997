"""``flood``: send logs at a fixed rate, and say what came of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import signal
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from logweir.clock import SystemClock
from logweir.entrypoints.cli.exits import Code
from logweir.entrypoints.cli.output import Columns, Json, print_json, print_line, style
from logweir.verify.target import ingest_url

if TYPE_CHECKING:
    from logweir.verify.tally import Spread, Tally

_REDRAW_SECONDS: Final = 0.5  # drawing takes about a millisecond, in which no request is sent
_NAMES: Final = {"202": "202 accepted", "429": "429 overloaded", "503": "503 unavailable"}


def flood(
    url: Annotated[str, typer.Argument(metavar="URL", help="The gateway.")],
    rpm: Annotated[
        float, typer.Option(metavar="N", min=0.1, max=6e6, help="Requests a minute.")
    ] = 1000,
    seconds: Annotated[float, typer.Option(min=0.01, max=86400, help="For so long.")] = 60,
    tenants: Annotated[int, typer.Option(min=1, max=100_000, help="Of so many tenants.")] = 4,
    connections: Annotated[
        int, typer.Option(min=1, max=20_000, help="Open at most so many.")
    ] = 200,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same logs again; else random.")
    ] = None,
    json: Json = False,
) -> None:
    """Flood a gateway with small logs, JSON and text mixed, at a fixed rate.

    Each request is sent when it is due, however slow the answers are, and its latency counts from
    then. Ctrl-C prints what was measured so far. Exit code 0: all were answered 202; 1: not all.
    """
    import uvloop

    from logweir.verify.tally import Tally

    target = ingest_url(url)
    seed = random.randrange(10**9) if seed is None else seed
    total = max(1, round(rpm / 60 * seconds))
    tally = Tally()
    if not json:
        print_line(f"{total:,} requests to {target}, {rpm:,g} a minute; seed {seed}")
    uvloop.run(_run(target, total, rpm / 60, tenants, connections, seed, tally))
    if json:
        print_json({"url": target, "rpm": rpm, "seed": seed, **_figures(tally, total)})
    else:
        _print_table(tally, total)
    if tally.accepted_count < total:
        raise typer.Exit(Code.NEGATIVE)


async def _run(
    url: str,
    total: int,
    per_second: float,
    tenants: int,
    connections: int,
    seed: int,
    tally: Tally,
) -> None:
    from logweir.verify.flood import flood as run_flood
    from logweir.verify.post import Poster
    from logweir.verify.traffic import traffic

    async with Poster(url, connections) as send, _progress(tally, total):
        flooding = asyncio.create_task(
            run_flood(
                itertools.islice(traffic(seed, tenants), total),
                per_second=per_second,
                send=send,
                witness=tally,
                clock=SystemClock(),
            )
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, flooding.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await flooding


@contextlib.asynccontextmanager
async def _progress(tally: Tally, total: int) -> AsyncIterator[None]:
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
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as progress:
        bar = progress.add_task("", total=total, ended=0, others=0)

        def draw() -> None:
            others = tally.ended_count - tally.accepted_count
            progress.update(
                bar, completed=tally.started_count, ended=tally.ended_count, others=others
            )
            progress.refresh()

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


def _figures(tally: Tally, total: int) -> dict[str, object]:
    answers = [{"answer": label, **_milliseconds(times)} for label, times in tally.answers()]
    return {
        "requests": total,
        "sent": tally.started_count,
        "ended": tally.ended_count,
        "accepted": tally.accepted_count,
        "answers": answers,
        "sent_late": _milliseconds(tally.late()) if tally.started_count else None,
    }


def _milliseconds(times: Spread) -> dict[str, float]:
    names = ("p50_ms", "p99_ms", "p999_ms", "max_ms")
    return {"count": times.count} | {name: round(getattr(times, name), 3) for name in names}


def _print_table(tally: Tally, total: int) -> None:
    columns = Columns("ANSWER", ">COUNT", ">SHARE", ">P50 MS", ">P99 MS", ">P99.9 MS", ">MAX MS")

    def add(name: str, times: Spread, share: str) -> None:
        shown = [times.p50_ms, times.p99_ms, times.p999_ms, times.max_ms]
        columns.add(name, f"{times.count:,}", share, *(f"{value:,.1f}" for value in shown))

    for label, times in tally.answers():
        add(_NAMES.get(label, label), times, f"{times.count / total:.2%}")
    if tally.started_count:
        add("sent, late by", tally.late(), "")
    columns.end(if_empty="Nothing was sent.")
    under_way = tally.started_count - tally.ended_count
    if under_way or tally.started_count < total:
        unsent = total - tally.started_count
        print_line(f"\nCut short: {under_way:,} without an answer yet, {unsent:,} not sent.")
    verdict = "All were answered 202."
    if tally.accepted_count < total:
        verdict = f"{total - tally.accepted_count:,} of {total:,} were not answered 202."
    print_line(style(verdict, bold=True))
