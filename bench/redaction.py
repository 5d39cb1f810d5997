"""Redaction beside a bare pass of hyperscan over the same lines, and its start.

The bare pass is what a program in Python can reach that only looks: for each line, which is encoded
already, one call that says which patterns of the table match somewhere, and redacts nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from random import Random
from typing import Final

from tests.redaction.generator import generate

from logweir.redact import Redactor
from logweir.redact.redactor import ready
from logweir.redact.rules import RULES

DOCUMENT_BYTES: Final = 64 * 1024
DIRTY_SHARES: Final = (0.4, 0.1)  # a log of secrets, and one of a service
_SEED = 20_261_124
_CHARACTERS_LEAST = 105  # so that the mean is that of the logs of services, about 150
_START = """
from time import perf_counter
begun = perf_counter()
import re
loaded = perf_counter()
from logweir.redact import Redactor
Redactor(engine={engine!r}).redact("login password=hunter2 from 10.0.0.1")
done = perf_counter()
print(done - begun, loaded - begun)
"""


@dataclass(frozen=True, slots=True)
class Speed:
    """One engine over one kind of text: seconds of processor time for each pass."""

    runs: list[float]
    bytes_a_pass: int

    @property
    def best(self) -> float:
        """MB/s in the fastest pass: what the machine can do."""
        return self.bytes_a_pass / min(self.runs) / 1e6


@dataclass(frozen=True, slots=True)
class Start:
    """Fresh processes: from before the first import until the first line is redacted, in ms."""

    runs_ms: list[float]
    import_re_ms: list[float]  # of these, what the standard library's `re` takes to load


@dataclass(frozen=True, slots=True)
class Texts:
    """What is redacted: lines of a log, the same as one text, and the same without line breaks."""

    lines: list[str]

    @property
    def document(self) -> str:
        """Of the lines, as many as make 64 KiB."""
        return "\n".join(self.lines)[:DOCUMENT_BYTES]

    @property
    def one_line(self) -> str:
        """The document as one line, like a value of JSON."""
        return self.document.replace("\n", " ")

    @property
    def characters(self) -> float:
        """A line's, in the mean."""
        return statistics.mean(map(len, self.lines))

    @property
    def redacted_share(self) -> float:
        """Of the lines, those that do not stay as they are."""
        redact = Redactor().redact
        return statistics.mean(bool(redact(line).counts) for line in self.lines)


def engines() -> tuple[str, ...]:
    """Those that are installed."""
    return ("re", "hyperscan") if find_spec("hyperscan") else ("re",)


def texts(lines: int, dirty_share: float) -> Texts:
    """Generated lines, the same in each run, of which a share holds something that has to go."""
    long = [
        item
        for item in generate(_SEED, 6 * lines)
        if len(item.text) >= _CHARACTERS_LEAST and "\n" not in item.text
    ]
    dirty = [item.text for item in long if item.spans][: round(lines * dirty_share)]
    clean = [item.text for item in long if not item.spans][: lines - len(dirty)]
    mixed = [*dirty, *clean]
    Random(_SEED).shuffle(mixed)
    return Texts(mixed)


def speeds(given: Texts, rounds: int) -> dict[str, Speed]:
    """The engines take turns, so that what disturbs the machine disturbs each; one turn is lost."""
    passes = _passes(given, rounds + 1)
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    for _ in range(rounds + 1):
        for name, (run, _size) in passes.items():
            began = time.thread_time()  # another process that has the processor does not count
            run()
            seconds[name].append(time.thread_time() - began)
    return {name: Speed(seconds[name][1:], size) for name, (_run, size) in passes.items()}


def start(engine: str, runs: int) -> Start:
    """The first process writes the bytecode, as an installed package has it, and does not count."""
    code = _START.format(engine=engine)
    times = []
    with tempfile.TemporaryDirectory() as bytecode:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(runs + 1):
            run = [sys.executable, "-c", code]
            printed = subprocess.check_output(run, text=True, env=environment)
            times.append([float(seconds) * 1e3 for seconds in printed.split()])
    return Start([whole for whole, _re in times[1:]], [re for _whole, re in times[1:]])


def _passes(given: Texts, rounds: int) -> Mapping[str, tuple[Callable[[], None], int]]:
    kinds = {
        "lines": given.lines,
        "one document": [given.document],
        "one long line": [given.one_line],
    }
    passes: dict[str, tuple[Callable[[], None], int]] = {}
    if "hyperscan" in engines():
        passes["bare"] = _bare_pass(given.lines), _bytes(given.lines)
    for engine in engines():
        redactor = Redactor(engine=engine)
        for kind, parts in kinds.items():
            passes[f"{engine}, {kind}"] = _redacting(redactor, parts), _bytes(parts)
    # The others know each word of these lines, as of a log's after some thousand; this one, none.
    passes["re, lines, no word known"] = (
        _each_by_a_new_one(given.lines, rounds),
        _bytes(given.lines),
    )
    return passes


def _redacting(redactor: Redactor, parts: list[str]) -> Callable[[], None]:
    def run() -> None:
        redact = redactor.redact
        for part in parts:
            redact(part)

    return run


def _each_by_a_new_one(parts: list[str], rounds: int) -> Callable[[], None]:
    made = []
    for _ in range(rounds):
        ready.cache_clear()  # or they share their words
        made.append(Redactor())
    redactors = iter(made)

    def run() -> None:
        _redacting(next(redactors), parts)()

    return run


def _bare_pass(lines: list[str]) -> Callable[[], None]:
    import hyperscan

    patterns = [(rule.before and f"(?:{rule.before})") + rule.pattern for rule in RULES]
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[pattern.encode() for pattern in patterns],
        ids=range(len(patterns)),
        elements=len(patterns),
        flags=hyperscan.HS_FLAG_SINGLEMATCH,
    )
    encoded = [line.encode() for line in lines]

    def seen(_pattern: int, _start: int, _end: int, _flags: int, _context: object) -> None:
        return None

    def run() -> None:
        scan = database.scan
        for line in encoded:
            scan(line, seen)

    return run


def _bytes(parts: list[str]) -> int:
    return sum(len(part.encode()) for part in parts)
