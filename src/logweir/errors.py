"""The errors, each named for what the caller must do.

LogweirError
├── Rejection          the client must change its request; carries one of the closed reasons
├── InvalidId          the caller must give an id that follows the grammar
├── Unreadable         quarantine it: nothing in it can be trusted
├── UnknownVersion     retry it: a newer release wrote it, and its decoder comes
├── Unavailable        try again later; whether it happened is unknown
│   ├── BrokerUnavailable
│   └── StoreUnavailable
├── Refused            count it as an attempt: the broker or store will never take it as it is
├── LeaseLost          drop the work: another worker has it now
└── Misconfigured      the operator must change a setting or a file
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logweir.reasons import Reason


class LogweirError(Exception):
    """Everything that Logweir raises on purpose."""


class Rejection(LogweirError):
    """A request that is refused: a reason from the closed list, and what to do about it.

    ``limit`` and ``actual`` are in the unit that ``detail`` names; ``actual`` never holds any of
    the text.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str,
        *,
        limit: float | None = None,
        actual: float | str | None = None,
    ) -> None:
        super().__init__(f"{reason.code}: {detail}")
        self.reason = reason
        self.detail = detail
        self.limit = limit
        self.actual = actual


class InvalidId(LogweirError, ValueError):
    """A tenant or log id that does not follow the grammar."""


class Unreadable(LogweirError):
    """Bytes that are no envelope, or whose checksum fails."""


class UnknownVersion(LogweirError):
    """An envelope of a version that this release does not know."""


class Unavailable(LogweirError):
    """A broker or store that does not answer, is full, or throttles."""


class BrokerUnavailable(Unavailable):
    """The broker could not confirm."""


class StoreUnavailable(Unavailable):
    """The store could not confirm."""


class Refused(LogweirError):
    """A broker or store that answers that it will never take this."""


class LeaseLost(LogweirError):
    """The lease has run out, or was handed to another worker."""


class Misconfigured(LogweirError):
    """An impossible setting, or a data file that this release must not touch."""
