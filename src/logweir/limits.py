"""Every limit in one frozen place; the unit stands last in the name."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What Logweir takes, holds and tries at most."""

    # a request
    text_bytes_max: int = 4 * MIB  # the text as UTF-8, on every back end
    body_bytes_max: int = 16 * MIB  # as sent and as inflated: JSON may spell a character in 6 bytes
    header_bytes_max: int = 16 * KIB
    header_count_max: int = 100
    json_values_max: int = (
        100_000  # commas and brackets outside of strings: bounds the objects made
    )
    receive_seconds_max: float = 30.0

    # the gateway
    requests_max: int = 4096  # being received or published at the same time; a connection has one
    intake_bytes_max: int = 256 * MIB  # bodies held at the same time
    publish_seconds_max: float = 10.0  # then 503: unknown
    retry_after_seconds: int = 1
    # What is accepted and not worked on yet, in characters of 0.05 s: 579 and 58 days of work, or
    # 14 hours and 83 minutes of a worker's with its thousand at once. Chosen by the disk, too:
    # docs/adr/0013. 0: no bound.
    backlog_characters_max: int = 1_000_000_000
    tenant_backlog_characters_max: int = 100_000_000
    backlog_retry_after_seconds: int = 10

    # a log
    attempts_max: int = 10  # of work that raises
    deliveries_max: int = 90  # that ended without an answer

    # a worker
    in_flight_bytes_max: int = 256 * MIB  # envelopes in work at the same time
    lease_seconds: float = 10.0
    heartbeat_seconds: float = 2.0
    drain_seconds: float = 5.0  # from SIGTERM until unfinished work is handed back


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLimits:
    """What a file of redaction may hold: each rule costs time on each log, and at each start."""

    file_bytes_max: int = 256 * KIB
    rules_max: int = 20  # of an operator's own, for everyone
    tenant_rules_max: int = 10  # and for one tenant beside these
    all_rules_max: int = 100  # in the file: each is tried at start, for 50 ms at most
    tenants_max: int = 500
    allowed_max: int = 1000  # values that stay, of everyone and of one tenant
    allowed_characters_max: int = 200
    examples_max: int = 20  # of a rule, of each kind
    example_characters_max: int = 1000
    finds_characters_max: int = 100


POLICY_LIMITS = PolicyLimits()
