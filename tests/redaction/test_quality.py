"""The redaction on made-up logs whose secrets are known, entity by entity."""

from __future__ import annotations

import pytest
from tests.redaction.generator import generate
from tests.redaction.measure import Quality, measure
from tests.redaction.report import examples_of

from logweir.redact import find

_SEEDS = (11, 12, 13)
_LINES = 10_000
_ENOUGH = 50  # labels; below that one mistake is more than the share that is allowed


@pytest.fixture(scope="module")
def quality() -> Quality:
    """Of all seeds together."""
    return measure((line for seed in _SEEDS for line in generate(seed, _LINES)), find)


def test_every_entity_is_found_ninety_nine_times_of_a_hundred(quality: Quality) -> None:
    recalls = {
        entity: round(tally.recall, 4)
        for entity, tally in quality.tallies.items()
        if tally.labelled >= _ENOUGH and tally.recall < 0.99
    }
    assert not recalls, f"{recalls}\n{examples_of(quality, 20)}"


def test_what_is_redacted_is_a_secret_ninety_nine_times_of_a_hundred(quality: Quality) -> None:
    precisions = {
        entity: round(tally.precision, 4)
        for entity, tally in quality.tallies.items()
        if tally.taken >= _ENOUGH and tally.precision < 0.99
    }
    assert not precisions, f"{precisions}\n{examples_of(quality, 20)}"


def test_lines_without_a_secret_stay_as_they_are(quality: Quality) -> None:
    assert quality.touched <= quality.clean / 1000, examples_of(quality, 20)


def test_every_entity_is_there_often_enough_to_be_judged(quality: Quality) -> None:
    labelled = {entity: tally.labelled for entity, tally in quality.tallies.items()}
    assert len(labelled) >= 20
    assert min(labelled.values()) >= _ENOUGH
