"""LOGWEIR_* -> frozen Settings. The only reader of the environment.

An unknown name or an impossible value is an error at start, so that a typing mistake cannot
silently leave a default in force.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from logweir.errors import Misconfigured
from logweir.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from logweir.values import (
    ACCOUNT_GRAMMAR,
    DATABASE_GRAMMAR,
    Secret,
    TenantDatabases,
    filled,
    function,
    matching,
    number,
    one_of,
    secret,
    tenant_databases,
)

PREFIX: Final = "LOGWEIR_"
_BODY_BYTES_MIN: Final = 64 * KIB  # JSON needs room around the smallest text
KEY_BYTES_MIN: Final = 16  # of hashes: what is guessed must not be the key


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
    AWS = "aws"


class RedactionEngine(StrEnum):
    """What looks for the rules: both find the same. ``auto``: the quicker one that is there."""

    AUTO = "auto"
    RE = "re"
    HYPERSCAN = "hyperscan"

    @property
    def at_once(self) -> RedactionEngine:
        """For who cannot wait: hyperscan only where it is named, for it takes long to start."""
        return RedactionEngine.RE if self is RedactionEngine.AUTO else self


class PushAuth(StrEnum):
    """Who makes sure that a push comes from our own subscription."""

    OIDC = "oidc"
    PLATFORM = "platform"


# SQS charges for each time that a message is kept longer, so there it is done less often.
_LEASE_SECONDS: Final = {Backend.AWS: 30.0}
_address = re.compile(r"[^\s/]+:[0-9]{1,5}").fullmatch
_endpoint = re.compile(
    r"https?://(?P<host>\[[0-9a-fA-F:]+\]|[^\s/?#@:]+)(:[0-9]{1,5})?/?"
).fullmatch
# An endpoint of a VPC is set by the same variable as an emulator, and is the real cloud.
_is_amazons = re.compile(r"(.+\.)?(amazonaws\.com(\.cn)?|api\.aws)").fullmatch


def _setting(
    default: object,
    parse: Callable[[str], object],
    description: str,
    *,
    variable: str | None = None,
    also: str | None = None,
    has_flag: bool = True,
) -> Any:
    """``variable``: its name where that is not LOGWEIR_<NAME>; ``also``: one that counts too."""
    metadata = {"parse": parse, "help": description, "variable": variable, "also": also}
    metadata["has_flag"] = has_flag and variable is None
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may set, each by LOGWEIR_<NAME> or by the flag of the same name."""

    backend: Backend = _setting(Backend.LOCAL, one_of(Backend), "where it runs: local, gcp or aws")
    host: str = _setting(
        "127.0.0.1", filled(str, "an address"), "address that the gateway listens on"
    )
    port: int = _setting(
        8080,
        number(int, 0, 65535),
        "port that the gateway listens on; 0: any free one",
        also="PORT",
    )
    data_dir: Path = _setting(
        Path("data"), filled(Path, "a directory"), "where the local back end keeps its files"
    )
    workers: int = _setting(1, number(int, 1, 1024), "worker processes")
    concurrency: int = _setting(
        1000, number(int, 1, 1_000_000), "logs in work at once in one worker"
    )
    seconds_per_character: float = _setting(
        0.05, number(float, 0, 3600), "how long the simulated work takes"
    )
    chunk_seconds: float = _setting(
        60.0, number(float, 0, 86400), "work that one chunk of a long text is; 0: no chunks"
    )
    work: str | None = _setting(
        None, function, "package.module:function to run instead, in a process pool"
    )
    text_bytes_max: int = _setting(
        DEFAULT_LIMITS.text_bytes_max, number(int, 1, 64 * MIB), "largest text, as UTF-8"
    )
    backlog_characters_max: int = _setting(
        DEFAULT_LIMITS.backlog_characters_max,
        number(int, 0, 10**15),
        "text accepted and not worked on yet, of all tenants; above it 429; 0: no bound",
    )
    tenant_backlog_characters_max: int = _setting(
        DEFAULT_LIMITS.tenant_backlog_characters_max,
        number(int, 0, 10**15),
        "the same of one tenant",
    )
    attempts_max: int = _setting(
        DEFAULT_LIMITS.attempts_max, number(int, 1, 1000), "tries of work that raises"
    )
    receive_seconds_max: float = _setting(
        DEFAULT_LIMITS.receive_seconds_max, number(float, 0.1, 3600), "to receive a request in"
    )
    lease_seconds: float | None = _setting(
        None,
        number(float, 1, 3600),
        "a worker's silence until its logs are handed back (default 10; on aws 30)",
    )
    drain_seconds: float = _setting(
        DEFAULT_LIMITS.drain_seconds,
        number(float, 0, 3600),
        "a stopping worker goes on with what it has",
    )
    redaction_file: Path | None = _setting(
        None, filled(Path, "a file"), "TOML: the rules, markers and tenants of redaction"
    )
    redaction_toml: str = _setting(
        "", str, "the same as a text, where there is no place for a file", has_flag=False
    )
    # A command line is seen by everyone on the machine.
    redaction_key: Secret | None = _setting(
        None, secret(KEY_BYTES_MIN), 'of the hashes of marker = "hash"', has_flag=False
    )
    redaction_engine: RedactionEngine = _setting(
        RedactionEngine.AUTO,
        one_of(RedactionEngine),
        "auto, re or hyperscan (the extra fast): the same, but for the time it takes",
    )
    log_level: LogLevel = _setting(LogLevel.INFO, one_of(LogLevel), "debug, info, warning or error")

    # Google Cloud
    gcp_project: str | None = _setting(
        None,
        matching(r"[^\s/]+", "a project's id"),
        "project of the queues and the database",
        also="GOOGLE_CLOUD_PROJECT",
    )
    gcp_prefix: str = _setting(
        "logweir",
        matching(r"(?!goog)[A-Za-z][A-Za-z0-9-]{0,63}", "a letter, then letters, digits, hyphens"),
        "topics and subscriptions begin with it: PREFIX-logs, PREFIX-chunks and so on",
    )
    gcp_database: str = _setting(
        "(default)", matching(DATABASE_GRAMMAR, "a database's id"), "Firestore database"
    )
    gcp_tenant_databases: TenantDatabases = _setting(
        TenantDatabases(),
        tenant_databases,
        "tenants with a database of their own: tenant=database[:account],...",
    )
    gcp_push_auth: PushAuth = _setting(
        PushAuth.OIDC, one_of(PushAuth), "who checks a push: oidc, or the platform before us"
    )
    gcp_push_audience: str | None = _setting(
        None, filled(str, "an audience"), "audience of the OIDC tokens that pushes carry"
    )
    gcp_push_account: str | None = _setting(
        None,
        matching(ACCOUNT_GRAMMAR, "a service account's address"),
        "service account whose OIDC tokens pushes carry",
    )
    pubsub_emulator: str | None = _setting(
        None, str, "Pub/Sub's emulator, host:port", variable="PUBSUB_EMULATOR_HOST"
    )
    firestore_emulator: str | None = _setting(
        None, str, "Firestore's emulator, host:port", variable="FIRESTORE_EMULATOR_HOST"
    )

    # AWS
    aws_region: str | None = _setting(
        None,
        matching(r"[a-z0-9-]+", "a region, such as us-east-1"),
        "region of the queues and the table",
        also="AWS_REGION",
    )
    aws_prefix: str = _setting(
        "logweir",
        matching(r"[A-Za-z0-9][A-Za-z0-9_-]{2,60}", "3 to 61 letters, digits, hyphens"),
        "name of the table; queues begin with it: PREFIX-logs, PREFIX-chunks and so on",
    )
    aws_queue_url: str | None = _setting(
        None,
        matching(r"https?://[^\s?#]+[^\s?#/]", "a URL"),
        "the queues' URLs without their names; if not set, SQS is asked for them",
    )
    aws_lanes: int = _setting(
        2, number(int, 1, 2), "2: a queue for logs and one for chunks; 1: one queue for both"
    )
    aws_endpoint: str | None = _setting(
        None, str, "AWS's emulator, http://host:port", variable="AWS_ENDPOINT_URL"
    )

    def __post_init__(self) -> None:
        """Raises Misconfigured where two settings do not fit together."""
        if self.redaction_file and self.redaction_toml:
            raise Misconfigured(
                "LOGWEIR_REDACTION_FILE, --redaction-file, LOGWEIR_REDACTION_TOML:"
                " set one of them, the file or its text"
            )
        if self.backend is Backend.GCP:
            self._check_gcp()
        if self.backend is Backend.AWS and self.aws_endpoint and not _endpoint(self.aws_endpoint):
            raise Misconfigured(
                f"AWS_ENDPOINT_URL: must be http://host:port, and is {self.aws_endpoint!r}"
            )

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
    def has_policies(self) -> bool:
        """Is there a file of redaction, or its text?"""
        return self.redaction_file is not None or bool(self.redaction_toml)

    @property
    def on_emulators(self) -> bool:
        """Does the back end run on emulators instead of on its cloud?"""
        if self.backend is Backend.AWS:
            endpoint = _endpoint(self.aws_endpoint or "")
            return endpoint is not None and not _is_amazons(endpoint["host"])
        return self.pubsub_emulator is not None

    @property
    def url(self) -> str:
        """Where the server is, as seen from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # read, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def limits(self) -> Limits:
        """The limits with what is set."""
        lease = self.lease_seconds or _LEASE_SECONDS.get(self.backend, DEFAULT_LIMITS.lease_seconds)
        return dataclasses.replace(
            DEFAULT_LIMITS,
            text_bytes_max=self.text_bytes_max,
            body_bytes_max=max(_BODY_BYTES_MIN, 4 * self.text_bytes_max),
            backlog_characters_max=self.backlog_characters_max,
            tenant_backlog_characters_max=self.tenant_backlog_characters_max,
            attempts_max=self.attempts_max,
            receive_seconds_max=self.receive_seconds_max,
            lease_seconds=lease,
            heartbeat_seconds=lease / 5,
            drain_seconds=self.drain_seconds,
        )

    def environment(self) -> dict[str, str]:
        """The variables that make these settings again, for a process that is to be started."""
        values = ((variable_of(f), getattr(self, f.name)) for f in dataclasses.fields(self))
        return {name: _text_of(value) for name, value in values if value not in (None, ())}


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


def _text_of(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _parsed(given_as: str, text: str, of: dataclasses.Field[Any]) -> Any:
    try:
        return of.metadata["parse"](text)
    except Misconfigured as error:
        raise Misconfigured(f"{given_as} {error}") from None
