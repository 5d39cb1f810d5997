"""Fixtures of every suite: Google's emulators, started once for a run and only where asked for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from tests.support.emulators import emulators_running


@pytest.fixture(scope="session")
def emulators() -> Iterator[dict[str, str]]:
    """Both emulators: their addresses by variable."""
    with emulators_running() as addresses:
        yield addresses


@pytest.fixture(scope="session")
def firestore(emulators: dict[str, str]) -> str:
    """Firestore's address."""
    return emulators["FIRESTORE_EMULATOR_HOST"]


@pytest.fixture(scope="session")
def pubsub(emulators: dict[str, str]) -> str:
    """Pub/Sub's address."""
    return emulators["PUBSUB_EMULATOR_HOST"]


@pytest.fixture
def project() -> str:
    """A project that nobody has used."""
    return f"test-{uuid.uuid4().hex[:20]}"
