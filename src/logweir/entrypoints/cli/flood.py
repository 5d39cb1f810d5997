"""``flood``: send logs at a fixed rate, say what came of them, and prove what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from logweir.clock import SystemClock
from logweir.entrypoints.cli.access import with_ports
from logweir.entrypoints.cli.flags import takes_settings
from logweir.entrypoints.cli.output import Json, print_json, print_line
from logweir.entrypoints.cli.verify import SETTINGS
from logweir.entrypoints.exits import Code
from logweir.settings import Settings
from logweir.verify.target import ingest_url

if TYPE_CHECKING:
    from logweir.bootstrap import Ports
    from logweir.verify.flood import Witness
    from logweir.verify.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be sent, and how."""

    url: str
    total: int
    per_second: float
    tenants: int
    connections: int
    seed: int
    repeats: int


@takes_settings(*SETTINGS)
def flood(
    settings: Settings,
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
    retry: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=100, help="Send again up to so often, where safe."),
    ] = 0,
    history: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write down what is sent and answered, for `verify`."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Then compare it with what is stored, as `verify`.")
    ] = False,
    json: Json = False,
) -> None:
    """Flood a gateway with small logs, JSON and text mixed, at a fixed rate.

    Each request is sent when it is due, however slow the answers are, and its latency counts from
    then. Ctrl-C prints what was measured so far. Exit code 0: all were answered 202; 1: not all.
    With --verify 0: besides, every promise was kept; 1: some were broken; 5: no verdict.
    """
    from logweir.entrypoints.cli.flood_report import figures, print_table
    from logweir.verify.tally import Tally

    plan = _Plan(
        url=ingest_url(url),
        total=max(1, round(rpm / 60 * seconds)),
        per_second=rpm / 60,
        tenants=tenants,
        connections=connections,
        seed=random.randrange(10**9) if seed is None else seed,
        repeats=retry,
    )
    if verify:
        with_ports(settings, _nothing)  # better told now than after the flood
    path = history or (_temporary() if verify else None)
    tally = Tally()
    if not json:
        words = f"{plan.total:,} requests to {plan.url}, {rpm:,g} a minute; seed {plan.seed}"
        print_line(f"{words}; history {path}" if path else words)
    _run(plan, tally, path)
    measured = {"url": plan.url, "rpm": rpm, "seed": plan.seed, **figures(tally, plan.total)}
    if not json:
        print_table(tally, plan.total)
    code = Code.OK if tally.accepted_count == plan.total else Code.NEGATIVE
    if verify and path:
        proof, verified = _verify(settings, path, json)
        measured |= {"history": str(path), "verify": verified}
        if proof is Code.OK and history is None:
            shutil.rmtree(path.parent)
        code = proof or code
    if json:
        print_json(measured)
    raise typer.Exit(code)


async def _nothing(_: Ports) -> None:
    """It is enough that they can be opened."""


def _temporary() -> Path:
    """It is left where it is, unless it has shown that all promises were kept."""
    return Path(tempfile.mkdtemp(prefix="logweir-flood-")) / "history.jsonl"


def _verify(settings: Settings, path: Path, json: bool) -> tuple[Code, dict[str, object]]:
    from logweir.entrypoints.cli.proof import (
        Patience,
        code_of,
        print_report,
        proven,
        report_json,
    )
    from logweir.verify.read_history import read_history

    report = proven(settings, read_history(path), Patience(), quiet=json)
    if not json:
        print_line()
        print_report(report)
    return code_of(report), report_json(report)


def _run(plan: _Plan, tally: Tally, path: Path | None) -> None:
    """Raises OSError where the history cannot be written: then it ends at once."""
    import uvloop

    from logweir.verify.flood import Witnesses
    from logweir.verify.history import Flood, HistoryWriter

    with contextlib.ExitStack() as stack:
        witnesses: list[Witness] = [tally]
        if path is not None:
            flood = Flood(seed=plan.seed, tenants=plan.tenants, url=plan.url)
            witnesses.append(stack.enter_context(HistoryWriter(path, flood, SystemClock())))
        try:
            uvloop.run(_flood(plan, tally, Witnesses(witnesses)))
        except* OSError as errors:
            raise errors.exceptions[0] from None


async def _flood(plan: _Plan, tally: Tally, witness: Witness) -> None:
    from logweir.entrypoints.cli.flood_report import progress
    from logweir.verify.flood import flood as run_flood
    from logweir.verify.post import Poster
    from logweir.verify.traffic import traffic

    async with Poster(plan.url, plan.connections) as send, progress(tally, plan.total):
        flooding = asyncio.create_task(
            run_flood(
                itertools.islice(traffic(plan.seed, plan.tenants), plan.total),
                per_second=plan.per_second,
                send=send,
                witness=witness,
                clock=SystemClock(),
                repeats=plan.repeats,
            )
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, flooding.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await flooding
