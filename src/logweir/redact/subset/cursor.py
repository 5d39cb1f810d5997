"""A place in a pattern that is being read."""

from __future__ import annotations


class Cursor:
    """Goes through a pattern once; its refusals say at which character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def is_at_end(self) -> bool:
        """Is everything read?"""
        return self.place >= len(self.text)

    def ahead(self, count: int = 1) -> str:
        """The next characters, fewer at the end."""
        return self.text[self.place : self.place + count]

    def next(self, otherwise: str) -> str:
        """The next character, read. Raises ValueError, with these words, at the end."""
        if self.is_at_end():
            raise self.refusal(otherwise)
        self.place += 1
        return self.text[self.place - 1]

    def skips(self, text: str) -> bool:
        """Was it next? Then it is read."""
        if not self.text.startswith(text, self.place):
            return False
        self.place += len(text)
        return True

    def until(self, end: str) -> str:
        """What stands in front of ``end``, and both are read; "" where it does not come."""
        found = self.text.find(end, self.place)
        if found < 0:
            return ""
        text = self.text[self.place : found]
        self.place = found + len(end)
        return text

    def refusal(self, why: str, back: int = 0) -> ValueError:
        """What to raise: of the character that is next, or ``back`` characters before it."""
        return ValueError(f"at character {max(1, self.place - back + 1)}: {why}")
