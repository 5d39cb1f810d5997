"""A search in short steps: `re` holds the interpreter's lock for as long as one call lasts.

    text     ├────────── window ──────────┼── width ──┤
    a call        looks for what begins here    and may end here

A heartbeat waits in another thread meanwhile. So each call looks at a window, and at what a match
that begins in it may take beyond: no more than its steps, but for a run without an end, which is
taken as a whole once it is found.
"""

from __future__ import annotations

import re

from logweir.redact.light import Final

WINDOW_CHARACTERS: Final = 16 * 1024  # 65 ms for the slowest pattern that is taken
WIDTH_CHARACTERS: Final = 2048  # a step takes one, and one more to see whether a word ends


def search(
    pattern: re.Pattern[str], text: str, place: int, window: int = WINDOW_CHARACTERS
) -> re.Match[str] | None:
    """As ``pattern.search(text, place)`` does, for a pattern of the subset."""
    while len(text) - place > window + WIDTH_CHARACTERS:
        end = place + window + WIDTH_CHARACTERS
        match = pattern.search(text, place, end)
        if match and match.start() < place + window:
            return match if match.end() < end else pattern.match(text, match.start())
        place += window
    return pattern.search(text, place)
