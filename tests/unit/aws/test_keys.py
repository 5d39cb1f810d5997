"""No two things have one key, and every key is one that DynamoDB takes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from logweir.backends.aws import keys
from logweir.ids import ID_GRAMMAR, LogId, TenantId
from logweir.pipeline.records import TextKey

LOGS = st.from_regex(ID_GRAMMAR, fullmatch=True).map(LogId)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
NONCES = st.text("0123456789abcdef", min_size=32, max_size=32)
NUMBERS = st.integers(0, 999_999)
TENANT = TenantId("acme")
THINGS: list[Callable[[LogId, str, str, int], str]] = [
    lambda log, sha, nonce, number: keys.document(log),
    lambda log, sha, nonce, number: keys.plan(TextKey(TENANT, log, sha)),
    lambda log, sha, nonce, number: keys.shard(TextKey(TENANT, log, sha), nonce, number),
    lambda log, sha, nonce, number: keys.letter(TextKey(TENANT, log, sha)),
    lambda log, sha, nonce, number: keys.deaths(TextKey(TENANT, log, sha), None),
    lambda log, sha, nonce, number: keys.deaths(TextKey(TENANT, log, sha), number),
    lambda log, sha, nonce, number: keys.part_by_content(log, sha),
    lambda log, sha, nonce, number: keys.part_of(log, nonce, number),
]
# Which of log, hash, nonce and number each of them is told by.
TOLD_BY = [(0,), (0, 1), (0, 1, 2, 3), (0, 1), (0, 1), (0, 1, 3), (0, 1), (0, 2, 3)]
ARGUMENTS = st.tuples(LOGS, HEX, NONCES, NUMBERS)


@given(ARGUMENTS, ARGUMENTS)
def test_no_two_things_have_one_key(
    one: tuple[LogId, str, str, int], two: tuple[LogId, str, str, int]
) -> None:
    for thing, told_by in zip(THINGS, TOLD_BY, strict=True):
        same = all(one[n] == two[n] for n in told_by)
        assert (thing(*one) == thing(*two)) is same
    for left, right in combinations(THINGS, 2):
        assert left(*one) != right(*two)


@given(LOGS, HEX, LOGS, HEX)
def test_what_is_listed_by_prefix_is_of_one_log_and_in_the_order_of_the_ids(
    log: LogId, sha: str, other: LogId, other_sha: str
) -> None:
    one, two = TextKey(TENANT, log, sha), TextKey(TENANT, other, other_sha)
    assert keys.plan(two).startswith(keys.plans(log)) is (log == other)
    for key in (keys.plan, keys.letter):
        assert (key(one) < key(two)) is ((log, sha) < (other, other_sha))
    assert (keys.document(log) < keys.document(other)) is (log < other)


def test_keys_of_the_longest_ids_fit() -> None:
    longest = ("x" * 128, "f" * 64, "f" * 32, 999_999)
    log, *others = longest
    for thing in THINGS:
        assert len(thing(LogId(log), *others)) <= 1024  # type: ignore[arg-type]
    assert len(keys.partition(TenantId("x" * 128))) <= 2048


@given(st.from_regex(ID_GRAMMAR, fullmatch=True).map(TenantId))
def test_no_tenant_has_the_partition_of_the_register_or_of_another(tenant: TenantId) -> None:
    assert keys.partition(tenant) != keys.TENANTS
    assert keys.partition(tenant).split("#") == ["TENANT", tenant]
