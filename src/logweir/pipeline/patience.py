"""A call to a cloud: made again while its error is transient, and its errors made ours.

Each back end has one table that says what the errors of its cloud mean.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Final, TypeVar

from logweir.errors import Refused, Unavailable

T = TypeVar("T")

_BACKOFF_SECONDS: Final = 0.05
_BACKOFF_SECONDS_MAX: Final = 2.0


class Meaning(Enum):
    """What an error means for us.

    TRANSIENT   it may work in a moment: tried again at once, with backoff; then Unavailable
    OUTAGE      it works again when somebody or something else has changed: Unavailable
    EXISTS      there is one already: the answer of a create-only write, never an error
    MISSING     there is none: the answer of a look-up, never an error; else an outage
    UNMET       a condition of ours does not hold: the answer of a conditional write
    REFUSED     the cloud will never take this request: counts as an attempt of its log
    """

    TRANSIENT = auto()
    OUTAGE = auto()
    EXISTS = auto()
    MISSING = auto()
    UNMET = auto()
    REFUSED = auto()


class Answer(Exception):
    """An error of a cloud's that answers what was asked."""


class Exists(Answer):
    """There is one already."""


class Missing(Answer):
    """There is none."""


class Unmet(Answer):
    """The condition does not hold."""


# What an error means, and in words that hold nothing of a log; None for what is not the cloud's.
Table = Callable[[Exception], tuple[Meaning, str] | None]


async def patiently(
    call: Callable[[], Awaitable[T]],
    unavailable: type[Unavailable],
    *,
    seconds: float,
    table: Table,
) -> T:
    """What ``call`` returns. It is made again, with backoff, while its error is transient.

    No try begins later than ``seconds`` from now; each must have a timeout of its own. Raises
    ``unavailable``, Refused, and an Answer for what is no error.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    backoff = _BACKOFF_SECONDS
    while True:
        try:
            return await call()
        except Exception as error:
            found = table(error)
            if found is None:
                raise
            meaning, words = found
            match meaning:
                case Meaning.EXISTS:
                    raise Exists(words) from None
                case Meaning.MISSING:
                    raise Missing(words) from None
                case Meaning.UNMET:
                    raise Unmet(words) from None
                case Meaning.REFUSED:
                    raise Refused(words) from error
                case Meaning.OUTAGE:
                    raise unavailable(words) from error
                case Meaning.TRANSIENT:
                    if loop.time() + backoff > due:
                        raise unavailable(words) from error
        await asyncio.sleep(backoff * (0.5 + random.random() / 2))
        backoff = min(_BACKOFF_SECONDS_MAX, 2 * backoff)


async def confirmed(
    call: Callable[[], Awaitable[T]],
    unavailable: type[Unavailable],
    *,
    seconds: float,
    table: Table,
    what: str,
) -> T:
    """The same for a call of which every error is an outage; ``what`` must exist."""
    try:
        return await patiently(call, unavailable, seconds=seconds, table=table)
    except Missing:
        raise unavailable(f"there is no {what}: is it deployed?") from None
    except (Refused, Answer) as error:
        raise unavailable(str(error)) from error
