"""LOGWEIR_* -> frozen Settings. The only reader of the environment.

An unknown name or an impossible value is an error at start, so that a typing mistake cannot
silently leave a default in force.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from logweir.errors import Misconfigured
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


def _setting(default: object, parse: Callable[[str], object], description: str) -> Any:
    return field(default=default, metadata={"parse": parse, "help": description})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may set, each by LOGWEIR_<NAME> or by the flag of the same name."""

    backend: Backend = _setting(Backend.LOCAL, _one_of(Backend), "where it runs: local")
    host: str = _setting(
        "127.0.0.1", _filled(str, "an address"), "address that the gateway listens on"
    )
    port: int = _setting(
        8080, _number(int, 0, 65535), "port that the gateway listens on; 0: any free one"
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
        values = ((f.name, getattr(self, f.name)) for f in dataclasses.fields(self))
        return {PREFIX + name.upper(): str(value) for name, value in values if value is not None}


def load(environment: Mapping[str, str], flags: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; a flag (by the field's name) wins over its variable.

    Raises Misconfigured, naming the variable or flag, where one is unknown or impossible.
    """
    known = {f.name: f for f in dataclasses.fields(Settings)}
    variables = {PREFIX + name.upper(): name for name in known}
    given = {name: text for name, text in environment.items() if name.startswith(PREFIX)}
    if unknown := sorted(set(given) - set(variables)):
        names, choices = ", ".join(unknown), ", ".join(variables)
        raise Misconfigured(f"{names}: there is no such setting. There are: {choices}")
    texts = {variables[name]: text for name, text in given.items()}
    given_as = {name: PREFIX + name.upper() for name in texts}
    if "PORT" in environment and "port" not in texts:  # Cloud Run's own
        texts["port"], given_as["port"] = environment["PORT"], "PORT"
    if flags:
        texts |= flags
        given_as |= {name: flag_of(name) for name in flags}
    return Settings(**{name: _parsed(given_as[name], texts[name], known[name]) for name in texts})


def flag_of(name: str) -> str:
    """The flag of a setting: --data-dir."""
    return f"--{name.replace('_', '-')}"


def _parsed(given_as: str, text: str, of: dataclasses.Field[Any]) -> Any:
    try:
        return of.metadata["parse"](text)
    except Misconfigured as error:
        raise Misconfigured(f"{given_as} {error}") from None
