"""The names that secrets go by, as each language and format spells them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.redaction.grammar import Maker
from tests.redaction.values.drawing import words

_NAMES = words(
    "password passwd pwd passphrase secret client_secret token access_token refresh_token id_token "
    "api_key apikey private_key secret_key auth_token session_token"
)
_OWNERS = words("db redis smtp admin user old new postgres mysql mail app jwt bot service root")
_HEADERS = words("X-Api-Key X-Auth-Token Api-Key X-Access-Token x-api-key X-Client-Secret apikey")


def _parts(random: Random) -> list[str]:
    parts = random.choice(_NAMES).split("_")
    return [random.choice(_OWNERS), *parts] if random.random() < 0.3 else parts


def _camel(random: Random) -> str:
    first, *others = _parts(random)
    return first + "".join(part.title() for part in others)


NAMES_OF_SECRETS: Mapping[str, Maker] = {
    "key_snake": lambda r: "_".join(_parts(r)),
    "key_kebab": lambda r: "-".join(_parts(r)),
    "key_camel": _camel,
    "key_pascal": lambda r: "".join(part.title() for part in _parts(r)),
    "key_env": lambda r: "_".join(_parts(r)).upper(),
    "key_dotted": lambda r: ".".join([r.choice(["spring", "app", "quarkus"]), *_parts(r)]),
    "key_header": lambda r: r.choice(_HEADERS),
    "key_word": lambda r: r.choice(words("password passwd pwd passphrase secret token")),
}
