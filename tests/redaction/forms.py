"""Names and secrets in the forms that languages put them together, each part with each other.

{"api_key" => 'value', id=7}
 --------- -- ------- ------
 name     sign  value  what is around them
"""

from __future__ import annotations

import itertools
from typing import Final

_NAMES: Final = ("«key_snake»", "«key_camel»", "«key_env»", '"«key_snake»"', "'«key_camel»'")
_SIGNS: Final = ("=", ":", ": ", " = ", "=>", " => ", ":=", " := ", " : ")
_VALUES: Final = (
    "«password»",
    "«secret»",
    '"«password_quoted»"',
    "'«password_quoted»'",
    "`«password_quoted»`",
    '"«secret»"',
)
_AROUND: Final = (
    "{}",
    "{} id=«n»",
    "user=«user», {}",
    "{}, id=«n»",
    "{};",
    "({})",
    "{{{}}}",
    "[{}]",
    "«user»|{}|«n»",
    "bad {} given",
)
_OPTIONS: Final = ("--«key_kebab»=", "--«key_kebab» ", "-D«key_dotted»=", "-e «key_env»=")
_COMMANDS: Final = ("{}", "run {}", "{} --x «n»", "+ ./run {} &")


def _every(arounds: tuple[str, ...], *kinds: tuple[str, ...]) -> list[str]:
    """One of each kind after the other, within each of what may be around them."""
    return [around.format("".join(parts)) for around, *parts in itertools.product(arounds, *kinds)]


FORMS: Final = (
    *_every(_AROUND, _NAMES, _SIGNS, _VALUES),
    *_every(_COMMANDS, _OPTIONS, _VALUES[:4]),
)
