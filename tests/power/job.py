"""The user's function of some recordings: a poisoned text raises, every other is done at once."""

from __future__ import annotations

from tests.crash.texts import POISON


def run(text: str) -> None:
    """Raises ValueError where the text is poisoned."""
    if POISON in text:
        raise ValueError("this text cannot be worked on")
