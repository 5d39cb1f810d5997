"""What a setting may be: text -> value.

Each parser raises Misconfigured, in words that follow the setting's name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from logweir.errors import InvalidId, Misconfigured
from logweir.ids import TenantId


@dataclass(frozen=True, slots=True)
class TenantDatabase:
    """A Firestore database that one tenant alone has; used as ``service_account``, if any."""

    tenant: TenantId
    database: str
    service_account: str | None

    def __str__(self) -> str:
        account = f":{self.service_account}" if self.service_account else ""
        return f"{self.tenant}={self.database}{account}"


class TenantDatabases(tuple[TenantDatabase, ...]):
    """The tenants with a database of their own; as text ``tenant=database[:account],…``."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(map(str, self))


class Secret:
    """A text that no log, no error and no repr shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text."""
        return self._text

    def reveal_bytes(self) -> bytes:
        """The same in UTF-8; what came as other bytes is these."""
        return self._text.encode(errors="surrogateescape")

    def __repr__(self) -> str:
        return "Secret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def secret(bytes_min: int) -> Callable[[str], Secret]:
    """A text of so many bytes of UTF-8 at least."""

    def parse(text: str) -> Secret:
        found = Secret(text)
        count = len(found.reveal_bytes())
        if count < bytes_min:
            raise Misconfigured(f"must be {bytes_min} bytes at least, and is {count}")
        return found

    return parse


def number(
    convert: Callable[[str], float], least: float, most: float = math.inf
) -> Callable[[str], float]:
    """A number from ``least`` to ``most``."""

    def parse(text: str) -> float:
        try:
            value = convert(text)
        except ValueError:
            raise Misconfigured(f"must be a number, and is {text!r}") from None
        if not least <= value <= most:  # false for NaN too
            raise Misconfigured(f"must be {least} to {most}, and is {text}")
        return value

    return parse


def one_of(choices: type[StrEnum]) -> Callable[[str], StrEnum]:
    """A member, by its value."""

    def parse(text: str) -> StrEnum:
        try:
            return choices(text)
        except ValueError:
            raise Misconfigured(f"must be one of {', '.join(choices)}, and is {text!r}") from None

    return parse


def filled(convert: Callable[[str], object], what: str) -> Callable[[str], object]:
    """Anything but nothing."""

    # An empty host would be every interface, and an empty directory the current one.
    def parse(text: str) -> object:
        if not text:
            raise Misconfigured(f"must be {what}, and is empty")
        return convert(text)

    return parse


def function(text: str) -> str:
    """The name of a function of the user's own."""
    module, colon, name = text.partition(":")
    if not (
        colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))
    ):
        raise Misconfigured(f"must be package.module:function, and is {text!r}")
    return text


def matching(grammar: str, what: str) -> Callable[[str], str]:
    """A text that matches a regular expression as a whole; ``what`` says so to people."""

    def parse(text: str) -> str:
        if not re.fullmatch(grammar, text):
            raise Misconfigured(f"must be {what}, and is {text!r}")
        return text

    return parse


DATABASE_GRAMMAR: Final = r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]"
ACCOUNT_GRAMMAR: Final = r"[^@\s,:=]+@[^@\s,:=]+"
_tenant_database = re.compile(
    rf"(?P<tenant>[^=]+)=(?P<database>{DATABASE_GRAMMAR})(:(?P<account>{ACCOUNT_GRAMMAR}))?"
).fullmatch


def tenant_databases(text: str) -> TenantDatabases:
    """Tenants and what they have, each once."""
    databases = [_one_tenant_database(item) for item in filter(None, text.split(","))]
    if len({each.tenant for each in databases}) < len(databases):
        raise Misconfigured("must be one database for a tenant, and has a tenant twice")
    return TenantDatabases(databases)


def _one_tenant_database(item: str) -> TenantDatabase:
    form = f"must be tenant=database or tenant=database:service-account, and has {item!r}"
    match = _tenant_database(item)
    if match is None:
        raise Misconfigured(form)
    try:
        tenant = TenantId(match["tenant"])
    except InvalidId as error:
        raise Misconfigured(f"{form}: its tenant {error}") from None
    return TenantDatabase(tenant, match["database"], match["account"])
