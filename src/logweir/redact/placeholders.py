"""What stands where a secret would: masks of other programs, and names to be filled in."""

from __future__ import annotations

from typing import Final

from logweir.redact.neighbours import CUT
from logweir.redact.patterns import compiled

_MASK: Final = (
    r"(?i)[\[<(_*#]{0,8}(?:redacted|filtered|masked|hidden|removed|omitted|sanitized|secret|x{3,}"
    r"|[*•.#-]+|_{3,}|(?:hmac-)?sha(?:1|256|512):[0-9a-f]{16,})[\])>_*#]{0,8}"
)
_VARIABLE: Final = r"\$[A-Z_][A-Z0-9_]{2,}|\$[a-z_]{3,}|%[A-Z_][A-Z0-9_]{2,}%|@[A-Z_]{3,}@"
_TO_FILL_IN: Final = r"[<‹][A-Za-z][A-Za-z _-]{2,60}[>›]"  # <database user password>
_NAMED: Final = ("${", "{{", "$(", "%s", "%(", "%{", "#{")


def is_placeholder(given: str) -> bool:
    """Whether it is ``${PASSWORD}``, ``********``, ``[FILTERED]``, or gone already."""
    if given.startswith((CUT, *_NAMED)) or compiled(_MASK).fullmatch(given):
        return True
    return bool(compiled(f"{_VARIABLE}|{_TO_FILL_IN}").fullmatch(given))
