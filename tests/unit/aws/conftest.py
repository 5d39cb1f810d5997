"""A table that is the test's own, on ministack. Without the extra ``aws``, nothing here runs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from tests.support.outside_aws import Dynamo

from logweir.clock import ManualClock

if TYPE_CHECKING:
    from tests.support.awsjson import Service

    from logweir.backends.aws.reader import DynamoReader
    from logweir.backends.aws.store import DynamoStore
    from logweir.backends.aws.table import Table

# The modules under test import botocore, and so do their tests.
collect_ignore_glob = [] if find_spec("botocore") else ["test_*.py"]


@pytest.fixture
def table(ministack: dict[str, str], aws_prefix: str) -> Iterator[Table]:
    """A table with nothing in it."""
    from tests.support.dynamodb import table_at

    with table_at(ministack["AWS_ENDPOINT_URL"], aws_prefix) as table:
        yield table


@pytest.fixture
def outside(ministack: dict[str, str], aws_prefix: str) -> Dynamo:
    """The same as somebody sees it who knows nothing of ours."""
    return Dynamo(ministack["AWS_ENDPOINT_URL"], aws_prefix)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience than in earnest, for a test has less time."""
    monkeypatch.setattr("logweir.backends.aws.table._SECONDS", 0.2)
    monkeypatch.setattr("logweir.backends.aws.batches._PAUSE_SECONDS", 0.01)


@pytest.fixture
def store(table: Table) -> DynamoStore:
    """A store in it."""
    from logweir.backends.aws.store import DynamoStore

    return DynamoStore(table, ManualClock())


@pytest.fixture
def reader(table: Table) -> DynamoReader:
    """Its reader."""
    from logweir.backends.aws.reader import DynamoReader

    return DynamoReader(table)


@pytest.fixture
def service(
    ministack: dict[str, str], aws_prefix: str, table: Table
) -> Iterator[tuple[Table, Service]]:
    """The same table through a service that a test can disturb; ministack answers the rest."""
    from tests.support.dynamodb import table_of

    with table_of({}, upstream=ministack["AWS_ENDPOINT_URL"], name=aws_prefix) as both:
        yield both
