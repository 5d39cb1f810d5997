"""A search by windows finds what one search finds, and lets others run meanwhile."""

from __future__ import annotations

import asyncio
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.logs import a_log
from tests.support.world import World
from tests.unit.redact.patterns import PATTERNS

from logweir.pipeline.consume import Ack
from logweir.redact import windows
from logweir.redact.policies import Redactors
from logweir.redact.policy_file import parse_policies
from logweir.redact.subset import check
from logweir.redact.subset.steps import STEPS_MAX

GAP_SECONDS_MAX = 0.5
# Half as slow as a pattern may be, so that a busy machine lets it by, and it finds nothing.
SLOW = """
[[rule]]
name = "slow"
finds = "nothing here"
pattern = '[a-z]{1,450}!'
takes = ["«a!»"]
"""


@settings(max_examples=80)
@given(PATTERNS, st.sampled_from(["", "", "[a-b]+", r"-?[ab1]*"]), st.text("ab1- é\n", max_size=60))
def test_by_windows_the_same_is_found(pattern: str, tail: str, text: str) -> None:
    try:
        check(pattern + tail)
    except ValueError:
        return
    compiled = re.compile(pattern + tail, re.ASCII)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "WIDTH_CHARACTERS", 40)
        for place in range(len(text)):
            match, whole = windows.search(compiled, text, place, 3), compiled.search(text, place)
            assert (match and match.span()) == (whole and whole.span())


class NoWork:
    """Takes no time."""

    async def __call__(self, text: str) -> None:
        """Nothing is left but to redact."""


def test_no_match_is_wider_than_what_is_looked_at_behind_a_window() -> None:
    assert windows.WIDTH_CHARACTERS > STEPS_MAX


async def test_the_longest_scan_starves_no_heartbeat() -> None:
    redactors = Redactors(parse_policies(SLOW, "the file"))
    text = "!" + "a" * 400_000
    world = World(chunk_size=None, redactors=redactors, work=NoWork())
    consumed = asyncio.create_task(world.consume(a_log(text)))
    began, gap, beat = time.perf_counter(), 0.0, time.perf_counter()
    while not consumed.done():
        await asyncio.sleep(0.005)
        now = time.perf_counter()
        gap, beat = max(gap, now - beat), now
    assert await consumed == Ack()
    assert gap <= GAP_SECONDS_MAX
    assert gap <= max(0.1, (time.perf_counter() - began) / 2), "a call looked at all of the text"
