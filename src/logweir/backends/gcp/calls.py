"""A call of Google's: tried again while its error is transient, and its errors made ours."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from logweir.errors import Refused, Unavailable

T = TypeVar("T")

_BACKOFF_SECONDS: Final = 0.05
_BACKOFF_SECONDS_MAX: Final = 2.0


class Exists(Exception):
    """There is one already."""


class Missing(Exception):
    """There is none."""


async def patiently(
    call: Callable[[], Awaitable[T]], unavailable: type[Unavailable], *, seconds: float
) -> T:
    """What ``call`` returns. It is made again, with backoff, while its error is transient.

    No try begins later than ``seconds`` from now; each must have a timeout of its own. Raises
    ``unavailable``, Refused, and Exists and Missing for the answers that are not errors.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    backoff = _BACKOFF_SECONDS
    while True:
        try:
            return await call()
        except Exception as error:
            # Imported once something was raised: it costs a cold start 50 ms.
            from logweir.backends.gcp.errors import ERRORS, Meaning, meaning_of, words_of

            if not isinstance(error, ERRORS):
                raise
            words = words_of(error)
            match meaning_of(error):
                case Meaning.EXISTS:
                    raise Exists(words) from None
                case Meaning.MISSING:
                    raise Missing(words) from None
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
    call: Callable[[], Awaitable[T]], unavailable: type[Unavailable], *, seconds: float, what: str
) -> T:
    """The same for a call of which every error is an outage; ``what`` must exist."""
    try:
        return await patiently(call, unavailable, seconds=seconds)
    except Missing:
        raise unavailable(f"there is no {what}: is it deployed?") from None
    except (Refused, Exists) as error:
        raise unavailable(str(error)) from error
