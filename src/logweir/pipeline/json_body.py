"""JSON bodies, read so that two readers cannot understand them differently.

The standard library's parser, since it shows every pair of an object: every common parser keeps
the last of two equal keys, and one that is put in front of Logweir may keep the first, so that
``{"tenant_id": "a", …, "tenant_id": "b"}`` would be a's for the one and b's for the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from logweir.errors import Rejection
from logweir.reasons import Reason

# The closing quote is optional: a string without one must not be tried again from each quote in it.
# Possessive: a regex that may give characters back takes 60 times the body's memory.
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


def parse_members(body: str, names: Iterable[str], values_max: int) -> dict[str, Any]:
    """The named members of the object in ``body``; others are ignored, and so is a null ``log_id``.

    ``values_max`` bounds the objects that a body can make us allocate. Raises Rejection.
    """
    _check_complexity(body, values_max)
    try:
        value = _decoder.decode(body)
    except RecursionError:
        raise Rejection(Reason.JSON_TOO_COMPLEX, "Nest less deep.") from None
    except json.JSONDecodeError as error:
        raise Rejection(
            Reason.MALFORMED_JSON, f"{error.msg}, at the character given.", actual=error.pos
        ) from None
    if not isinstance(value, dict):
        raise Rejection(Reason.NOT_AN_OBJECT, "Send a JSON object.", actual=json_type(value))
    members = {name: value[name] for name in names if name in value}
    if "\\u" in body:  # half of a pair can only be spelled so
        _check_surrogates(members)
    if members.get("log_id", "") is None:
        del members["log_id"]
    return members


def json_type(value: object) -> str:
    """What JSON calls the type of a parsed value."""
    names = {dict: "object", list: "array", str: "string", float: "number", bool: "boolean"}
    return names.get(type(value), "null")


def _check_complexity(body: str, values_max: int) -> None:
    if len(body) <= values_max:
        return
    values = sum(map(_STRINGS.sub("", body).count, "[{,"))
    if values > values_max:
        raise Rejection(
            Reason.JSON_TOO_COMPLEX,
            "Send fewer values in one body.",
            limit=values_max,
            actual=values,
        )


def _check_surrogates(members: dict[str, Any]) -> None:
    for name, value in members.items():
        if not isinstance(value, str):
            continue
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Rejection(
                Reason.LONE_SURROGATE,
                f"{name} holds half of a surrogate pair, at the character given.",
                actual=error.start,
            ) from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Rejection(Reason.DUPLICATE_KEY, "Name each member of an object once, at every depth.")
    return members


def _constant(name: str) -> NoReturn:
    raise Rejection(Reason.MALFORMED_JSON, f"{name} is not JSON.")


def _number(_digits: str) -> float:
    return 0.0  # nobody needs it, and int() would refuse thousands of digits


_decoder = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_number, parse_float=_number
)
