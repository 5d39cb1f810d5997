"""Patterns of the standard library's `re`, ASCII only."""

from __future__ import annotations

import re
from functools import cache


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready to match: compiled when a text first needs it, since start-up counts."""
    return re.compile(pattern, re.ASCII)
