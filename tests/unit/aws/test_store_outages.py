"""DynamoDB goes away, and comes back, in each of the ways in which it does."""

from __future__ import annotations

import time

import pytest
from tests.support.awsjson import Answer, HangUp, Request, Service, raises
from tests.support.stores import CALLS

from logweir.backends.aws.reader import DynamoReader
from logweir.backends.aws.store import DynamoStore
from logweir.backends.aws.table import Table
from logweir.clock import ManualClock
from logweir.errors import StoreUnavailable

OPERATIONS = (
    *("GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "Query"),
)


def _hang_up(_request: Request) -> Request:
    raise HangUp


OUTAGES: dict[str, Answer] = {
    "broken": _hang_up,
    "throttled": lambda _: raises("ThrottlingException"),
    "failing": lambda _: raises("InternalServerError", 500),
    "forbidden": lambda _: raises("AccessDeniedException"),
    "gone": lambda _: raises("ResourceNotFoundException"),
    "unheard of": lambda _: raises("SomethingNewException"),
}


@pytest.mark.parametrize("outage", OUTAGES)
async def test_no_call_outlasts_its_time_while_the_table_is_away_and_each_works_afterwards(
    service: tuple[Table, Service], impatient: None, outage: str
) -> None:
    table, asked = service
    store, reader = DynamoStore(table, ManualClock()), DynamoReader(table)
    asked.answers |= dict.fromkeys(OPERATIONS, OUTAGES[outage])
    for name, call in CALLS.items():
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await call(store, reader)
        assert time.monotonic() - began < 1, name
    asked.answers.clear()
    for call in CALLS.values():
        await call(store, reader)
