"""Whose texts are redacted how: a policy for everyone, and those of the tenants that have one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from logweir.redact.policy import Policy
from logweir.redact.redactor import Redactor

_KEPT = 256  # redactors: where values are hashed, each tenant has its own


@dataclass(frozen=True, slots=True)
class Policies:
    """By the tenant's id; who is not named has the default."""

    default: Policy = Policy()
    tenants: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, tenant: str) -> Policy:
        """The tenant's policy, with a key of its own, made of the operator's.

        With one key for all, any tenant could send in what it guesses, and look for its hash in
        what another one shows.
        """
        policy = self.tenants.get(tenant, self.default)
        if policy.marker != "hash":
            return policy
        import hmac

        return policy._replace(key=hmac.digest(policy.key, f"tenant\0{tenant}".encode(), "sha256"))


class Redactors:
    """The redactor of each tenant, made when it is first asked for.

    ``unavailable``: why the engine that was asked for is not to be had; "" where it is.
    """

    def __init__(self, policies: Policies = Policies(), engine: str = "re") -> None:
        self._policies = policies
        self._engine = engine
        self._made = lru_cache(_KEPT)(self._make)
        # What most of them share is made now, and not with the first log.
        self.unavailable = self.of("").unavailable

    def of(self, tenant: str) -> Redactor:
        """Its ``version`` goes into the tenant's documents."""
        return self._made(self._policies.of(tenant), self._engine)

    def quicken(self) -> str:
        """Have hyperscan look first from now on; why that cannot be, or "". Takes most of a second.

        Another thread may do it, while this one's redactors are in use: what they find is the same.
        """
        redactor = Redactor(self._policies.default, "hyperscan")
        if not redactor.unavailable:
            self._engine = "hyperscan"  # what another thread is making has the one before
        return redactor.unavailable

    def _make(self, policy: Policy, engine: str) -> Redactor:
        # Hyperscan compiles a table of rules for most of a second, once, at the start. For a
        # tenant's own table all logs in work would wait as long.
        everyones = self._policies.default
        shares = (policy.off, policy.rules) == (everyones.off, everyones.rules)
        return Redactor(policy, engine if shares else "re")
