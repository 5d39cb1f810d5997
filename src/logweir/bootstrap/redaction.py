"""Settings -> the redactor of each tenant. Who redacts nothing does not import it."""

from __future__ import annotations

from logweir.errors import Misconfigured
from logweir.redact.policies import Policies, Redactors
from logweir.settings import RedactionEngine, Settings


def redactors(settings: Settings) -> Redactors:
    """By the file of the settings, read and tried now. Raises Misconfigured."""
    return Redactors(_policies(settings), settings.redaction_engine.value)


def redactors_of_worker(settings: Settings) -> Redactors:
    """The same, and a warning where the engine that was asked for by name is not to be had."""
    made = redactors(settings)
    if made.unavailable and settings.redaction_engine is RedactionEngine.HYPERSCAN:
        # Later than this module's own imports: commands that look need no logs.
        import structlog

        structlog.get_logger().warning("redaction_engine_unavailable", reason=made.unavailable)
    return made


def _policies(settings: Settings) -> Policies:
    if settings.redaction_file is None and not settings.redaction_toml:
        return Policies()
    # Reading a file takes a parser of patterns and one of TOML: most have none.
    from logweir.redact.policy_file import parse_policies, read_policies

    secret = settings.redaction_key
    key = secret.reveal().encode(errors="surrogateescape") if secret else b""
    if settings.redaction_file is None:
        return parse_policies(settings.redaction_toml, "LOGWEIR_REDACTION_TOML", key)
    try:
        return read_policies(settings.redaction_file, key)
    except Misconfigured as error:
        raise Misconfigured(f"LOGWEIR_REDACTION_FILE, --redaction-file: {error}") from None
