"""A rule of an operator's own: checked, timed and tried before it is let at a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logweir.redact.rule import Range, Rule, everything
from logweir.redact.subset import gate_of, hurt, parsed_in_a_line, written
from logweir.redact.subset.tree import Group, Node, Repeat, Sequence, walk

if TYPE_CHECKING:
    import re

VALUE: Final = "value"  # the group that goes, where not all of a match does


def own_rule(
    name: str, finds: str, pattern: str, takes: tuple[str, ...], leaves: tuple[str, ...]
) -> Rule:
    """The row of the table that it becomes.

    Nothing that it takes lies in two lines. Raises ValueError, in words that follow ``pattern:``.
    """
    tree = parsed_in_a_line(pattern)
    takes_value = _has_value(tree)
    in_a_line = written(tree, pattern)
    if why := hurt(in_a_line, tree):
        raise ValueError(why)
    return Rule(
        name=name,
        finds=finds,
        gate=gate_of(tree),
        pattern=in_a_line,
        takes=takes,
        leaves=leaves,
        guard=_value if takes_value else everything,
        anchored=False,
    )


def _has_value(tree: Node) -> bool:
    """Does it name what goes? Raises ValueError where that is not in every match."""
    names = [node.name for node in walk(tree) if isinstance(node, Group)]
    if not names:
        return False
    if names != [VALUE]:
        raise ValueError(f"there may be one group of a name, {VALUE}; there is {', '.join(names)}")
    parts = tree.items if isinstance(tree, Sequence) else (tree,)
    others = [part for part in parts if not isinstance(part, Group)]
    if len(others) == len(parts):
        raise ValueError(f"the group {VALUE} must be in every match: let it lie in no other group")
    # The search goes on behind the value, and would see again and again what is behind it.
    if any(isinstance(n, Repeat) and n.most is None for part in others for n in walk(part)):
        raise ValueError(f"behind the group {VALUE} each repeat must have an end: write {{0,64}}")
    return True


def _value(_text: str, _start: int, match: re.Match[str]) -> Range | None:
    start, end = match.span(VALUE)
    return (start, end) if start < end else None
