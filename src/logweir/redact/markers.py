"""What stands where something was taken out.

[REDACTED]                          plain
[REDACTED:email]                    with the rule's name
[REDACTED:email:0123456789abcdef]   with a keyed hash: equal values can be joined, not known
"""

from __future__ import annotations

import re
from collections.abc import Callable

from logweir.redact.light import Final
from logweir.redact.neighbours import CUT
from logweir.redact.policy import Policy

MARKER: Final = "[REDACTED]"
NAME_GRAMMAR: Final = "[a-z][a-z0-9-]{0,31}"  # of a rule: in a marker no number stands behind the :

_HASH_DIGITS: Final = (
    16  # 64 bits: of a billion values of a tenant, two share a marker with odds of 3 %
)

#: Each kind of marker, as a pattern.
MARKERS: Final = rf"\[REDACTED(?::{NAME_GRAMMAR}(?::[0-9a-f]{{{_HASH_DIGITS}}})?)?\]"

#: (the rule's name, the value) -> its marker
Marker = Callable[[str, str], str]


def marker_of(policy: Policy) -> Marker:
    """How this policy marks."""
    if policy.marker == "rule":
        return lambda name, _value: f"[REDACTED:{name}]"
    if policy.marker == "hash":
        return _hashed(policy.key)
    return lambda _name, _value: MARKER


def _hashed(key: bytes) -> Marker:
    import hmac

    def marker(name: str, value: str) -> str:
        data = f"{name}\0{value}".encode(errors="surrogatepass")
        return f"[REDACTED:{name}:{hmac.digest(key, data, 'sha256').hex()[:_HASH_DIGITS]}]"

    return marker


def without_markers(text: str) -> str:
    """The text with the markers of an earlier redaction blotted out, character for character."""
    return re.sub(MARKERS, lambda marker: CUT * len(marker[0]), text)
