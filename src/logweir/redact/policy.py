"""What an operator may set of redaction, as a value."""

from __future__ import annotations

from collections.abc import Callable

from logweir.redact.light import NamedTuple
from logweir.redact.rule import Rule


class Policy(NamedTuple):
    """How one tenant's texts are redacted; the default is the table of rules and a plain marker."""

    off: frozenset[str] = frozenset()  # names of rules that are not run
    allowed: tuple[str, ...] = ()  # values that stay; with a `*` at one end: what begins or ends so
    rules: tuple[Rule, ...] = ()  # the operator's own, after the table's
    marker: str = "plain"  # "plain", "rule" or "hash"
    key: bytes = b""  # of the hash: equal values get equal markers, and only who has it can tell

    def __repr__(self) -> str:
        """Without the key, for it may get into a log."""
        shown = (f"{name}={getattr(self, name)!r}" for name in self._fields if name != "key")
        return f"Policy({', '.join(shown)})"

    @property
    def digest(self) -> str:
        """Names what it takes and how it marks: 8 hexadecimal digits; "" of the default.

        Of the key a fingerprint goes in: what was hashed under another cannot be joined, and is not
        what this policy makes of a text. It tells no more of the key than each marker does.
        """
        if self == Policy():
            return ""
        import hashlib
        import hmac

        rules = [[rule.name, rule.pattern] for rule in self.rules]
        told = repr([sorted(self.off), sorted(set(self.allowed)), rules, self.marker]).encode()
        if self.marker == "hash":
            told += hmac.digest(self.key, b"logweir: which key", "sha256")
        return hashlib.sha256(told).hexdigest()[:8]


def allowance(policy: Policy) -> Callable[[str], bool] | None:
    """Whether a value stays though a rule finds it; None where all go."""
    values = frozenset(value for value in policy.allowed if "*" not in value)
    beginnings = tuple(value[:-1] for value in policy.allowed if value.endswith("*"))
    ends = tuple(value[1:] for value in policy.allowed if value.startswith("*"))
    if not policy.allowed:
        return None
    return lambda value: value in values or value.startswith(beginnings) or value.endswith(ends)
