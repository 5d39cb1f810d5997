"""Redaction of texts that are made to slow it down, in sizes doubled up to a megabyte."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Final

from tests.unit.redact.test_hostile import KILO, SHAPES, of_size, seconds

_STEEP: Final = 1.15
SIZES: Final = tuple(64 * KILO << doubled for doubled in range(5))  # code points


@dataclass(frozen=True, slots=True)
class Hostile:
    """One shape again and again: seconds of processor time for each of the sizes."""

    shape: str
    times: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """Of the growth: 1 where twice the text takes twice the time, 2 where it takes four times.

        The slope of a line through all sizes, on logarithmic axes.
        """
        sizes = tuple(map(math.log, SIZES[: len(self.times)]))
        return statistics.linear_regression(sizes, tuple(map(math.log, self.times))).slope


def measure(sizes: tuple[int, ...] = SIZES) -> list[Hostile]:
    """Each shape of the tests."""
    return [_measured(shape, sizes) for shape in SHAPES]


def _measured(shape: str, sizes: tuple[int, ...]) -> Hostile:
    """Where it looks steep it is measured again: what disturbs one size bends the line."""
    tries = (
        Hostile(shape, tuple(seconds(of_size(shape, size)) for size in sizes)) for _ in range(3)
    )
    found = next(tries)
    while found.exponent > _STEEP and (again := next(tries, None)):
        found = again
    return found
