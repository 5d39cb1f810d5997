"""What tells of a person: mail addresses, phones, cards, accounts, social security numbers."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.redaction.grammar import Maker
from tests.redaction.values.checksums import iban_digits, luhn_digit
from tests.redaction.values.drawing import LETTERS, digits, drawn, rows, shaped, words
from tests.redaction.values.plain import NAMES, SURNAMES

_MAIL_HOSTS = words(
    "example.com example.org gmail.com outlook.com mail.example.co.uk corp.acme.io web.de 163.com "
    "yahoo.co.jp sub.dept.university.edu posteo.net xn--bcher-kva.example acme-corp.travel"
)
_UNICODE = words("jürgen søren.k josé.garcía müller дмитрий renée+a 佐藤")
_ODD = words("a.b-c_d@example.photography 1@a-b.co first__last@x.y.z.io x-@example.museum _x@q.rs")
_NORTH_AMERICAN = rows("""
    {}-{}-{}
    {}.{}.{}
    {} {} {}
    ({}) {}-{}
    ({}) {} {}
    ({}){}-{}
    1-{}-{}-{}
""")
_E164 = rows("""
    +1##########
    +44##########
    +49###########
    +33#########
    +91##########
    +86###########
    +61#########
    +55###########
    +353#########
    +971#########
    +47########
    +65########
    +372#######
""")
_INTERNATIONAL = rows("""
    +1 ### ### ####
    +1-###-###-####
    +1 (###) ###-####
    +1.###.###.####
    +44 20 #### ####
    +44 7### ######
    +44 (0)20 #### ####
    +49 30 ########
    +49 (0)89 ######
    +49-171-#######
    +33 1 ## ## ## ##
    +91 9#### #####
    +91-9#########
    +81 3-####-####
    +61 4## ### ###
    +86 138 #### ####
    +55 11 9####-####
    +34 6## ## ## ##
    +31 6 ########
    +41 44 ### ## ##
    +46 8 ### ### ##
    +971 50 ### ####
    +65 6### ####
""")
_NATIONAL = rows("""
    020 7### ####
    07### ######
    030 ########
    0171 #######
    089/#######
    06 ## ## ## ##
    01.##.##.##.##
    098### #####
    03-####-####
    04## ### ###
    0#########
    8 (495) ###-##-##
    0171-#######
    (030) ######
    (02) #### ####
""")
# Prefixes of each brand, and how the digits are grouped on the card.
_BRANDS = (
    (words("4"), (4, 4, 4, 4)),
    (words("51 52 53 54 55 2221 2400 2719 2720"), (4, 4, 4, 4)),
    (words("34 37"), (4, 6, 5)),
    (words("6011 644 649 65"), (4, 4, 4, 4)),
    (words("3528 3560 3589"), (4, 4, 4, 4)),
    (words("36 38 300 305"), (4, 6, 4)),
    (words("62"), (4, 4, 4, 4)),
)
# The shape of each country's accounts, as the IBAN registry writes it: n digits, a letters, c both.
_ACCOUNTS = dict(
    pair.split("=")
    for pair in words(
        "DE=18n GB=4a14n FR=10n11c2n NL=4a10n ES=20n IT=1a10n12c CH=5n12c AT=16n BE=12n PL=24n "
        "PT=21n SE=20n NO=11n DK=14n FI=14n IE=4a14n LU=3n13c CZ=20n SA=2n18c AE=19n TR=6n16c "
        "GR=7n16c MT=4a5n18c BR=23n1a1c"
    )
)
_ALPHABETS = {"n": "0123456789", "a": LETTERS, "c": "0123456789" + LETTERS}


def email(random: Random) -> str:
    """As people and programs have them."""
    first, last = random.choice(NAMES), random.choice(SURNAMES)
    local = random.choice(
        [
            f"{first}.{last}",
            f"{first}{random.randrange(1999)}",
            f"{first[0]}{last}",
            f"{first}_{last}",
            f"{first}-{last}",
            f"{first}+{random.choice(['news', 'test1', 'a.b'])}",
            f"{first.title()}.{last.title()}",
            f"no-reply{random.choice(['', '.billing'])}",
            f"{last}.{first[0]}.{random.randrange(99)}",
            f"u{digits(random, 9)}",
            f"x{random.randrange(9)}",
        ]
    )
    return f"{local}@{random.choice(_MAIL_HOSTS)}"


def _us(random: Random) -> tuple[str, str, str]:
    area, exchange = random.randrange(201, 990), random.randrange(200, 1000)
    return str(area), str(exchange), f"{random.randrange(10000):04}"


def _extension(random: Random) -> str:
    form = random.choice(["{}-{}-{}", "({}) {}-{}", "{}.{}.{}"]).format(*_us(random))
    mark = random.choice([" x", "x", " ext ", " ext. ", " Ext. "])
    return f"{form}{mark}{random.randrange(10, 99999)}"


def card(random: Random) -> str:
    """A payment card of any brand: bare, spaced or dashed."""
    prefixes, groups = random.choice(_BRANDS)
    prefix = random.choice(prefixes)
    payload = prefix + drawn(random, "0123456789", sum(groups) - 1 - len(prefix))
    whole = payload + str(luhn_digit(payload))
    separator = random.choice(["", "", " ", "-"])
    starts = [sum(groups[:place]) for place in range(len(groups))]
    return separator.join(whole[at : at + size] for at, size in zip(starts, groups, strict=True))


def ssn(random: Random) -> str:
    """Area, group and serial, each as they are given out."""
    area = random.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03}-{random.randrange(1, 100):02}-{random.randrange(1, 10000):04}"


def account(random: Random, country: str) -> str:
    """The part of an IBAN after its check digits."""
    made, size = "", ""
    for character in _ACCOUNTS[country]:
        if character.isdigit():
            size += character
        else:
            made += drawn(random, _ALPHABETS[character], int(size))
            size = ""
    return made


def in_fours(whole: str) -> str:
    """An IBAN as it is printed."""
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def iban(random: Random) -> str:
    """An account's number, bare or in fours."""
    country = random.choice(list(_ACCOUNTS))
    rest = account(random, country)
    whole = f"{country}{iban_digits(country, rest):02}{rest}"
    return random.choice([whole, in_fours(whole)])


PEOPLE: Mapping[str, tuple[str, Maker]] = {
    "email": ("email", email),
    "email_unicode": ("email", lambda r: f"{r.choice(_UNICODE)}@{r.choice(_MAIL_HOSTS)}"),
    "email_upper": ("email", lambda r: email(r).upper()),
    "email_odd": ("email", lambda r: r.choice(_ODD)),
    "phone_us": ("phone", lambda r: r.choice(_NORTH_AMERICAN).format(*_us(r))),
    "phone_ext": ("phone", _extension),
    "phone_local": ("phone", lambda r: "-".join(_us(r)[1:])),
    "phone_e164": ("phone", lambda r: shaped(r, r.choice(_E164))),
    "phone_intl": ("phone", lambda r: shaped(r, r.choice(_INTERNATIONAL))),
    "phone_national": ("phone", lambda r: shaped(r, r.choice(_NATIONAL))),
    "phone_digits": ("phone", lambda r: r.choice(["", "", "1"]) + "".join(_us(r))),
    "card": ("card", card),
    "ssn": ("ssn", ssn),
    "ssn_bare": ("ssn", lambda r: ssn(r).replace("-", "")),
    "iban": ("iban", iban),
}
