"""A project of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cloud import Google, google


@pytest.fixture
def cloud(emulators: dict[str, str], tmp_path: Path) -> Google:
    """A project that nobody has used."""
    return google(emulators, tmp_path)
