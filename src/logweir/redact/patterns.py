"""Patterns of the standard library's `re`, ASCII only."""

from __future__ import annotations

import re
from functools import cache
from typing import Any


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready to match: compiled when a text first needs it, since start-up counts."""
    return re.compile(pattern, re.ASCII)


class Lazy:
    """A pattern of a module's own, compiled when a text first needs it: its methods are `re`'s."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __getattr__(self, method: str) -> Any:
        """Found here but once: from then on the method is an attribute."""
        found = getattr(re.compile(self._source, re.ASCII), method)
        setattr(self, method, found)
        return found
