"""Fields as DynamoDB's typed attributes, and back: boto3 has a codec for all that there is.

"a" ↔ {"S": "a"}    7 ↔ {"N": "7"}    True ↔ {"BOOL": True}    None ↔ {"NULL": True}
[] ↔ {"L": []}      {} ↔ {"M": {}}    frozenset({1, 2}) ↔ {"NS": ["1", "2"]}, never empty
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from logweir.pipeline.fields import Fields

Attribute = Mapping[str, Any]
Attributes = Mapping[str, Attribute]


def attributes_of(fields: Fields) -> dict[str, Attribute]:
    """An item's attributes, of its fields. Raises TypeError for what we never keep."""
    return {name: attribute_of(value) for name, value in fields.items()}


def fields_of(attributes: Attributes) -> dict[str, Any]:
    """An item's fields, of its attributes."""
    return {name: value_of(attribute) for name, attribute in attributes.items()}


def attribute_of(value: object) -> Attribute:
    """One value, with its type."""
    match value:
        case str():
            return {"S": value}
        case bool():  # before int, which it is too
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [attribute_of(each) for each in value]}
        case frozenset():
            return {"NS": [str(each) for each in sorted(value)]}
        case Mapping():
            return {"M": attributes_of(value)}
        case _:
            raise TypeError(f"no attribute can be made of {type(value).__name__}")


def value_of(attribute: Attribute) -> Any:
    """One value, without its type. Raises TypeError for what we never write."""
    [(kind, value)] = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "L":
            return [value_of(each) for each in value]
        case "NS":
            return frozenset(map(int, value))
        case "M":
            return fields_of(value)
        case _:
            raise TypeError(f"nothing of ours has the type {kind}")
