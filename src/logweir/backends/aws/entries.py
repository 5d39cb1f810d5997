"""The batch calls of SQS: ten entries at most, of which each may fail by itself.

SQS answers 200 also where some have failed. What may work in a moment is sent again, alone; of the
rest each has its own error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from logweir.backends.aws import calls
from logweir.backends.aws.clients import Client
from logweir.backends.aws.errors import meaning_of_code
from logweir.errors import BrokerUnavailable, Refused
from logweir.pipeline.batching import PartlyFailed
from logweir.pipeline.patience import Meaning, confirmed

ENTRIES_MAX: Final = 10
# No try begins later: with the last one, of two seconds to connect and five to read, it is within
# the gateway's ten.
_SECONDS: Final = 2.5


class _SomeLeft(Exception):
    """Entries that have failed, and may work in a moment."""


async def call_for_each(
    client: Client, operation: str, url: str, entries: Sequence[Mapping[str, Any]]
) -> None:
    """Return once SQS has taken all. Raises PartlyFailed, with BrokerUnavailable or Refused for
    each that it has not."""
    left = dict(enumerate(entries))
    errors: dict[int, Exception] = {}

    async def call() -> None:
        batch = [{"Id": str(place), **entry} for place, entry in left.items()]
        answer = await client(operation, QueueUrl=url, Entries=batch)
        for taken in answer.get("Successful", ()):
            left.pop(int(taken["Id"]), None)
        codes = set()
        for failed in answer.get("Failed", ()):
            place, code, meaning = int(failed["Id"]), str(failed["Code"]), _meaning(failed)
            codes.add(code)
            if meaning is not Meaning.TRANSIENT:
                errors[place] = (Refused if meaning is Meaning.REFUSED else BrokerUnavailable)(code)
                left.pop(place, None)
        if left:
            raise _SomeLeft(", ".join(sorted(codes)) or "nothing was said of some")

    try:
        await confirmed(
            call, BrokerUnavailable, seconds=_SECONDS, table=_table, what=f"queue {url}"
        )
    except BrokerUnavailable as error:
        errors |= dict.fromkeys(left, error)
    if errors:
        raise PartlyFailed(errors)


def _table(error: Exception) -> tuple[Meaning, str] | None:
    if isinstance(error, _SomeLeft):
        return Meaning.TRANSIENT, str(error)
    return calls.table(error)


def _meaning(failed: Mapping[str, Any]) -> Meaning:
    # Of a code that nobody knows it counts whose fault it is, as with a status.
    return meaning_of_code(str(failed["Code"]), 400 if failed.get("SenderFault", True) else 500)
