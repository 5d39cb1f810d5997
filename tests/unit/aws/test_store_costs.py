"""What a log costs on DynamoDB, in read units and write units, counted from the calls themselves.

The numbers stand in ADR 12 and in the documentation too: whoever changes one changes the others.
"""

from __future__ import annotations

import itertools
from typing import cast

import pytest
from tests.support.costs import Costs
from tests.support.dynamodb import Meter
from tests.support.logs import a_log
from tests.support.outside_aws import client

from logweir.backends.aws.clients import Client
from logweir.backends.aws.store import DynamoStore
from logweir.backends.aws.table import Table
from logweir.clock import SystemClock
from logweir.envelope import sha256_of
from logweir.limits import KIB

CHUNK = 1200  # characters: a minute of work
SHORT = "User 555-0199 logged in from 10.1.2.3, token=abcdefghijkl; " + "x" * 41  # 100 characters

_LETTERS = str.maketrans("0123456789abcdef", "ghijklmnopqrstuv")  # nothing that rules look for


def of_length(characters: int) -> str:
    """A text that repeats nowhere, and of which redaction moves all but the first words."""
    words = (sha256_of(str(number)).translate(_LETTERS) for number in itertools.count())
    text = "password=hunter2 "
    while len(text) < characters:
        text += f"{next(words)} "
    return text[:characters]


@pytest.fixture
def meter(ministack: dict[str, str], aws_prefix: str, table: Table) -> Meter:
    """Of an empty table."""
    return Meter(client("dynamodb", ministack["AWS_ENDPOINT_URL"]), aws_prefix)


@pytest.fixture
async def costs(meter: Meter, aws_prefix: str) -> Costs:
    """Of a consumer that works in chunks, in a process that has seen its tenant before."""
    store = DynamoStore(Table(cast("Client", meter), aws_prefix), SystemClock())
    costs = Costs(store, meter.billed, CHUNK)
    await costs.of(a_log("the tenant's first", log="first"))
    return costs


async def test_a_tenants_first_log_in_a_process_registers_it(meter: Meter, aws_prefix: str) -> None:
    store = DynamoStore(Table(cast("Client", meter), aws_prefix), SystemClock())
    assert await Costs(store, meter.billed, CHUNK).of(a_log(SHORT)) == (1.5, 2)
    again = DynamoStore(Table(cast("Client", meter), aws_prefix), SystemClock())
    assert await Costs(again, meter.billed, CHUNK).of(a_log(SHORT, log="log-2")) == (1.5, 1)


async def test_a_log_of_100_characters_is_one_read_unit_and_one_write_unit(costs: Costs) -> None:
    assert len(SHORT) == 100
    assert await costs.of(a_log(SHORT)) == (1, 1)


async def test_an_identical_repeat_is_one_read_unit(costs: Costs) -> None:
    await costs.of(a_log(SHORT))
    assert await costs.of(a_log(SHORT)) == (1, 0)


async def test_a_conflict_is_two_read_units_and_its_letter(costs: Costs) -> None:
    await costs.of(a_log(SHORT))
    assert await costs.of(a_log("other")) == (2, 1)
    assert await costs.of(a_log("other")) == (2, 0)


async def test_a_long_conflict_is_written_apart_from_its_head(costs: Costs) -> None:
    await costs.of(a_log(SHORT))
    assert await costs.of(a_log("x" * 10 * KIB, log="log-1")) == (3, 1 + 11)


@pytest.mark.parametrize(
    ("chunks", "bill"),
    [
        (2, (14.5, 19)),
        (42, (180.5, 247)),
        pytest.param(200, (843, 1160), marks=pytest.mark.slow),
    ],
)
async def test_a_text_in_chunks_costs_by_their_number_and_its_length(
    costs: Costs, chunks: int, bill: tuple[float, float]
) -> None:
    assert await costs.of(a_log(of_length(CHUNK * chunks))) == bill


async def test_from_the_eleventh_delivery_on_two_more_units_count_deaths(costs: Costs) -> None:
    assert await costs.of(a_log(SHORT), deliveries=11) == (1, 3)
