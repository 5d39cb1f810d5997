"""Patterns of the standard library's `re`, ASCII only."""

from __future__ import annotations

import re
from functools import cache

from logweir.redact.light import Any


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready to match: compiled when a text first needs it, since start-up counts."""
    lazy: Any = _Pattern(pattern)
    ready: re.Pattern[str] = lazy
    return ready


class _Pattern:
    """A pattern that has the methods of `re`'s, and is compiled with the first use of one."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __getattr__(self, method: str) -> Any:
        found = getattr(re.compile(self._source, re.ASCII), method)
        setattr(self, method, found)  # so that this is asked once
        return found
