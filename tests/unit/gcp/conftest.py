"""A Pub/Sub emulator that a test may stop, freeze and start again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripts.emulators import Emulator, NotInstalled
from tests.support.processes import free_port
from tests.support.shared import missing


@pytest.fixture
def own_pubsub() -> Iterator[Emulator]:
    """An emulator that is the test's own."""
    try:
        emulator = Emulator("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    except NotInstalled as error:
        missing(str(error))
        raise
    emulator.start()
    yield emulator
    emulator.stop()
