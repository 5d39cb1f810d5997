r"""What a pattern of a rule must keep to, so that a search takes time linear in the text's length.

    parser.py       pattern -> tree; what is not RE2's and `re`'s alike is refused
    characters.py   its characters and classes; cursor.py, where it is read
    tree.py         the tree
    steps.py        the bound on what is done at each place of a text
    gate.py         the literals that each match holds
    trial.py        hostile texts, and the time they take

RE2's syntax alone does not do it, for `re` searches by trying: ``[a-z]+@`` tries a run of letters
once from each of its letters. With a bound on the steps of one try (steps.py), a search of n
characters takes at most n times that bound. What a step costs, trial.py measures.
"""

from __future__ import annotations

import re
from typing import Final

from logweir.redact.subset.gate import gate_of
from logweir.redact.subset.parser import FOLDS_CASE, parse
from logweir.redact.subset.steps import check_steps
from logweir.redact.subset.tree import Node, source_of
from logweir.redact.subset.trial import hurt

__all__ = ["PATTERN_CHARACTERS_MAX", "check", "gate_of", "hurt", "parsed_in_a_line", "written"]

PATTERN_CHARACTERS_MAX: Final = 1000


def check(pattern: str, *, may_be_empty: bool = False) -> None:
    """Is it in the subset, and linear? Raises ValueError, in words that an operator can act on."""
    check_steps(parse(pattern), may_be_empty=may_be_empty)
    re.compile(pattern, re.ASCII)  # a last word by who will run it


def parsed_in_a_line(pattern: str) -> Node:
    """The tree of a pattern that keeps to one line. Raises ValueError as ``check`` does."""
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise ValueError(
            f"has {len(pattern):,} characters, and may have {PATTERN_CHARACTERS_MAX:,}"
        )
    check(pattern)
    tree = parse(pattern, in_a_line=True)
    check_steps(tree)
    return tree


def written(tree: Node, pattern: str) -> str:
    """The tree as a pattern again, with the flag of the pattern that it was made of."""
    return (FOLDS_CASE if pattern.startswith(FOLDS_CASE) else "") + source_of(tree)
