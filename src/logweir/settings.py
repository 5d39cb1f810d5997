"""LOGWEIR_* -> frozen Settings. The only reader of the environment.

An unknown name or an impossible value is an error at start, so that a typing mistake cannot
silently leave a default in force.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from logweir.errors import InvalidId, Misconfigured
from logweir.ids import TenantId
from logweir.limits import DEFAULT_LIMITS, KIB, MIB, Limits

PREFIX: Final = "LOGWEIR_"
_BODY_BYTES_MIN: Final = 64 * KIB  # JSON needs room around the smallest text


class LogLevel(StrEnum):
    """What is logged: ``debug`` has a line for each accepted log too."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Backend(StrEnum):
    """Where Logweir runs."""

    LOCAL = "local"
    GCP = "gcp"


class PushAuth(StrEnum):
    """Who makes sure that a push comes from our own subscription."""

    OIDC = "oidc"
    PLATFORM = "platform"


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


def _setting(
    default: object,
    parse: Callable[[str], object],
    description: str,
    *,
    variable: str | None = None,
    also: str | None = None,
) -> Any:
    """``variable``: its name where that is not LOGWEIR_<NAME>; ``also``: one that counts too."""
    metadata = {"parse": parse, "help": description, "variable": variable, "also": also}
    return field(default=default, metadata=metadata)


def _number(
    convert: Callable[[str], float], least: float, most: float = math.inf
) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = convert(text)
        except ValueError:
            raise Misconfigured(f"must be a number, and is {text!r}") from None
        if not least <= value <= most:  # false for NaN too
            raise Misconfigured(f"must be {least} to {most}, and is {text}")
        return value

    return parse


def _one_of(choices: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(text: str) -> StrEnum:
        try:
            return choices(text)
        except ValueError:
            raise Misconfigured(f"must be one of {', '.join(choices)}, and is {text!r}") from None

    return parse


def _filled(convert: Callable[[str], object], what: str) -> Callable[[str], object]:
    # An empty host would be every interface, and an empty directory the current one.
    def parse(text: str) -> object:
        if not text:
            raise Misconfigured(f"must be {what}, and is empty")
        return convert(text)

    return parse


def _function(text: str) -> str:
    module, colon, name = text.partition(":")
    if not (
        colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))
    ):
        raise Misconfigured(f"must be package.module:function, and is {text!r}")
    return text


def _matching(grammar: str, what: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(grammar, text):
            raise Misconfigured(f"must be {what}, and is {text!r}")
        return text

    return parse


_DATABASE_GRAMMAR: Final = r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]"
_ACCOUNT_GRAMMAR: Final = r"[^@\s,:=]+@[^@\s,:=]+"
_tenant_database = re.compile(
    rf"(?P<tenant>[^=]+)=(?P<database>{_DATABASE_GRAMMAR})(:(?P<account>{_ACCOUNT_GRAMMAR}))?"
).fullmatch
_address = re.compile(r"[^\s/]+:[0-9]{1,5}").fullmatch


def _tenant_databases(text: str) -> TenantDatabases:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may set, each by LOGWEIR_<NAME> or by the flag of the same name."""

    backend: Backend = _setting(Backend.LOCAL, _one_of(Backend), "where it runs: local or gcp")
    host: str = _setting(
        "127.0.0.1", _filled(str, "an address"), "address that the gateway listens on"
    )
    port: int = _setting(
        8080,
        _number(int, 0, 65535),
        "port that the gateway listens on; 0: any free one",
        also="PORT",
    )
    data_dir: Path = _setting(
        Path("data"), _filled(Path, "a directory"), "where the local back end keeps its files"
    )
    workers: int = _setting(1, _number(int, 1, 1024), "worker processes")
    concurrency: int = _setting(
        1000, _number(int, 1, 1_000_000), "logs in work at once in one worker"
    )
    seconds_per_character: float = _setting(
        0.05, _number(float, 0, 3600), "how long the simulated work takes"
    )
    chunk_seconds: float = _setting(
        60.0, _number(float, 0, 86400), "work that one chunk of a long text is; 0: no chunks"
    )
    work: str | None = _setting(
        None, _function, "package.module:function to run instead, in a process pool"
    )
    text_bytes_max: int = _setting(
        DEFAULT_LIMITS.text_bytes_max, _number(int, 1, 64 * MIB), "largest text, as UTF-8"
    )
    attempts_max: int = _setting(
        DEFAULT_LIMITS.attempts_max, _number(int, 1, 1000), "tries of work that raises"
    )
    receive_seconds_max: float = _setting(
        DEFAULT_LIMITS.receive_seconds_max, _number(float, 0.1, 3600), "to receive a request in"
    )
    lease_seconds: float = _setting(
        DEFAULT_LIMITS.lease_seconds,
        _number(float, 1, 3600),
        "a worker's silence until its logs are handed back",
    )
    drain_seconds: float = _setting(
        DEFAULT_LIMITS.drain_seconds,
        _number(float, 0, 3600),
        "a stopping worker goes on with what it has",
    )
    log_level: LogLevel = _setting(
        LogLevel.INFO, _one_of(LogLevel), "debug, info, warning or error"
    )

    # Google Cloud
    gcp_project: str | None = _setting(
        None,
        _matching(r"[^\s/]+", "a project's id"),
        "project of the queues and the database",
        also="GOOGLE_CLOUD_PROJECT",
    )
    gcp_prefix: str = _setting(
        "logweir",
        _matching(r"(?!goog)[A-Za-z][A-Za-z0-9-]{0,63}", "a letter, then letters, digits, hyphens"),
        "topics and subscriptions begin with it: PREFIX-logs, PREFIX-chunks and so on",
    )
    gcp_database: str = _setting(
        "(default)", _matching(_DATABASE_GRAMMAR, "a database's id"), "Firestore database"
    )
    gcp_tenant_databases: TenantDatabases = _setting(
        TenantDatabases(),
        _tenant_databases,
        "tenant=database[:service-account],...: tenants with a database of their own",
    )
    gcp_push_auth: PushAuth = _setting(
        PushAuth.OIDC, _one_of(PushAuth), "who checks a push: oidc, or the platform before us"
    )
    gcp_push_audience: str | None = _setting(
        None, _filled(str, "an audience"), "audience of the OIDC tokens that pushes carry"
    )
    gcp_push_account: str | None = _setting(
        None,
        _matching(_ACCOUNT_GRAMMAR, "a service account's address"),
        "service account whose OIDC tokens pushes carry",
    )
    pubsub_emulator: str | None = _setting(
        None, str, "Pub/Sub's emulator, host:port", variable="PUBSUB_EMULATOR_HOST"
    )
    firestore_emulator: str | None = _setting(
        None, str, "Firestore's emulator, host:port", variable="FIRESTORE_EMULATOR_HOST"
    )

    def __post_init__(self) -> None:
        """Raises Misconfigured where two settings do not fit together."""
        if self.backend is Backend.GCP:
            self._check_gcp()

    def _check_gcp(self) -> None:
        emulated = [self.pubsub_emulator, self.firestore_emulator]
        if any(emulated) and not all(emulated):
            raise Misconfigured(
                "PUBSUB_EMULATOR_HOST, FIRESTORE_EMULATOR_HOST: set both, or neither;"
                " with one of them half of the data would go to the real cloud"
            )
        for address in filter(None, emulated):
            if not _address(address):
                raise Misconfigured(
                    "PUBSUB_EMULATOR_HOST, FIRESTORE_EMULATOR_HOST: must be host:port,"
                    f" and is {address!r}"
                )
        if self.gcp_project is None and not all(emulated):
            raise Misconfigured(
                "LOGWEIR_GCP_PROJECT, --gcp-project: the gcp back end needs a project"
            )

    @property
    def on_emulators(self) -> bool:
        """Does the gcp back end run on Google's emulators instead of on the cloud?"""
        return self.pubsub_emulator is not None

    @property
    def url(self) -> str:
        """Where the server is, as seen from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # read, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def limits(self) -> Limits:
        """The limits with what is set."""
        return dataclasses.replace(
            DEFAULT_LIMITS,
            text_bytes_max=self.text_bytes_max,
            body_bytes_max=max(_BODY_BYTES_MIN, 4 * self.text_bytes_max),
            attempts_max=self.attempts_max,
            receive_seconds_max=self.receive_seconds_max,
            lease_seconds=self.lease_seconds,
            heartbeat_seconds=self.lease_seconds / 5,
            drain_seconds=self.drain_seconds,
        )

    def environment(self) -> dict[str, str]:
        """The variables that make these settings again, for a process that is to be started."""
        values = ((variable_of(f), getattr(self, f.name)) for f in dataclasses.fields(self))
        return {name: str(value) for name, value in values if value not in (None, ())}


def load(environment: Mapping[str, str], flags: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; a flag (by the field's name) wins over its variable.

    Raises Misconfigured, naming the variable or flag, where one is unknown or impossible.
    """
    known = {f.name: f for f in dataclasses.fields(Settings)}
    variables = {variable_of(f): name for name, f in known.items()}
    ours = [name for name in variables if name.startswith(PREFIX)]
    given = [name for name in environment if name.startswith(PREFIX)]
    if unknown := sorted(set(given) - set(ours)):
        names, choices = ", ".join(unknown), ", ".join(ours)
        raise Misconfigured(f"{names}: there is no such setting. There are: {choices}")
    texts: dict[str, str] = {}
    given_as: dict[str, str] = {}
    for name, f in known.items():
        for variable in filter(None, (variable_of(f), f.metadata["also"])):
            text = environment.get(variable)
            # What is not ours alone, and empty, is not set.
            if name not in texts and text is not None and (text or variable.startswith(PREFIX)):
                texts[name], given_as[name] = text, variable
    if flags:
        texts |= flags
        given_as |= {name: flag_of(name) for name in flags}
    return Settings(**{name: _parsed(given_as[name], texts[name], known[name]) for name in texts})


def variable_of(of: dataclasses.Field[Any]) -> str:
    """The variable of a setting: LOGWEIR_DATA_DIR."""
    return of.metadata["variable"] or PREFIX + of.name.upper()


def flag_of(name: str) -> str:
    """The flag of a setting: --data-dir."""
    return f"--{name.replace('_', '-')}"


def _parsed(given_as: str, text: str, of: dataclasses.Field[Any]) -> Any:
    try:
        return of.metadata["parse"](text)
    except Misconfigured as error:
        raise Misconfigured(f"{given_as} {error}") from None
