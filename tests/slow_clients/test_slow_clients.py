"""Two thousand slow clients at once; good requests stay quick, and every slow one is ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.slow_clients.measure import descriptors_to_be_had, measure

SOCKETS = 2000


@pytest.mark.slow
async def test_two_thousand_slow_clients_do_not_slow_down_the_others(tmp_path: Path) -> None:
    if descriptors_to_be_had() < 2 * SOCKETS:
        pytest.skip("not enough descriptors may be had")
    report = await measure(tmp_path, SOCKETS, seconds=18, alone_seconds=3)
    print(f"alone {report.alone}\namong {report.among}\n{report.by_kind}")
    assert report.findings == []
