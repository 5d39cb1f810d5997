"""Power cuts and failing disks under the embedded back end: ``python -m tests.power``.

    python -m tests.power                    all of it, at least 20,000 images
    python -m tests.power --minutes 30       goes on from the last seed until the time is over
    python -m tests.power --recording FILE --image CUT/NUMBER    exactly one image again

Exit code 0 only where nothing was found.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tests.power import suite
from tests.power.mount import why_not
from tests.power.suite import SUITE, Tally
from tests.power.sweep import look_at, quietly
from tests.proof import results

_IMAGES_OF_A_CUT: Final = 6
_ROUNDS: Final = 40
_FLIPS: Final = 300


def main() -> int:
    """0 where every promise was kept."""
    options = _options()
    if options.image:
        cut, number = map(int, options.image.split("/"))
        found = quietly(look_at(options.recording, cut, number))
        print("\n".join(found) or "nothing is wrong with it")
        return int(bool(found))
    if reason := why_not():
        print(f"NOT RUN: {reason}", file=sys.stderr)
        return 2
    started = time.monotonic()
    first = results.next_seed(SUITE) if options.first is None else options.first
    whole, seeds = _soak(first, options) if options.minutes else _all(first, options)
    _end(whole, (first, first + seeds - 1), time.monotonic() - started, as_json=options.json)
    return int(bool(whole.findings))


def _all(first: int, options: argparse.Namespace) -> tuple[Tally, int]:
    whole = Tally()
    _do(whole, "planted bugs", suite.planted_bugs)
    for failing in (1, 3):
        _do(whole, "failing syncs", partial(suite.failing_syncs, range(1, 16), failing, images=3))
    _do(whole, "full disk", partial(suite.full_disks, range(1, _ROUNDS + 1), (4, 12), images=2))
    _do(whole, "flipped bits", partial(suite.flipped_bits, first, _FLIPS))
    seeds = 0
    while seeds < options.seeds or whole.counts["images"] < options.images:
        seed = first + seeds
        _do(whole, f"seed {seed}", partial(suite.traffic, seed, images=_IMAGES_OF_A_CUT))
        seeds += 1
    return whole, seeds


def _soak(first: int, options: argparse.Namespace) -> tuple[Tally, int]:
    whole, seeds = Tally(), 0
    ends = time.monotonic() + 60 * options.minutes
    while time.monotonic() < ends:
        seed = first + seeds
        _do(whole, f"seed {seed}", partial(suite.traffic, seed, images=_IMAGES_OF_A_CUT))
        match seed % 12:
            case 4:
                rounds, failing = range(1 + seed % 5, 30, 2), 1 + seed // 12 % 7
                _do(whole, "failing syncs", partial(suite.failing_syncs, rounds, failing, images=3))
            case 8:
                rounds, fresh = range(1 + seed % 7, 300, 7), (4 + seed % 40,)
                _do(whole, "full disk", partial(suite.full_disks, rounds, fresh, images=2))
            case 10:
                _do(whole, "flipped bits", partial(suite.flipped_bits, seed * _FLIPS, _FLIPS))
            case _:
                pass
        seeds += 1
    return whole, seeds


def _do(whole: Tally, name: str, step: Callable[[], Tally]) -> None:
    started = time.monotonic()
    try:
        tally = step()
    except (
        AssertionError
    ) as error:  # a service that did not resume or drain, or printed a traceback
        tally = Tally(findings=[f"{name}: {error}"])
    whole.add(tally)
    print(
        f"{name}: {tally.counts['images']} images, {len(tally.findings)} findings,"
        f" {time.monotonic() - started:.0f} s; {whole.counts['images']} images in all",
        *tally.findings[:5],
        sep="\n  ",
        file=sys.stderr,
        flush=True,
    )


def _end(whole: Tally, seeds: tuple[int, int], seconds: float, *, as_json: bool) -> None:
    run = results.Run(
        suite=SUITE,
        command="python -m tests.power",
        seconds=round(seconds, 1),
        seeds=seeds,
        counts=dict(whole.counts),
        faults=dict(whole.fired),
        outcomes=whole.outcomes,
        maxima=whole.maxima,
        findings=whole.findings,
    )
    results.append(run)
    if as_json:
        print(json.dumps(dataclasses.asdict(run)))
        return
    for name, figure in {**run.counts, **run.faults, **run.maxima}.items():
        print(f"{name}: {figure:,}")
    print(*run.findings or ["nothing was found"], sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.power", description=__doc__)
    parser.add_argument(
        "--images", type=int, default=20_000, help="at least so many, all different"
    )
    parser.add_argument("--seeds", type=int, default=1, help="of traffic, at least")
    parser.add_argument("--first", type=int, help="seed; by default the one after the last run's")
    parser.add_argument("--minutes", type=float, help="seeds until the time is over")
    parser.add_argument("--recording", type=Path, help="of an image that was found")
    parser.add_argument("--image", help="CUT/NUMBER of it")
    parser.add_argument("--json", action="store_true", help="print the run as one object")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
