"""Requests made of docs/openapi.yaml, sent to a real gateway with a worker behind it.

    python -m tests.schema [--cases 5000] [--seed N] [--json]

Every answer must be as the document says, and afterwards exactly that must be stored which was
answered 202. Needs .venv-schema: ``scripts/setup schema``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.crash.dump import dump, messages
from tests.proof.results import ROOT, Run, append, next_seed
from tests.schema.ledger import Kept, differences
from tests.schema.oracle import TEXT_BYTES_MAX
from tests.support.processes import running, until

from logweir.verify.evidence import Dump

SUITE: Final = "schema"
_PYTHON: Final = ROOT / ".venv-schema" / "bin" / "python"
_CLIENTS: Final = 2  # making requests costs more than answering them; each has a seed of its own
_DRAINED_SECONDS: Final = 60.0
_FINDINGS_MAX: Final = 20
_WORDS_MAX: Final = 500  # of one finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was answered, what is stored, and what is wrong."""

    answers: Sequence[dict[str, Any]]
    stored: Dump
    findings: Sequence[str]


def try_out(cases: int, seed: int, python: Path) -> Outcome:
    """Serve, send the cases, wait until all is worked on, and look at what is stored."""
    with tempfile.TemporaryDirectory(prefix="logweir-schema-") as place:
        directory, data_dir = Path(place), Path(place) / "data"
        settings = {"seconds_per_character": 0, "text_bytes_max": TEXT_BYTES_MAX}
        with running("serve", data_dir, **settings) as service:
            url = f"http://127.0.0.1:{service.port}"
            said = _send_all(url, cases, seed, python, directory)
            answers = _answers(directory)
            until(
                lambda: messages(data_dir) == 0,
                seconds=_DRAINED_SECONDS,
                saying="the backlog is not drained",
            )
        stored = dump(data_dir)
    accepted = [Kept(*answer["kept"]) for answer in answers if answer["kept"]]
    return Outcome(answers=answers, stored=stored, findings=[*said, *differences(accepted, stored)])


def _send_all(url: str, cases: int, seed: int, python: Path, directory: Path) -> list[str]:
    """What the clients found."""
    clients = []
    for number in range(_CLIENTS):
        share = cases * (number + 1) // _CLIENTS - cases * number // _CLIENTS
        words = ["-m", "tests.schema.client", url, str(share), str(seed + number)]
        output, errors = (_output(directory, number, which) for which in ("out", "err"))
        with output.open("wb") as stdout, errors.open("wb") as stderr:
            client = subprocess.Popen(
                [str(python), *words],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=stdout,
                stderr=stderr,
            )
        clients.append(client)
    ended = [client.wait() for client in clients]
    return [_finding(directory, number) for number, code in enumerate(ended) if code != 0]


def _finding(directory: Path, client: int) -> str:
    said = _output(directory, client, "err").read_text(errors="replace")
    print(said, file=sys.stderr)
    return said.strip().rpartition("\n")[2][:_WORDS_MAX]


def _output(directory: Path, client: int, which: str) -> Path:
    return directory / f"client-{client}.{which}"


def _answers(directory: Path) -> list[dict[str, Any]]:
    outputs = [_output(directory, number, "out") for number in range(_CLIENTS)]
    return [json.loads(line) for path in outputs for line in path.read_text().splitlines()]


def _note(outcome: Outcome, cases: int, seed: int, seconds: float) -> Run:
    reasons = Counter(answer["reason"] for answer in outcome.answers if answer["reason"])
    by_mode = Counter(f"{answer['mode']} data" for answer in outcome.answers)
    run = Run(
        suite=SUITE,
        command=f"python -m tests.schema --cases {cases} --seed {seed}",
        seconds=seconds,
        seeds=(seed, seed + _CLIENTS - 1),
        counts={
            "cases": len(outcome.answers),
            **by_mode,
            "accepted": sum(answer["status"] == 202 for answer in outcome.answers),
            "refused": reasons.total(),
            "documents": len(outcome.stored.documents),
            "dead letters": len(outcome.stored.letters),
        },
        maxima={"reasons": len(reasons)},
        findings=outcome.findings[:_FINDINGS_MAX],
    )
    append(run)
    return run


def main() -> int:
    """0 where nothing was found, 1 where something was, 2 where it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m tests.schema", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, help="requests (5000)")
    parser.add_argument("--seed", type=int, help="of the requests (those after the last run's)")
    parser.add_argument("--json", action="store_true", help="print the run as JSON")
    parser.add_argument("--python", type=Path, default=_PYTHON, help="one that has schemathesis")
    options = parser.parse_args()
    if not options.python.exists():
        print(f"schema: no {options.python}; `scripts/setup schema` makes it", file=sys.stderr)
        return 2
    seed = next_seed(SUITE) if options.seed is None else options.seed
    started = time.monotonic()
    outcome = try_out(options.cases, seed, options.python)
    run = _note(outcome, options.cases, seed, time.monotonic() - started)
    counts = ", ".join(f"{count:,} {name}" for name, count in run.counts.items())
    print(f"schema: {counts} in {run.seconds:.0f} s", file=sys.stderr)
    for finding in run.findings:
        print(f"{finding}\nagain: {run.command}", file=sys.stderr)
    if options.json:
        print(json.dumps(dataclasses.asdict(run)))
    return int(bool(run.findings))


if __name__ == "__main__":
    sys.exit(main())
