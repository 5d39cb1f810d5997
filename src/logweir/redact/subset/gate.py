"""The literals of which each match of a pattern holds one, read off the pattern."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from string import digits
from typing import Final

from logweir.redact.subset.tree import OTHERS, Chars, Edge, Either, Group, Node, Repeat, Sequence

_LITERALS_MAX: Final = 16  # more are slower to look for than the pattern is


def gate_of(tree: Node) -> tuple[str, ...]:
    """In lower case and with 0 for any digit, as a gate has them; ``("",)`` where there is none."""
    return _gate(tree) or ("",)


def _gate(node: Node) -> tuple[str, ...] | None:
    match node:
        case Chars():
            letter = _literal(node)
            return (letter,) if letter else None
        case Group(body):
            return _gate(body)
        case Repeat(body, least):
            return _gate(body) if least else None
        case Either(branches):
            return _gate_of_branches(branches)
        case Sequence(items):
            return _best_gate(items)
        case Edge():
            return None


def _gate_of_branches(branches: Listed[Node]) -> tuple[str, ...] | None:
    literals: list[str] = []
    for branch in branches:
        gate = _gate(branch)
        if gate is None:
            return None
        literals += gate
    unique = tuple(dict.fromkeys(literals))
    return unique if len(unique) <= _LITERALS_MAX else None


def _best_gate(items: Listed[Node]) -> tuple[str, ...] | None:
    """Of the runs of characters and the parts that must be there, the longest: it is the rarest."""
    gates: list[tuple[str, ...]] = []
    run = ""
    for item in items:
        letter = _literal(item) if isinstance(item, Chars) else ""
        run += letter
        if not letter:
            gates += [(run,)] if run else []
            run = ""
            inner = None if isinstance(item, Chars) else _gate(item)
            gates += [inner] if inner else []
    gates += [(run,)] if run else []
    return max(gates, key=lambda gate: (min(map(len, gate)), -len(gate)), default=None)


def _literal(chars: Chars) -> str:
    """The one character of a gate that it takes; "" where it takes several."""
    codes = (chr(code) for code in range(128) if chars.mask >> code & 1)
    taken = {"0" if char in digits else char.lower() for char in codes}
    return taken.pop() if len(taken) == 1 and chars.mask < OTHERS else ""
