"""Settings -> the redactor of each tenant. Who redacts nothing does not import it."""

from __future__ import annotations

from importlib.util import find_spec
from threading import Timer
from typing import Final

from logweir.errors import Misconfigured
from logweir.redact.policies import Policies, Redactors
from logweir.settings import RedactionEngine, Settings

QUICKEN_AFTER_SECONDS: Final = 5.0


def redactors(settings: Settings) -> Redactors:
    """For a command that looks at documents. Raises Misconfigured where the file is wrong."""
    return Redactors(policies(settings), settings.redaction_engine.at_once.value)


def redactors_of_worker(settings: Settings) -> Redactors:
    """For who redacts logs for long; one warning where hyperscan should be there, and is not.

    Raises Misconfigured where the file is wrong.
    """
    engine = settings.redaction_engine
    made = Redactors(policies(settings), engine.at_once.value)
    if made.unavailable:
        _warn(made.unavailable)
    elif engine is RedactionEngine.AUTO and find_spec("hyperscan"):
        # Compiling takes long, and a worker in a dead one's place has logs to go on with first.
        timer = Timer(QUICKEN_AFTER_SECONDS, _quicken, [made])
        timer.name, timer.daemon = "hyperscan", True
        timer.start()
    return made


def _quicken(made: Redactors) -> None:
    if unavailable := made.quicken():
        _warn(unavailable)


def _warn(unavailable: str) -> None:
    # Later than this module's own imports: commands that look need no logs.
    import structlog

    structlog.get_logger().warning("redaction_engine_unavailable", reason=unavailable)


def policies(settings: Settings) -> Policies:
    """By the file of the settings, read and tried now. Raises Misconfigured."""
    if not settings.has_policies:
        return Policies()
    # Reading a file takes a parser of patterns and one of TOML: most have none.
    from logweir.redact.policy_file import parse_policies, read_policies

    key = settings.redaction_key.reveal_bytes() if settings.redaction_key else b""
    if settings.redaction_file is None:
        return parse_policies(settings.redaction_toml, "LOGWEIR_REDACTION_TOML", key)
    try:
        return read_policies(settings.redaction_file, key)
    except Misconfigured as error:
        raise Misconfigured(f"LOGWEIR_REDACTION_FILE, --redaction-file: {error}") from None
