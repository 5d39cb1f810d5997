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
from logweir.pipeline.patience import Answer, Exists, Meaning, Missing, Unmet, confirmed

ENTRIES_MAX: Final = 10
_SECONDS: Final = 4.0  # no try begins later: with the last one within the gateway's ten seconds
_ANSWERS: Final[Mapping[Meaning, type[Answer]]] = {
    Meaning.EXISTS: Exists,
    Meaning.MISSING: Missing,
    Meaning.UNMET: Unmet,
}


class _SomeLeft(Exception):
    """Entries that have failed, and may work in a moment."""


async def call_for_each(
    client: Client, operation: str, url: str, entries: Sequence[Mapping[str, Any]]
) -> None:
    """Return once SQS has taken all. Raises PartlyFailed, with BrokerUnavailable, Refused or an
    Answer for each that it has not."""
    left = dict(enumerate(entries))
    errors: dict[int, Exception] = {}

    async def call() -> None:
        batch = [{"Id": str(place), **entry} for place, entry in left.items()]
        answer = await client(operation, QueueUrl=url, Entries=batch)
        for taken in answer.get("Successful", ()):
            left.pop(int(taken["Id"]), None)
        codes = {int(failed["Id"]): str(failed["Code"]) for failed in answer.get("Failed", ())}
        for place, code in codes.items():
            if (meaning := meaning_of_code(code)) is not Meaning.TRANSIENT:
                errors[place] = _error(meaning, code)
                left.pop(place, None)
        if left:
            raise _SomeLeft(", ".join(sorted(set(codes.values()))))

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


def _error(meaning: Meaning, code: str) -> Exception:
    if meaning in _ANSWERS:
        return _ANSWERS[meaning](code)
    return Refused(code) if meaning is Meaning.REFUSED else BrokerUnavailable(code)
