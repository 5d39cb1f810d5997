"""Values that have to stay although they look like what has to go."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.redaction.grammar import Maker
from tests.redaction.values.checksums import iban_digits, luhn_digit
from tests.redaction.values.drawing import digits, hexadecimal, rows, shaped, words
from tests.redaction.values.people import account, in_fours
from tests.redaction.values.plain import NAMES

_PACKAGES = words("com.example.checkout org.springframework.web io.grpc.internal java.util")
_CLASSES = words("OrderService TokenFilter PasswordEncoder AuthController")
_MASKS = words("*** ******** xxxxxx [FILTERED] [REDACTED] <redacted> [hidden] *****")
_EMPTIES = words("null None nil undefined \"\" '' <nil> (null) N/A false true")
_PLACEHOLDERS = rows("""
    ${DB_PASSWORD}
    {{ vault_password }}
    $DB_PASSWORD
    %(password)s
    <password>
    {password}
    ${{ secrets.TOKEN }}
    #{ENV['SECRET']}
    {{.Values.secret}}
    %{DB_SECRET}
    <your-token>
    $(cat /run/secrets/db)
    ${TOKEN:-}
    <%= ENV['SECRET'] %>
""")
_ORDERS = rows("""
    ORD-#####
    PO-##########
    SO-###-####
    order-###-###-####
    INV-2024-####
    INV-###-####
    TCK-###-###-####
    REF-###-##-####
""")
_ARNS = rows("""
    arn:aws:iam::############:role/ci-deploy
    arn:aws:sqs:eu-west-1:############:orders
    arn:aws:secretsmanager:us-east-1:############:secret:prod/db-AbC12d
    arn:aws:elasticloadbalancing:us-east-1:############:loadbalancer/app/web/¤¤¤¤¤¤¤¤¤¤¤¤¤¤¤¤
""")
_ISBNS = words("978-#-##-######-# 978-3-16-######-# 979-8-####-####-# 0-###-#####-#")
_UNITS = words("getty@tty1.service wg-quick@wg0.service openvpn@server.service ssh@0.socket")
_NO_SSN = words("000-12-#### 666-45-#### 9##-45-#### ###-00-#### 219-09-0000")
_UUIDS = words("########-####-4###-8###-############ ########-####-1###-9###-############")


def _wrong_card(random: Random) -> str:
    """A brand's prefix, and the last digit wrong."""
    prefix, length = random.choice([("4", 16), ("51", 16), ("55", 16), ("6011", 16), ("37", 15)])
    payload = prefix + digits(random, length - 1 - len(prefix))
    return payload + str((luhn_digit(payload) + random.randrange(1, 10)) % 10)


def _no_card(random: Random) -> str:
    """Right by Luhn, of no brand."""
    payload = (random.choice(words("1 9 80 70 10 99")) + digits(random, 14))[:15]
    return payload + str(luhn_digit(payload))


def _by_luhn(random: Random, shape: str) -> str:
    """A number that ends in a check digit as cards do, and is none: a device, a SIM, a barcode."""
    payload = shaped(random, shape)
    return payload + str(luhn_digit(payload))


def _fingerprint(random: Random, octets: int) -> str:
    return ":".join(shaped(random, "¤¤") for _ in range(octets))


def _long_fraction(random: Random) -> str:
    """A number below one whose decimals are those of a card."""
    payload = "4" + digits(random, 14)
    return f"0.{payload}{luhn_digit(payload)}"


def _wrong_iban(random: Random) -> str:
    country = random.choice(words("DE GB NL FR ES"))
    rest = account(random, country)
    wrong = random.choice([n for n in range(2, 99) if n != iban_digits(country, rest)])
    whole = f"{country}{wrong:02}{rest}"
    return random.choice([whole, in_fours(whole)])


def _range(random: Random) -> str:
    """Three digits and four, as a phone of seven has them."""
    low = random.randrange(200, 999)
    return f"{low}-{low + random.randrange(1000, 8000)}"


def _mac(random: Random, octets: int) -> str:
    made = [shaped(random, "¤¤") for _ in range(octets)]
    if octets == 8:
        made[3:5] = ["ff", "fe"]
    return random.choice([":", ":", "-"]).join(made)


def _place(random: Random) -> str:
    latitude, longitude = random.uniform(-90, 90), random.uniform(-180, 180)
    return f"{latitude:.{random.choice([4, 6, 8, 14])}f}, {longitude:.7f}"


DECOYS: Mapping[str, Maker] = {
    "wrong_card": _wrong_card,
    "no_card": _no_card,
    "imei": lambda r: _by_luhn(r, "35############"),
    "iccid": lambda r: _by_luhn(r, "8944##############"),
    "ean": lambda r: _by_luhn(r, "40##########"),
    "snowflake": lambda r: shaped(r, r.choice(words("1##0############### 9################"))),
    "sha1_print": lambda r: _fingerprint(r, 20).upper(),
    "md5_print": lambda r: _fingerprint(r, 16),
    "wwn": lambda r: "50:06:01:" + _fingerprint(r, 5),
    "oid": lambda r: shaped(r, r.choice(words("1.3.6.1.4.1.#.#.# 1.2.840.113549.1.#.#"))),
    "java_hash": lambda r: f"{r.choice(_PACKAGES)}.{r.choice(_CLASSES)}@{hexadecimal(r, 8)}",
    "unit": lambda r: r.choice(_UNITS),
    "long_fraction": _long_fraction,
    "wrong_ssn": lambda r: shaped(r, r.choice(_NO_SSN)),
    "wrong_iban": _wrong_iban,
    "range": _range,
    "digit_uuid": lambda r: shaped(r, r.choice(_UUIDS)),
    "mac": lambda r: _mac(r, 6),
    "eui64": lambda r: _mac(r, 8),
    "isbn": lambda r: shaped(r, r.choice(_ISBNS)),
    "place": _place,
    "digits7": lambda r: digits(r, 7),
    "digits8": lambda r: digits(r, 8),
    "digits9": lambda r: digits(r, 9),
    "digits10": lambda r: digits(r, 10),
    "digits11": lambda r: digits(r, 11),
    "digits12": lambda r: digits(r, 12),
    "order": lambda r: shaped(r, r.choice(_ORDERS)),
    "amazon_order": lambda r: shaped(r, "###-#######-#######"),
    "class": lambda r: f"{r.choice(_PACKAGES)}.{r.choice(_CLASSES)}",
    "masked": lambda r: r.choice(_MASKS),
    "placeholder": lambda r: r.choice(_PLACEHOLDERS),
    "empty": lambda r: r.choice(_EMPTIES),
    "unix": lambda r: f"user@{r.randrange(1000, 1100)}.service",
    "local_user": lambda r: f"{r.choice(NAMES)}@{r.choice(words('localhost web-1 db01'))}",
    "container": lambda r: f"docker://{hexadecimal(r, 64)}",
    "arn": lambda r: shaped(r, r.choice(_ARNS)),
}
