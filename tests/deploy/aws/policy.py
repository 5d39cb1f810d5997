"""As much of IAM as deploy/aws needs: does a policy allow a call?

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.deploy.aws.template import listed

# What a call says of itself: a key has one value, or many, or is not there.
Context = Mapping[str, Sequence[str]]
_VARIABLE: Final = re.compile(r"\$\{([\w:/]+)\}")


def allows(
    statements: Sequence[Mapping[str, Any]], action: str, resource: str, context: Context
) -> bool:
    """Is there a statement that allows it? Ours have no denials."""
    assert all(statement["Effect"] == "Allow" for statement in statements)
    return any(
        any(_like(action, pattern) for pattern in listed(statement["Action"]))
        and any(_like(resource, pattern) for pattern in listed(statement.get("Resource", "*")))
        and _meets(statement.get("Condition", {}), context)
        for statement in statements
    )


def _meets(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    return all(
        _holds(operator, context.get(key), listed(wanted), context)
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _holds(
    operator: str, values: Sequence[str] | None, wanted: Sequence[str], context: Context
) -> bool:
    if operator == "Null":
        # A key without a value counts as one that is not there.
        return str(not values).lower() in wanted
    filled = [text for each in wanted if (text := _filled_in(each, context)) is not None]
    match operator:
        case "StringEquals":
            return values is not None and len(values) == 1 and values[0] in filled
        case "StringLike":
            return values is not None and any(_like(values[0], pattern) for pattern in filled)
        case "ForAllValues:StringLike":
            return all(any(_like(v, pattern) for pattern in filled) for v in values or ())
        case "ForAllValues:StringEquals":
            return all(value in filled for value in values or ())  # of none too
        case _:
            raise AssertionError(f"what is {operator}?")


def _filled_in(text: str, context: Context) -> str | None:
    """With the values of its variables; None where one has none: then it matches nothing."""
    names = _VARIABLE.findall(text)
    if any(len(context.get(name) or ()) != 1 for name in names):
        return None
    return _VARIABLE.sub(lambda match: context[match[1]][0], text)


def _like(text: str, pattern: str) -> bool:
    parts = ({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
