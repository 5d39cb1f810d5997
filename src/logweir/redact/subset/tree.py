r"""A pattern as a tree.

EMP-(?P<value>[0-9]{6})  ─▶  Sequence ── Chars E, Chars M, Chars P, Chars -
                                      └─ Group value ── Repeat 6 to 6 ── Chars 0-9
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: A set of characters as bits: one for each of ASCII, and the highest for all others together.
Mask = int

OTHERS: Final = 1 << 128  # they may be the same one, and may be two
ANY: Final = (OTHERS << 1) - 1


def mask_of(chars: str) -> Mask:
    """The characters as a set."""
    mask = 0
    for char in chars:
        mask |= 1 << ord(char) if char.isascii() else OTHERS
    return mask


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set; ``text`` is how the pattern writes it."""

    mask: Mask
    text: str


@dataclass(frozen=True, slots=True)
class Edge:
    r"""The beginning or end of a word, ``\b``, or neither, ``\B``: it takes no character."""

    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of them: the first that lets the rest match."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """From ``least`` times to ``most``; None is without end."""

    body: Node
    least: int
    most: int | None
    lazy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group with a name."""

    body: Node
    name: str


Node = Chars | Edge | Sequence | Either | Repeat | Group


def walk(node: Node) -> Iterator[Node]:
    """The node, and all that is in it."""
    yield node
    match node:
        case Sequence(parts) | Either(parts):
            for part in parts:
                yield from walk(part)
        case Repeat(body) | Group(body):
            yield from walk(body)
        case Chars() | Edge():
            pass


def source_of(node: Node) -> str:
    """The tree as a pattern again."""
    match node:
        case Chars(text=text) | Edge(text):
            return text
        case Sequence(items):
            return "".join(map(source_of, items))
        case Either(branches):
            return f"(?:{'|'.join(map(source_of, branches))})"
        case Group(body, name):
            return f"(?P<{name}>{source_of(body)})"
        case Repeat(body, least, most, lazy):
            inner = source_of(body)
            if isinstance(body, Sequence | Repeat):
                inner = f"(?:{inner})"
            bounds = str(least) if least == most else f"{least},{'' if most is None else most}"
            return f"{inner}{{{bounds}}}{'?' if lazy else ''}"
