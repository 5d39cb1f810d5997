"""What stands where a secret would: masks of other programs, and names to be filled in."""

from __future__ import annotations

from logweir.redact.light import Final
from logweir.redact.neighbours import CUT
from logweir.redact.patterns import compiled

_MASK: Final = (
    r"(?i)[\[<(_*#]{0,8}(?:redacted|filtered|masked|hidden|removed|omitted|sanitized|secret|x{3,}"
    r"|protected|sensitive(?: value)?"
    r"|[*•.#-]+|_{3,}|(?:hmac-)?sha(?:1|256|512):[0-9a-f]{16,})[\])>_*#]{0,8}"
)
_VARIABLE: Final = r"\$[A-Z_][A-Z0-9_]{2,}|\$[a-z_]{3,}|%[A-Z_][A-Z0-9_]{2,}%|@[A-Z_]{3,}@"
_TO_FILL_IN: Final = r"[<\u2039][A-Za-z][A-Za-z _-]{2,60}[>\u203a]"  # <database user password>
# OpenStack's, Ansible's, CloudTrail's, and what a help text says: --password=PASS
_IN_CAPITALS: Final = (
    r"[A-Z]+_REDACTED|VALUE_SPECIFIED_IN_NO_LOG_PARAMETER|NOT_LOGGING_PARAMETER"
    r"|HIDDEN_DUE_TO_SECURITY_REASONS"
    r"|(?:YOUR_)?(?:API_)?(?:PASS(?:WORD|WD|PHRASE)?|TOKEN|SECRET|KEY|PATH|FILE)"
)
_BEGINNINGS: Final = frozenset("fhmoprsxAFHKMNOPRSTVXY")  # of the words in these
_NAMED: Final = (CUT, "${", "{{", "$(", "%s", "%(", "%{", "#{")


def is_placeholder(given: str) -> bool:
    """Whether it is ``${PASSWORD}``, ``********``, ``[FILTERED]``, or gone already."""
    first = given[:1]
    if first.isalnum() and first not in _BEGINNINGS:
        return False
    if given.startswith(_NAMED) or compiled(_MASK).fullmatch(given):
        return True
    return bool(compiled(f"{_VARIABLE}|{_TO_FILL_IN}|{_IN_CAPITALS}").fullmatch(given))
