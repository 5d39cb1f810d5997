"""The search itself, in a process of its own: ``.venv-fuzz/bin/python -m tests.fuzz.search``.

    TARGET [options and directories of libFuzzer]

libFuzzer never returns: it ends the process, with 0 where nothing was found.
"""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # in .venv-fuzz alone

with atheris.instrument_imports(include=["logweir", "json"]):
    from tests.fuzz import targets


def main() -> None:
    """Search until libFuzzer has enough."""
    program, target, *options = sys.argv
    atheris.Setup([program, *options], lambda raw: targets.run(target, raw))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
