r"""A pattern -> its tree. Of regular expressions, what RE2 and `re` share.

    either    = sequence { "|" sequence }
    sequence  = { ( character | group ) [ repeat ] }
    group     = "(" either ")"  |  "(?:" either ")"  |  "(?P<name>" either ")"
    repeat    = ( "*" | "+" | "?" | "{3}" | "{3,}" | "{1,3}" ) [ "?" ]

A parser of our own: that of the standard library is private, and takes more with each version; a
grammar so small says what there is, instead of what is refused. No anchors: a rule is not told
where a line begins. ``(?i)`` may stand at the very beginning.
"""

from __future__ import annotations

from typing import Final

from logweir.redact.subset.characters import Characters
from logweir.redact.subset.cursor import Cursor
from logweir.redact.subset.tree import Edge, Either, Group, Node, Repeat, Sequence

REPEAT_MAX: Final = 1000  # RE2's own
DEPTH_MAX: Final = 20  # of groups
FOLDS_CASE: Final = "(?i)"
_SIGNS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def parse(pattern: str, *, in_a_line: bool = False) -> Node:
    r"""The tree of a pattern.

    ``in_a_line``: nothing of it takes a newline then, so that no match goes on in the next line.
    Raises ValueError, which says what is not taken, where, and what to write instead.
    """
    return _Parser(pattern, in_a_line=in_a_line).parse()


class _Parser:
    """By recursive descent."""

    def __init__(self, pattern: str, *, in_a_line: bool) -> None:
        self._cursor = Cursor(pattern)
        folds_case = self._cursor.skips(FOLDS_CASE)
        self._characters = Characters(self._cursor, folds_case=folds_case, in_a_line=in_a_line)
        self._names: set[str] = set()
        self._depth = 0

    def parse(self) -> Node:
        node = self._either()
        if not self._cursor.is_at_end():
            raise self._cursor.refusal(r"this ) closes nothing; for the character write \)")
        return node

    def _either(self) -> Node:
        branches = [self._sequence()]
        while self._cursor.skips("|"):
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self._cursor.ahead() not in {"", "|", ")"}:
            node = self._group() if self._cursor.skips("(") else self._characters.read()
            items.append(self._repeated(node))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _group(self) -> Node:
        name = ""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self._cursor.refusal(f"groups lie in each other, more than {DEPTH_MAX} deep", 1)
        if self._cursor.skips("?"):
            if self._cursor.skips("P<"):
                name = self._name()
            elif not self._cursor.skips(":"):
                raise self._cursor.refusal(
                    "of groups there are (…), (?:…) and (?P<name>…), and (?i) at the very"
                    " beginning: no look-around, no flags, no atomic group",
                    2,
                )
        node = self._either()
        if not self._cursor.skips(")"):
            raise self._cursor.refusal(r"a ( is not closed; for the character itself write \(")
        self._depth -= 1
        if name:
            return Group(node, name)
        return Sequence((node,)) if isinstance(node, Edge) else node

    def _name(self) -> str:
        name = self._cursor.until(">")
        if not (name.isascii() and name.isidentifier()) or name in self._names:
            raise self._cursor.refusal("a group's name is letters, digits and _, and is there once")
        self._names.add(name)
        return name

    def _repeated(self, node: Node) -> Node:
        bounds = self._bounds()
        if bounds is None:
            return node
        least, most = bounds
        if isinstance(node, Edge):
            raise self._cursor.refusal(f"{node.text} takes no character, and is not repeated", 1)
        if self._cursor.skips("+"):
            why = "possessive repeats, with a + after *, +, ? or {3}, are not taken"
            raise self._cursor.refusal(why, 1)
        lazy = self._cursor.skips("?")
        if self._bounds() is not None:
            raise self._cursor.refusal("a repeat of a repeat needs a group: (?:…)", 1)
        if max(least, most or 0) > REPEAT_MAX or (most is not None and most < least):
            why = f"a repeat goes up to {REPEAT_MAX}, and its smaller number stands first"
            raise self._cursor.refusal(why, 1)
        return Repeat(node, least, most, lazy)

    def _bounds(self) -> tuple[int, int | None] | None:
        sign = self._cursor.ahead()
        if sign in _SIGNS:
            self._cursor.skips(sign)
            return _SIGNS[sign]
        if not self._cursor.skips("{"):
            return None
        least, comma, most = self._cursor.until("}").partition(",")
        numbers = [least, most] if most else [least]
        if not all(n.isascii() and n.isdecimal() and len(n) <= 4 for n in numbers):
            why = r"a repeat is {3}, {1,3} or {3,}; for the character itself write \{"
            raise self._cursor.refusal(why, 1)
        if not comma:
            return int(least), int(least)
        return int(least), int(most) if most else None
