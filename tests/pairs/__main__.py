"""``python -m tests.pairs``: a log of five chunks, with every fault and every pair of faults.

python -m tests.pairs --json
python -m tests.pairs --story "a claimed log" --replay 7:CRASH_AFTER,12:TWICE
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import structlog
from tests.pairs.enumeration import Tally, explore, firsts, parsed, replay
from tests.pairs.stories import STORIES
from tests.proof.results import Run, append
from tests.support.faults import Fault

OF_FIVE_CHUNKS: Final = (
    *("a long log", "a claimed log"),
    *("a long log that came often", "a claimed log that came often"),
)
_FINDINGS_MAX: Final = 20  # of those that are noted


def every_pair(stories: Sequence[str], processes: int) -> Iterator[tuple[str, Tally]]:
    """Each story with what all its runs came to."""
    with ProcessPoolExecutor(processes, initializer=_quiet) as pool:
        for name in stories:
            tally, at = Tally(), firsts(name)
            # The run without a fault is the first one; its pairs belong to the singles after it.
            further = [int(bool(faults)) for faults in at]
            for part in pool.map(explore, [name] * len(at), at, further, chunksize=4):
                tally.add(part)
            yield name, tally


def main() -> int:
    """0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.pairs", description=__doc__)
    parser.add_argument("--story", action="append", choices=STORIES, help="repeatable (the four)")
    parser.add_argument("--replay", help="one run: the faults at calls, or none")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    options = parser.parse_args()
    stories = options.story or OF_FIVE_CHUNKS
    _quiet()
    if options.replay:
        return _replay(stories, options.replay)
    return _explore(stories, as_json=options.json)


def _replay(stories: Sequence[str], faults: str) -> int:
    for name in stories:
        run = replay(name, parsed(faults))
        print(f"{name}: {run.faults.calls} calls, all is well")
    return 0


def _explore(stories: Sequence[str], *, as_json: bool) -> int:
    began, tally = time.monotonic(), Tally()
    for name, part in every_pair(stories, os.cpu_count() or 1):
        tally.add(part)
        print(f"pairs: {name}: {part.runs.total()} runs", file=sys.stderr, flush=True)
    run = _result(stories, tally, time.monotonic() - began)
    append(run)
    if as_json:
        print(json.dumps(dataclasses.asdict(run), indent=2))
    else:
        print(f"{run.counts}; fired: {run.faults}; {len(tally.broken)} findings")
    for broken in tally.broken[:_FINDINGS_MAX]:
        print(broken, file=sys.stderr)
    return int(bool(tally.broken))


def _result(stories: Sequence[str], tally: Tally, seconds: float) -> Run:
    chosen = [] if stories is OF_FIVE_CHUNKS else [f'--story "{name}"' for name in stories]
    ended = "findings" if tally.broken else "each run ended as one document, with no dead letter"
    return Run(
        suite="pairs",
        command=" ".join(["python -m tests.pairs", *chosen]),
        seconds=round(seconds, 1),
        counts={f"runs {how}": times for how, times in tally.runs.items()} | {"calls": tally.calls},
        faults=dict(tally.faults),
        outcomes={fault.value: ended for fault in Fault},
        maxima={"calls of one run": tally.calls_max},
        findings=tally.broken[:_FINDINGS_MAX],
    )


def _quiet() -> None:
    """Words cost more than what they are about."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        cache_logger_on_first_use=True,
    )


if __name__ == "__main__":
    sys.exit(main())
