"""TenantId and LogId: one grammar for every id, on every back end.

An id becomes part of a path, a key or a file name. So it is a type of its own that only the
grammar makes, and no store takes a bare string: ``acme/processed_logs/x`` cannot be spelled.
"""

from __future__ import annotations

import re
import uuid
from typing import Self

from logweir.errors import InvalidId

ID_GRAMMAR = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_matches = re.compile(ID_GRAMMAR).fullmatch


class _Id(str):
    """A string that follows the grammar; case is kept and never folded."""

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Raises InvalidId where ``value`` does not follow the grammar."""
        if not _matches(value):
            raise InvalidId(f"must be 1 to 128 characters and match {ID_GRAMMAR}")
        return super().__new__(cls, value)


class TenantId(_Id):
    """Whose log it is."""

    __slots__ = ()


class LogId(_Id):
    """Which log of a tenant it is: the idempotency key."""

    __slots__ = ()

    @classmethod
    def random(cls) -> LogId:
        """A new id: random, since keys ordered by time make hot spots in Firestore."""
        return cls(uuid.uuid4().hex)
