"""Power cuts and failing disks under real processes; ``python -m tests.power`` does far more."""

from __future__ import annotations

import pytest
from tests.power import suite
from tests.power.mount import why_not
from tests.power.suite import BUGS, Tally
from tests.support.shared import missing


@pytest.fixture
def recorder() -> None:
    """Go on only where the recorder can be mounted."""
    if reason := why_not():
        missing(f"NOT TESTED: power cuts; {reason}")


def holds(tally: Tally) -> bool:
    print(dict(tally.counts), dict(tally.fired), *tally.findings, sep="\n")
    return not tally.findings


@pytest.mark.usefixtures("recorder")
def test_what_was_answered_202_outlives_a_power_cut_at_any_moment() -> None:
    tally = suite.traffic(1, images=2, cuts_max=300)
    assert holds(tally)
    assert tally.counts["images"] >= 250
    assert tally.counts["images worked to the end"] > 0


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize("bug", BUGS, ids=BUGS.values())
def test_a_planted_bug_loses_accepted_logs_and_that_is_found(bug: str) -> None:
    found = suite.planted(bug, images=2, cuts_max=80)
    lost = {text for _, _, text in found.findings if text.startswith("lost:")}
    print(f"{BUGS[bug]}: {len(lost)} logs lost in {found.looked_at} images")
    assert lost


@pytest.mark.slow  # and in `make power`
@pytest.mark.usefixtures("recorder")
def test_an_fsync_that_fails_is_503_and_service_resumes_by_itself() -> None:
    tally = suite.failing_syncs(range(1, 8), 3, images=2)
    assert holds(tally)
    assert tally.fired["fsync EIO"] >= 7


@pytest.mark.slow  # and in `make power`
@pytest.mark.usefixtures("recorder")
def test_a_disk_that_is_full_at_any_write_is_503_and_service_resumes_by_itself() -> None:
    tally = suite.full_disks(range(1, 8), (), images=1)
    assert holds(tally)
    assert tally.fired["write ENOSPC"] >= 7


def test_a_flipped_bit_is_never_another_text() -> None:
    tally = suite.flipped_bits(0, 60)
    assert holds(tally)
    assert tally.counts["reads after a flip, an error that names the file"] > 0
    assert tally.counts["reads after a flip, an envelope's checksum"] > 0
