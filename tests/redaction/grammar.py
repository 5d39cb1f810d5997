"""Templates with named slots, and the lines that they make.

    "POST /login?email=«email|url» 200 «ms»"
                       -------  --
                       slot     what it is escaped by, for where it stands

A slot is one of these:

    plain     a value that has to stay: dates, ids, hashes and all that only looks secret
    labelled  a value that has to go, with the entity that it is
    message   a template in its turn, for the formats that carry any message
    same_…    once more what the slot of that name before it was given: an element's closing tag

What a slot's value is wrapped in stays outside its label, so a label is right by construction,
whatever it is escaped by on the way out.
"""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple
from urllib.parse import quote

FREE = "free"  # text beside a label that may go with it or stay: neither is a mistake
Maker = Callable[[Random], str]
_SLOT = re.compile("«([a-z0-9_]+)((?:\\|[a-z]+)*)»")


class Labelled(NamedTuple):
    """``text[start:end]`` is an entity, and nothing around it is."""

    start: int
    end: int
    entity: str


class Line(NamedTuple):
    """One item of a log. A trace or a key over several lines is one item, with newlines in it."""

    text: str
    spans: list[Labelled]
    free: list[Labelled]
    template: str  # what it was made of, or the message in it was: to group what goes wrong


class Piece(NamedTuple):
    """A stretch of a line that is one entity, or none."""

    text: str
    entity: str = ""


class Slot(NamedTuple):
    """The slot of a template, and its escapes, the first the innermost."""

    name: str
    escapes: tuple[str, ...]


ESCAPES: Mapping[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "url": lambda text: quote(text, safe=""),
    "quoted": lambda text: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"),
    "xml": lambda text: html.escape(text, quote=False),
    "attr": html.escape,
    "ascii": lambda text: json.dumps(text)[1:-1],
    "csv": lambda text: text.replace('"', '""'),
    "repr": lambda text: text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n"),
    "line": lambda text: text.replace("\n", "\\n"),
}


@functools.cache
def parts_of(template: str) -> tuple[str | Slot, ...]:
    """The literal texts and the slots of a template, in order."""
    parts: list[str | Slot] = []
    done = 0
    for match in _SLOT.finditer(template):
        parts.append(template[done : match.start()])
        parts.append(Slot(match[1], tuple(match[2].split("|")[1:])))
        done = match.end()
    parts.append(template[done:])
    return tuple(part for part in parts if part)


class Grammar:
    """The slots that templates may name."""

    def __init__(
        self, plain: Mapping[str, Maker], labelled: Mapping[str, tuple[str, Maker]]
    ) -> None:
        self._plain = plain
        self._labelled = labelled

    def has_labels(self, template: str) -> bool:
        """Whether any slot of the template is an entity, or free."""
        slots = [part for part in parts_of(template) if isinstance(part, Slot)]
        return any(slot.name in self._labelled for slot in slots)

    def expand(self, template: str, random: Random, message: str = "") -> list[Piece]:
        """The template with a fresh value in every slot. KeyError: a slot has no such name."""
        pieces: list[Piece] = []
        given: dict[str, list[Piece]] = {}
        for part in parts_of(template):
            if isinstance(part, str):
                pieces.append(Piece(part))
                continue
            inside = given.get(part.name) or self._value_of(part.name, random, message)
            given[f"same_{part.name}"] = inside
            for escape in part.escapes:
                inside = [Piece(ESCAPES[escape](text), entity) for text, entity in inside]
            pieces += inside
        return pieces

    def _value_of(self, name: str, random: Random, message: str) -> list[Piece]:
        if name == "message":
            return self.expand(message, random)
        if name in self._labelled:
            entity, make = self._labelled[name]
            return [Piece(make(random), entity)]
        return [Piece(self._plain[name](random))]


def line_of(pieces: list[Piece], template: str) -> Line:
    """The pieces joined, and where in the text their labels are."""
    spans: list[Labelled] = []
    free: list[Labelled] = []
    end = 0
    for text, entity in pieces:
        start, end = end, end + len(text)
        if entity:
            (free if entity == FREE else spans).append(Labelled(start, end, entity))
    return Line("".join(piece.text for piece in pieces), spans, free, template)
