"""Fields as DynamoDB's typed attributes, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logweir.backends.aws.attributes import (
    attribute_of,
    attributes_of,
    fields_of,
    value_of,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS
VALUES = st.recursive(
    SCALARS | st.frozensets(st.integers(), min_size=1, max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_fields_come_back_as_they_were(fields: dict[str, object]) -> None:
    again = fields_of(attributes_of(fields))
    assert again == fields
    assert attributes_of(again) == attributes_of(fields), "True is 1, but not of its type"


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        *(("", {"S": ""}), ("a\0", {"S": "a\0"}), (0, {"N": "0"}), (-7, {"N": "-7"})),
        *((True, {"BOOL": True}), (None, {"NULL": True}), ({}, {"M": {}}), ((), {"L": []})),
        (frozenset({10, 2}), {"NS": ["2", "10"]}),
        ({"a": [1]}, {"M": {"a": {"L": [{"N": "1"}]}}}),
    ],
)
def test_values_have_the_types_of_the_protocol(value: object, attribute: object) -> None:
    assert attribute_of(value) == attribute


@pytest.mark.parametrize("value", [1.5, b"bytes", object(), {1, 2}])
def test_of_what_we_never_keep_no_attribute_is_made(value: object) -> None:
    with pytest.raises(TypeError):
        attribute_of(value)


def test_what_we_never_write_is_not_read() -> None:
    with pytest.raises(TypeError, match="B"):
        value_of({"B": "AA=="})
