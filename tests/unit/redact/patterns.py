"""Patterns as an operator may write them, and texts that they may match."""

from __future__ import annotations

from hypothesis import strategies as st

ATOMS = st.sampled_from(
    ["a", "b", "[ab]", "[^a]", ".", r"\d", r"\w", r"\s", r"\S", r"\b", "-", "é", "[a-c1]"]
)
BOUNDS = st.sampled_from(["", "", "", "?", "{2}", "{0,2}", "{1,3}", "{1,2}?"])


def repeated(atoms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(atoms, BOUNDS).map(
        lambda pair: pair[0] if pair[0] == r"\b" else "".join(pair)
    )
    return st.lists(pairs, min_size=1, max_size=4).map("".join)


PATTERNS = st.recursive(
    repeated(ATOMS),
    lambda inner: repeated(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})")
    ),
    max_leaves=6,
)
TEXTS = st.text("ab1- é\n", max_size=30)
