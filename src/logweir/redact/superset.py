r"""A rule's pattern for hyperscan: it matches wherever the rule can, and is cheap to look for.

    (?P<user>[a-z]{1,64})@(?P<domain>[a-z0-9.-]{4,253})\b   the rule's
              [a-z]      @            [a-z0.-]{4}           what is looked for

It is looked for in a text whose digits are all 0, where "000-0000" is a literal, and whose other
characters than ASCII are all "?", so that each is one byte (``bytes_of``).

Each step adds to what matches and takes nothing away: the front and the end of a match are cut down
to the least that they can be, long repeats become endless, the edges of words are dropped. A class
that takes what stands for a cut takes all: anything may have been there, and what is searched is
the text before any cut.
"""

from __future__ import annotations

from math import inf
from typing import Final, assert_never

from logweir.redact.neighbours import CUT
from logweir.redact.subset.parser import parse
from logweir.redact.subset.tree import (
    ANY,
    OTHERS,
    Chars,
    Edge,
    Either,
    Group,
    Mask,
    Node,
    Repeat,
    Sequence,
    mask_of,
)

_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_CUT: Final = mask_of(CUT)
_DIGITS: Final = mask_of("0123456789")
_WRITTEN_OUT_MAX: Final = 16  # hyperscan writes counted repeats out, and compiles long ones slowly
_NOTHING: Final = Sequence(())


def bytes_of(text: str) -> bytes:
    """The text to search, a byte for each code point."""
    return text.encode("ascii", "replace").translate(_ZEROS)


def superset(*patterns: str) -> str:
    """What to look for where these patterns match one behind the other.

    Raises ValueError where they may match an empty text: that is found everywhere.
    """
    expression = _written(_cut_down(_cut_down(_tree_of(patterns), at_end=True), at_end=False))
    if not expression:
        raise ValueError(f"{''.join(patterns)} may match an empty text")
    return expression


def width(*patterns: str) -> float:
    """The characters that are needed of a match of these patterns, at most: to tell that it is one.

    From where the first pattern begins to the last character that must be there.
    """
    return _width(_cut_down(_tree_of(patterns), at_end=True))


def _width(node: Node) -> float:
    match node:
        case Chars():
            return 1
        case Edge():
            return 0
        case Sequence(items):
            return sum(map(_width, items))
        case Either(branches):
            return max(map(_width, branches))
        case Group(body):
            return _width(body)
        case Repeat(body):
            each = _width(body)
            return each and each * (inf if node.most is None else node.most)
    assert_never(node)


def _tree_of(patterns: tuple[str, ...]) -> Node:
    return Sequence(tuple(map(parse, patterns)))


def _cut_down(node: Node, *, at_end: bool) -> Node:
    """Without what need not be there for a match: at its end, or else at its front."""
    match node:
        case Sequence(items):
            return _cut_down_items(items, at_end=at_end)
        case Either(branches):
            shorter = tuple(_cut_down(branch, at_end=at_end) for branch in branches)
            return _NOTHING if _NOTHING in shorter else Either(shorter)
        case Group(body):
            return _cut_down(body, at_end=at_end)
        case Repeat(body, least):
            return Repeat(body, least, least, lazy=False) if least else _NOTHING
        case Edge():
            return _NOTHING
        case Chars():
            return node
    assert_never(node)


def _cut_down_items(items: tuple[Node, ...], *, at_end: bool) -> Node:
    while items:
        outer = _cut_down(items[-1 if at_end else 0], at_end=at_end)
        items = items[:-1] if at_end else items[1:]
        if outer != _NOTHING:
            return Sequence((*items, outer) if at_end else (outer, *items))
    return _NOTHING


def _written(node: Node) -> str:
    match node:
        case Chars(mask):
            return _class(_as_searched(mask))
        case Edge():
            return ""
        case Sequence(items):
            return "".join(map(_written, items))
        case Either(branches):
            return f"(?:{'|'.join(map(_written, branches))})"
        case Group(body):
            return _written(body)
        case Repeat(body):
            inner = _written(body)
            return f"(?:{inner}){_times(node)}" if inner else ""
    assert_never(node)


def _times(repeat: Repeat) -> str:
    least, most = _counted(repeat)
    return f"{{{least}}}" if most == least else f"{{{least},{'' if most is None else most}}}"


def _counted(repeat: Repeat) -> tuple[int, int | None]:
    """Its bounds, as long as they are cheap."""
    affordable = max(1, _WRITTEN_OUT_MAX // _size(repeat.body))
    least, most = min(repeat.least, affordable), repeat.most
    if most is not None and most > affordable:
        most = None
    return least, most


def _size(node: Node) -> int:
    """The most characters of it that are written out, one at least."""
    match node:
        case Chars() | Edge():
            return 1
        case Sequence(items):
            return max(1, sum(map(_size, items)))
        case Either(branches):
            return sum(map(_size, branches))
        case Group(body):
            return _size(body)
        case Repeat(body):
            least, most = _counted(node)
            return _size(body) * max(1, least, most or 0)
    assert_never(node)


def _as_searched(mask: Mask) -> Mask:
    if mask & _CUT:
        mask = ANY
    if mask & _DIGITS:
        mask = mask & ~_DIGITS | mask_of("0")
    if mask & OTHERS:
        mask = mask & ~OTHERS | mask_of("?")
    return mask


def _class(mask: Mask) -> str:
    if mask.bit_count() == 1:
        return _code(mask.bit_length() - 1)
    ranges: list[str] = []
    while mask:
        first = (mask & -mask).bit_length() - 1
        run = mask >> first
        length = (~run & (run + 1)).bit_length() - 1  # of the ones it ends in
        ranges.append(f"{_code(first)}-{_code(first + length - 1)}" if length > 1 else _code(first))
        mask &= ~(((1 << length) - 1) << first)
    return f"[{''.join(ranges)}]"


def _code(code: int) -> str:
    return f"\\x{code:02x}"
