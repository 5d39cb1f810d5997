"""Every setting is a flag too, made from the field that describes it: nothing is written twice."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from logweir.settings import PREFIX, Settings, flag_of, load

# The emulators' addresses have no flag: the clouds' clients read the variables themselves. Nor has
# what is secret, or too long for a command line.
_FIELDS: Final = {
    field.name: field for field in dataclasses.fields(Settings) if field.metadata["has_flag"]
}
_METAVARS: Final = {"int": "N", "float": "N", "Path": "PATH", "Path | None": "PATH"}

LOOK: Final = (
    *("backend", "data_dir", "gcp_project", "gcp_prefix", "gcp_database", "gcp_tenant_databases"),
    *("aws_region", "aws_prefix", "aws_queue_url", "aws_lanes"),
)
CUT: Final = ("seconds_per_character", "chunk_seconds")  # how long a chunk of a long text is
REDACTION: Final = ("redaction_file", "redaction_engine")
GATEWAY: Final = (
    *(*LOOK, "host", "port", *CUT),
    *("text_bytes_max", "backlog_characters_max", "tenant_backlog_characters_max"),
    *("receive_seconds_max", "drain_seconds", "log_level"),
)
WORKER: Final = (
    *(*LOOK, "concurrency", *CUT, "work", *REDACTION),
    *("attempts_max", "lease_seconds", "drain_seconds", "log_level"),
)
PUSH: Final = (
    *(*LOOK, "host", "port", "concurrency", *CUT, "work", "attempts_max", "drain_seconds"),
    *REDACTION,
    *("log_level", "gcp_push_auth", "gcp_push_audience", "gcp_push_account"),
)
SERVE: Final = tuple(name for name in _FIELDS if not name.startswith("gcp_push"))


def takes_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these settings as flags, and the Settings as its argument ``settings``.

    A flag wins over its variable. The command raises Misconfigured where one is impossible.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_settings(**arguments: Any) -> None:
            given = {name: arguments.pop(name) for name in names}
            flags = {name: text for name, text in given.items() if text is not None}
            environment = dict(os.environ)
            if "port" not in names:  # PORT is not ours alone: who does not listen ignores it
                environment.pop("PORT", None)
            command(settings=load(environment, flags), **arguments)

        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.name != "settings"]
        parameters = [*own, *(_parameter(name) for name in names)]
        with_settings.__annotations__ = {p.name: p.annotation for p in parameters}
        vars(with_settings)["__signature__"] = signature.replace(parameters=parameters)
        return with_settings

    return decorate


def _parameter(name: str) -> inspect.Parameter:
    field = _FIELDS[name]
    default = "" if field.default is None else f" (default {field.default})"
    option = typer.Option(
        flag_of(name),
        help=f"{field.metadata['help']}{default}",
        metavar=_METAVARS.get(str(field.type), "TEXT"),  # longer ones push flags off the screen
        rich_help_panel=f"Settings: a flag wins over its variable, {PREFIX}<FLAG>",
        show_default=False,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, option],
    )
