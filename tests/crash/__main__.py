"""``make kill``: processes die in traffic, and nothing is lost; a table at the end.

python -m tests.crash --kills 300 --logs 20000           storms on this machine
python -m tests.crash --minutes 60                       such rounds with new seeds, for so long
python -m tests.crash --backend gcp                      on emulators
python -m tests.crash --points                           at every named point; poison; a siege
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from tests.crash.backends import Backend
from tests.crash.campaign import Clock, Round, run_of, suite_of, take_place, together
from tests.crash.kills import Stormed
from tests.crash.outcome import HEADINGS, RESUMED_SECONDS_AIM, Outcome, quantile, spread
from tests.crash.resumption import RESUMED
from tests.crash.scenarios import play_all
from tests.proof.results import Run, append, next_seed

# Four services on two processors, where processes start all the time, may take so long.
NOISE: Final = 6.0
_USUAL: Final = {  # kills, logs, services side by side
    Backend.EMBEDDED: (300, 20_000, 4),
    Backend.GCP: (40, 3_000, 1),
    Backend.AWS: (40, 3_000, 1),
}


def main() -> int:
    """0 where every promise was kept."""
    options = _options()
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 160)
    if options.points:
        return _show(play_all(console), console)
    backend = Backend(options.backend)
    kills, logs, services = _USUAL[backend]
    plan = Round(
        backend=backend,
        kills=options.kills or kills,
        logs=options.logs or logs,
        first=next_seed(suite_of(backend)) if options.first is None else options.first,
        services=options.services or services,
    )
    clock, failed = Clock(), False
    while True:
        run, parts = _one_round(plan)
        if options.json:
            print(json.dumps(asdict(run)), flush=True)
        failed |= bool(run.findings) or _is_late(parts)
        _show([part.outcome for part in parts], console)
        _tell(run, parts, console)
        if run.findings or clock.seconds >= 60 * (options.minutes or 0):
            return int(failed)
        plan = replace(plan, first=plan.first + plan.services)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make kill", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--backend", choices=[*Backend], default=Backend.EMBEDDED)
    parser.add_argument("--kills", type=int, help="in a round, of all services")
    parser.add_argument("--logs", type=int, help="in a round, of all services")
    parser.add_argument("--first", type=int, help="the first seed; else the next that none has had")
    parser.add_argument("--services", type=int, help="side by side, a seed each")
    parser.add_argument("--minutes", type=float, help="go on with new seeds until they are over")
    parser.add_argument("--points", action="store_true", help="the scenarios instead of storms")
    parser.add_argument("--json", action="store_true", help="each round as a line on stdout")
    return parser.parse_args()


def _one_round(plan: Round) -> tuple[Run, list[Stormed]]:
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="logweir-kill-") as directory:
        parts = take_place(plan, Path(directory))
    run = run_of(plan, parts, clock.seconds)
    append(run)
    return run, parts


def _is_late(parts: list[Stormed]) -> bool:
    resumed = together(parts).get(RESUMED, [])
    return quantile(resumed, 0.99) > NOISE * RESUMED_SECONDS_AIM


def _show(outcomes: list[Outcome], console: Console) -> int:
    table = Table(*HEADINGS)
    for outcome in outcomes:
        table.add_row(*outcome.row())
    console.print(table)
    return int(any(outcome.report.findings for outcome in outcomes))


def _tell(run: Run, parts: list[Stormed], console: Console) -> None:
    counts = ", ".join(f"{count:,} {name}" for name, count in run.counts.items())
    lines = [
        f"seeds {run.seeds}: {counts} in {run.seconds:.0f} s; {len(run.findings)} findings",
        *(f"  {fired:4} x {fault}" for fault, fired in run.faults.items()),
        *(
            f"  {what} (p50/p99/max of {len(seconds)}): {spread(seconds)}"
            for what, seconds in together(parts).items()
        ),
        f"  aim: work resumes within {RESUMED_SECONDS_AIM:g} s (p99) on a machine that is not busy",
        *run.findings,
    ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
