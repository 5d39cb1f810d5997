"""Writes the mutants that no test noticed as a page; what explains them is kept from the last one.

python scripts/survivors.py TREE PAGE: TREE is where mutmut ran. A survivor is known by its function
and its change, so an explanation lasts until one of these is another. Exit code 1 where a survivor
has none.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNEXPLAINED: Final = "**not explained**"
_KILLED: Final = (1, 3)  # pytest's exit codes; all others that are not 0 are mutmut's own
_TIMED_OUT: Final = (36, 24, 152, 255, -24)
_NO_TESTS: Final = (5, 33)
_ROW: Final = re.compile(r"\| `(?P<place>[^|]*)` \| (?P<change>.*) \| (?P<why>[^|]*) \|")

PAGE: Final = """\
# Mutants of the core

`scripts/mutate` makes this page with [mutmut](https://mutmut.readthedocs.io): it changes the core
in one small way at a time and runs the fast unit tests that reach the change. What no test noticed
is listed below, each with the reason why that is right; without one the command fails. mutmut
changes the bodies of functions: constants, the patterns of the grammar, and properties it leaves
as they are. The words of logs and of errors are left alone too. Not mutated are `pipeline/work.py`,
whose tests start processes, which mutmut takes for its own; what the tests of the back ends hold
(`broker.py`, `held.py`); and what accepts a request.

| module | mutants | killed | timed out | no test reaches it | survived |
|---|---|---|---|---|---|
{sums}

A mutant that times out loops for ever, and is noticed as that.

| where | change | why no test fails |
|---|---|---|
{rows}
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One that lives: ``place`` is its module and function."""

    name: str
    place: str
    change: str


def results(tree: Path) -> Iterator[tuple[str, Mapping[str, int | None]]]:
    """Each mutated module, and the exit code of the tests by mutant."""
    for path in sorted((tree / "mutants" / "src").rglob("*.meta")):
        codes = json.loads(path.read_text())["exit_code_by_key"]
        if codes:
            yield next(iter(codes)).rpartition(".")[0], codes


def row_of_sums(module: str, codes: Mapping[str, int | None]) -> str:
    """How a module did."""
    kinds = Counter(_kind(code) for code in codes.values())
    counts = [len(codes), *(kinds[kind] for kind in ("killed", "timed out", "no tests", "lives"))]
    return f"| `{module}` | " + " | ".join(map(str, counts)) + " |"


def survivors(tree: Path, codes: Mapping[str, int | None]) -> Iterator[Mutant]:
    """Those that no test noticed, or reached."""
    for name, code in codes.items():
        if _kind(code) in ("lives", "no tests"):
            module, _, mangled = name.rpartition(".")
            function = mangled.partition("__mutmut_")[0].removeprefix("x_")
            place = f"{module}.{re.sub('^xǁ', '', function).replace('ǁ', '.')}"
            yield Mutant(name, place, _change(tree, name))


def explained(page: Path) -> Mapping[tuple[str, str], str]:
    """What the last page said, by place and change."""
    lines = page.read_text().splitlines() if page.exists() else []
    rows = [row for row in map(_ROW.fullmatch, lines) if row]
    return {(row["place"], row["change"]): row["why"] for row in rows}


def main(arguments: Sequence[str]) -> int:
    """0 where every survivor is explained."""
    tree, page = (Path(argument) for argument in arguments)
    known, sums, rows = explained(page), [], []
    for module, codes in results(tree):
        sums.append(row_of_sums(module, codes))
        for mutant in survivors(tree, codes):
            why = known.get((mutant.place, mutant.change), UNEXPLAINED)
            rows.append(f"| `{mutant.place}` | {mutant.change} | {why} |")
    page.write_text(PAGE.format(sums="\n".join(sums), rows="\n".join(dict.fromkeys(rows))))
    missing = sum(UNEXPLAINED in row for row in rows)
    print(f"{page}: {len(rows)} survivors, {missing} not explained")
    return int(missing > 0)


def _kind(code: int | None) -> str:
    if code in _KILLED:
        return "killed"
    if code in _TIMED_OUT:
        return "timed out"
    if code in _NO_TESTS:
        return "no tests"
    return "lives" if code == 0 else "not run"


def _change(tree: Path, name: str) -> str:
    """Its lines before and after, as a cell of a table."""
    mutmut = Path(sys.executable).with_name("mutmut")
    shown = subprocess.run(
        [mutmut, "show", name], cwd=tree, capture_output=True, text=True, check=True
    )
    before = [line[1:].strip() for line in shown.stdout.splitlines() if re.match("-(?!--)", line)]
    after = [
        line[1:].strip() for line in shown.stdout.splitlines() if re.match(r"\+(?!\+\+)", line)
    ]
    return " → ".join(f"`` {' '.join(lines)} ``".replace("|", "\\|") for lines in (before, after))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
