"""A canary is in one text alone, has one length, and is never half of itself."""

from __future__ import annotations

import pytest

from logweir.redact import redact
from logweir.verify.canary import CANARY, canary, run_of


def test_no_two_logs_have_one_canary() -> None:
    words = {
        canary(seed, index, tenant)
        for seed in (0, 1, 7, 10**12)
        for index in range(500)
        for tenant in ("flood-1", "flood-2", "FLOOD-1")
    }
    assert len(words) == 4 * 500 * 3
    assert all(CANARY.fullmatch(word) for word in words)


def test_the_canaries_of_one_flood_have_in_common_what_no_other_has() -> None:
    floods = [{run_of(canary(seed, i, "flood-1")) for i in range(100)} for seed in range(50)]
    assert all(len(runs) == 1 for runs in floods)
    assert len(set().union(*floods)) == 50


def test_redaction_leaves_it_wherever_it_stands() -> None:
    for index in range(300):
        word = canary(5, index, "flood-1")
        for text in (word, f"ref {word}\n", f"user {word} logged in", f"id={word}, 555-0199"):
            assert CANARY.findall(redact(text).text) == [word]


@pytest.mark.parametrize("kept", range(1, 27))
def test_one_that_is_cut_off_is_none(kept: int) -> None:
    word = canary(5, 5, "flood-1")
    assert not CANARY.findall(f"it ends in {word[:kept]}")
    assert not CANARY.findall(f"{word[-kept:]} it begins with")
