"""How many steps one try of a pattern takes at most, at one place of a text.

    character               1
    A, then B               of A, and for each way in which A can end, those of B
    A or B                  of those that may begin with what is next; the others are seen to miss
    x{m,n}, then B          n, and those of B once where B cannot begin with an x: then only the
                            end of the run is a place for it, and at the others it takes those until
                            its first characters are seen to miss. Otherwise n - m + 1 times
    x{m,}, then B           m, where B cannot fail: then the try ends in a match, the search goes
                            on behind it, and what the run took is not looked at again.
                            Otherwise it is refused: the run may be as long as the text
    (...){m,n}, then B      as if it stood there n times, n - m of them with a way out

So much `re` does at worst: it tries each way once, and stops at the first that matches. A repeat in
a repeat multiplies, and ends above any bound by itself, unless its parts are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence as Listed
from typing import Final, NamedTuple, assert_never

from logweir.redact.subset.tree import (
    ANY,
    Chars,
    Edge,
    Either,
    Group,
    Mask,
    Node,
    Repeat,
    Sequence,
)

STEPS_MAX: Final = 2000


class _Rest(NamedTuple):
    """What is still to match behind a place."""

    steps: int
    miss: int  # steps until it fails, where it does not begin with what is next
    first: Mask  # what it may begin with
    empty: bool  # whether it may match without a character
    sure: bool  # whether it matches wherever it stands


_END: Final = _Rest(steps=0, miss=0, first=0, empty=True, sure=True)


def check_steps(tree: Node, *, may_be_empty: bool = False) -> int:
    """The bound. Raises ValueError, with what to write, where there is none or it is too high."""
    whole = _before(tree, _END)
    if whole.empty and not may_be_empty:
        raise ValueError("it matches the empty text: let it require at least one character")
    return whole.steps


def _before(node: Node, rest: _Rest) -> _Rest:
    """The rest as it is in front of ``node``."""
    match node:
        case Chars(mask):
            found = _Rest(1 + rest.steps, 1, mask, empty=False, sure=False)
        case Edge():
            first = ANY if rest.empty else rest.first
            found = _Rest(1 + rest.steps, 1 + rest.miss, first, rest.empty, sure=False)
        case Group(body):
            found = _before(body, rest)
        case Sequence(items):
            found = rest
            for item in reversed(items):
                found = _before(item, found)
        case Either(branches):
            found = _either([_before(branch, rest) for branch in branches])
        case Repeat(Chars(mask), least, most):
            found = _before_run(mask, least, most, rest)
        case Repeat(body, least, most):
            found = _before_loop(body, least, most, rest)
        case _:
            assert_never(node)
    if found.steps > STEPS_MAX:
        raise ValueError(
            f"it may take more than {STEPS_MAX:,} steps at each character of a log: make its"
            " repeats shorter, or separate them by what the repeat in front cannot take"
        )
    return found


def _either(rests: Listed[_Rest]) -> _Rest:
    first = 0
    for rest in rests:
        first |= rest.first
    # What is next lets some of them go on, and the others miss.
    steps = max(
        sum(rest.steps if rest.empty or rest.first >> bit & 1 else rest.miss for rest in rests)
        for bit in range(ANY.bit_length())
    )
    return _Rest(
        steps,
        sum(rest.miss for rest in rests),
        first,
        any(rest.empty for rest in rests),
        any(rest.sure for rest in rests),
    )


def _before_run(mask: Mask, least: int, most: int | None, rest: _Rest) -> _Rest:
    if rest.sure:
        steps = (least if most is None else most) + rest.steps
    elif most is None:
        raise ValueError(
            "a repeat without an end (*, + or {3,}) may only be the last of a pattern, or a search"
            " takes time that grows with the square of the text: write {0,64} or {1,64}"
        )
    elif rest.empty or rest.first & mask:
        steps = most + (most - least + 1) * rest.steps
    else:
        steps = most + (most - least) * rest.miss + rest.steps
    if least:
        return _Rest(1 + steps, 1, mask, empty=False, sure=False)
    return _Rest(1 + steps, 1 + rest.miss, mask | rest.first, rest.empty, rest.sure)


def _before_loop(body: Node, least: int, most: int | None, rest: _Rest) -> _Rest:
    if most is None:
        raise ValueError(
            "a group cannot be repeated without an end: write {0,8} or {1,8} for its * or +"
        )
    found = rest
    for count in range(most, 0, -1):
        found = _before(body, found)
        if count > least:
            found = _either([found, rest])
        found = found._replace(steps=found.steps + 1)  # the loop's own, or of nothing it has no end
    return found
