"""How good the redaction is, on a log that is made up with every secret's place known.

python -m tests.redaction                                   the table
python -m tests.redaction --seed 7 --show-misses 20         where it goes wrong, with the places
python -m tests.redaction --min-recall 0.99 --min-precision 0.99     exit code 1 below that
python -m tests.redaction --lines 100000 --write plain.log  the log itself
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from tests.redaction.catalogue import COUNT
from tests.redaction.generator import generate
from tests.redaction.measure import Quality, measure
from tests.redaction.report import examples_of, table_of

from logweir.redact import Redactor


def main() -> int:
    """0 where every entity reaches what was asked for."""
    options = _options()
    lines = generate(options.seed, options.lines)
    if options.write is not None:
        options.write.write_text("".join(f"{line.text}\n" for line in lines))
        return 0
    print(f"{len(lines):,} items of {COUNT} templates, seed {options.seed}", file=sys.stderr)
    quality = measure(lines, Redactor(engine=options.engine).find)
    if options.json:
        print(json.dumps(_figures(quality), indent=2))
    else:
        Console(width=100).print(table_of(quality, f"seed {options.seed}"))
    if options.show_misses:
        print(examples_of(quality, options.show_misses))
    low = [
        name
        for name, tally in quality.tallies.items()
        if tally.recall < options.min_recall or tally.precision < options.min_precision
    ]
    if low:
        print(f"too low: {', '.join(sorted(low))}", file=sys.stderr)
    return 1 if low else 0


def _figures(quality: Quality) -> dict[str, object]:
    entities = {
        name: {**asdict(tally), "recall": tally.recall, "precision": tally.precision}
        for name, tally in sorted(quality.tallies.items())
    }
    return {"entities": entities, "clean_lines": quality.clean, "touched": quality.touched}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.redaction", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=20_000, help="items to make (default 20000)")
    parser.add_argument("--engine", default="re", help="re, hyperscan or auto")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--min-recall", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--min-precision", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--show-misses", type=int, default=0, metavar="K", help="kinds of mistake")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the plain log, and stop")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
