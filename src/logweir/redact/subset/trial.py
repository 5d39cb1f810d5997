"""How a pattern fares on texts that are made to hurt it, measured before it is let at a log.

The bound on its steps makes it linear; this sees what a step costs, and is a second pair of eyes.
Each text is a shape again and again, in two sizes: what the larger one takes must be within the
limit, and no more than its size asks for.

    shapes of a[0-9]{2,4}x     a0000 (all but the end)   a00   a   0   a and then 0 0 0 0 …
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from typing import Final

from logweir.redact.subset.tree import Chars, Either, Group, Mask, Node, Repeat, Sequence, walk

NANOSECONDS_A_CHARACTER_MAX: Final = 4000  # a quarter of a second for 64 KiB
GROWTH_MAX: Final = 1.5  # the exponent: 1 is linear, 2 the square
# Beyond what one try of a pattern looks at, or a bounded repeat would still look like a square.
_SMALL: Final = 2048
_LARGE: Final = 4096
_SECONDS: Final = 0.05  # after so long of it, the shapes that are left are not tried
_QUICK_NANOSECONDS: Final = 250  # a character: below, a growth would be the clock's own
_TRIES: Final = 9
_SHAPES_MAX: Final = 12
_LONG: Final = 64  # how often a sample repeats what may repeat so often

Seconds = Callable[[], float]


def hurt(pattern: str, tree: Node, seconds: Seconds = time.thread_time) -> str | None:
    """What is wrong with the time it takes, in words; None where nothing is.

    ``seconds`` is the clock: by default of this thread's own work alone, so that a machine that is
    busy with others, or a processor that is throttled, does not refuse a pattern.
    """
    finditer = re.compile(pattern, re.ASCII).finditer

    def taken(text: str) -> float:
        began = seconds()
        for _ in finditer(text):
            pass
        return seconds() - began

    ends = seconds() + _SECONDS
    for shape in shapes(tree):
        if why := _judged(_text(shape, _SMALL), _text(shape, _LARGE), taken):
            return f"{why}, on {shape[:24]!r} again and again"
        if seconds() > ends:
            break
    return None


def _text(shape: str, size: int) -> str:
    return (shape * (size // len(shape) + 1))[:size]


def _judged(small: str, large: str, taken: Callable[[str], float]) -> str | None:
    """What is wrong, if it is at each try; what of a try was disturbed, the others outweigh."""
    why, best = None, math.inf
    ratios: list[float] = []
    for _ in range(_TRIES):
        # One after the other: what a busy machine adds, it adds to both.
        seconds = taken(small)
        if seconds <= _QUICK_NANOSECONDS * 1e-9 * len(small):
            return None
        ratios.append(taken(large) / seconds)
        best = min(best, ratios[-1] * seconds)
        ratio = sorted(ratios)[(len(ratios) - 1) // 2]
        why = _wrong(best / len(large) * 1e9, math.log(ratio) / math.log(len(large) / len(small)))
        if why is None:
            return None
    return why


def _wrong(nanoseconds: float, growth: float) -> str | None:
    # How it grows is the pattern's own; how long it takes is the machine's, too.
    if growth > GROWTH_MAX:
        return f"its time grows with the length of a log to the power of {growth:.1f}"
    if nanoseconds > NANOSECONDS_A_CHARACTER_MAX:
        limit = f"{NANOSECONDS_A_CHARACTER_MAX:,} is the limit"
        return f"it takes {nanoseconds:,.0f} ns for each character of a log, and {limit}"
    return None


def shapes(tree: Node) -> list[str]:
    """Texts that look like a match for as long as they can, and are none; and parts of them."""
    longest, shortest = _sample(tree, _LONG), _sample(tree, 0)
    masks = {node.mask for node in walk(tree) if isinstance(node, Chars)}
    letters = [_one_of(mask) for mask in sorted(masks, key=int.bit_count, reverse=True)]
    tried = [
        *(longest[:-1], longest, shortest[:-1], shortest[:1], longest[: len(longest) // 2]),
        # A beginning, and then one character for ever: of the largest sets, which repeats are of.
        *(shortest[:-1] + letter * _LARGE for letter in letters[:3]),
        *letters,
    ]
    return list(dict.fromkeys(filter(None, tried)))[:_SHAPES_MAX]


def _sample(node: Node, long: int) -> str:
    """A text that matches, or nearly: each repeat ``long`` times, or as often as it may."""
    match node:
        case Chars(mask):
            return _one_of(mask)
        case Group(body):
            return _sample(body, long)
        case Sequence(items):
            return "".join(_sample(item, long) for item in items)
        case Either(branches):
            return max((_sample(branch, long) for branch in branches), key=len)
        case Repeat(body, least, most):
            times = max(least, min(long, long if most is None else most))
            return (_sample(body, long) * times)[: max(least, 4 * _LONG)]
        case _:
            return ""


def _one_of(mask: Mask) -> str:
    """A character of the set, a letter or digit if there is one."""
    codes = [code for code in range(128) if mask >> code & 1]
    return chr(max(codes, key=lambda code: (chr(code).isalnum(), code))) if codes else "é"
