"""The body of a push, as Pub/Sub wraps a message.

{"message": {"data": "bG9nd2Vpci8x…",          base64; missing where it is empty
             "attributes": {"tenant": …},      the envelope says it all: not read
             "messageId": …, "publishTime": …, and each also as message_id, publish_time
             "orderingKey": …},
 "subscription": "projects/P/subscriptions/S",
 "deliveryAttempt": 3}                         only with a dead-letter policy
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from logweir.errors import LogweirError

# A message has a hundred attributes of 1,024 bytes at most. Bounds the objects that are made.
_VALUES_MAX: Final = 200_000


class NotPubSubs(LogweirError):
    """A body that Pub/Sub does not send to us. The words hold nothing of its data."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What we read of a push."""

    raw: bytes
    subscription: str
    deliveries: int


def read_pushed(body: bytes) -> Pushed:
    """Raises NotPubSubs."""
    members = _object(body)
    message = _member(members, "message", dict)
    attempt = _member(members, "deliveryAttempt", int, 1)
    return Pushed(
        raw=_decoded(_member(message, "data", str, "")),
        subscription=_member(members, "subscription", str),
        deliveries=max(1, attempt),
    )


def _object(body: bytes) -> dict[str, Any]:
    if sum(map(body.count, (b"[", b"{", b","))) > _VALUES_MAX:
        raise NotPubSubs("it has too many values")
    try:
        members = json.loads(body.decode(), object_pairs_hook=_pairs)
    except (ValueError, RecursionError):  # bad UTF-8, bad JSON, a number of thousands of digits
        raise NotPubSubs("it cannot be read as JSON") from None
    if not isinstance(members, dict):
        raise NotPubSubs("it is no JSON object")
    return members


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotPubSubs("it names a member twice")
    return members


def _member(members: dict[str, Any], name: str, kind: type, default: Any = None) -> Any:
    value = members.get(name, default)
    if type(value) is not kind:  # and not isinstance: True is an int
        raise NotPubSubs(f"its {name} is missing, or no {kind.__name__}")
    return value


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        raise NotPubSubs("its data is not base64") from None
