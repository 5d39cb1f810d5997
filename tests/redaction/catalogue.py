"""The templates, from the files in ``templates/``: one a line, as it stands in a log.

§   at the start: a heading, for who reads the file
⏎   a new line within one item, as in a trace
⇥   a tab
«»  a slot, see grammar.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_CONTROLS: Final = str.maketrans("⏎⇥␍␛", "\n\t\r\x1b")
_FOLDER: Final = Path(__file__).with_name("templates")


def _read(name: str) -> tuple[str, ...]:
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").split("\n")
    kept = (line for line in lines if line and not line.startswith("§"))
    return tuple(line.translate(_CONTROLS) for line in kept)


# What applications say, and the formats that carry whatever they say.
CARRIERS: Final = _read("carriers")
SECRETS: Final = tuple(map(_read, ["mails", "addresses", "numbers", "tokens", "pairs"]))
NOTES: Final = tuple(map(_read, ["ordinary", "lookalikes", "about_secrets"]))
# Whole lines, with slots of their own.
FORMATS: Final = tuple(
    map(_read, ["web", "structured", "databases", "systems", "machines", "sources", "documented"])
)

COUNT: Final = len(CARRIERS) + sum(map(len, (*SECRETS, *NOTES, *FORMATS)))
