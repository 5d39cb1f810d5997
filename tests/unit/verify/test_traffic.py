"""What a flood sends: repeatable, mixed, and each log to be known again wherever it turns up."""

from __future__ import annotations

import itertools

from logweir.envelope import Source
from logweir.redact import redact
from logweir.verify.canary import canary
from logweir.verify.traffic import traffic

LOGS = list(itertools.islice(traffic(7, 4), 2000))


def test_the_same_seed_makes_the_same_logs() -> None:
    assert list(itertools.islice(traffic(7, 4), 2000)) == LOGS
    assert next(traffic(8, 4)).text != LOGS[0].text


def test_it_mixes_tenants_json_and_text_own_ids_and_made_ones() -> None:
    kinds = {(log.tenant, log.source, log.log is None) for log in LOGS}
    assert len(kinds) == 4 * len(Source) * 2
    assert len({log.log for log in LOGS if log.log}) == sum(log.log is not None for log in LOGS)


def test_the_logs_are_varied_and_small() -> None:
    assert len({log.text for log in LOGS}) == len(LOGS)
    assert all(20 < len(log.text) < 500 for log in LOGS)


def test_each_canary_is_in_its_log_alone_and_redaction_leaves_it() -> None:
    everything = "\n".join(redact(log.text).text + "\n" for log in LOGS)
    for log in LOGS:
        mark = canary(7, log.index, log.tenant)
        assert everything.count(mark + "\n") == 1
        assert mark in log.text


def test_there_is_something_to_redact() -> None:
    assert sum(bool(redact(log.text).counts) for log in LOGS) > len(LOGS) / 4
