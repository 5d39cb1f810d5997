"""Bugs that are planted into the product by the tests alone, one at a time, as patches.

No code of the product can reach them: each is there only while ``planted`` is entered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

Patch = tuple[object, str, Any]
MUTANTS: Final[dict[str, Callable[[], Sequence[Patch]]]] = {}
_later: Final[set[asyncio.Task[Any]]] = set()  # what a mutant does too late


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The bug of this name is in the product meanwhile."""
    with ExitStack() as stack:
        for owner, attribute, mutated in MUTANTS[name]():
            stack.enter_context(patch.object(owner, attribute, mutated))
        yield
    _later.clear()


def mutant(function: Callable[[], Sequence[Patch]]) -> Callable[[], Sequence[Patch]]:
    """Make a bug known by the name of its function, which gives the patches that plant it."""
    MUTANTS[function.__name__] = function
    return function


def do_later(coroutine: Any) -> None:
    """Begin what should have been done by now."""
    _later.add(asyncio.get_running_loop().create_task(coroutine))
