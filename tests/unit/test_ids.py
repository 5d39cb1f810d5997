"""One grammar for every id, and a place of its own for each (tenant, log)."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from logweir.backends.local.names import file_name, tenant_of
from logweir.errors import InvalidId
from logweir.ids import LogId, TenantId

NASTY = [
    *("acme", "ACME", "Acme", "aCME", "acmE", "acme2", "acme.", "acme-", "acme_", "acme..", "a.c"),
    *("0", "00", "1", "f", "F", "a", "A", "aa", "aA", "Aa", "AA", "a-f", "a_F", "a.f", "a.F"),
    *("acme.sqlite3", "ACME.sqlite3", "acme.sqlite3-wal", "acme.sqlite3-shm", "acme.SQLITE3"),
    *("con", "nul", "CON", "0x1f", "0X1F", "e1", "E1", "1e5", "1E5", "None", "null", "true"),
    *("a" * 128, "A" * 128, "a" * 127 + "A", "A" + "a" * 127, "a" * 127, "z" * 128, "0" * 128),
]

REFUSED = {
    "a path": "acme/processed_logs/x",
    "two dots": "..",
    "one dot": ".",
    "Firestore's own": "__x__",
    "a percent code": "%2F",
    "percent inside": "acme%2Fx",
    "full-width letters": "\uff41\uff43\uff4d\uff45",
    "a full-width digit": "acme\uff11",
    "Cyrillic look-alikes": "\u0430\u0441m\u0435",
    "an Arabic digit": "acme\u0661",
    "a Kelvin sign": "\u212a",
    "a dotless i": "acme\u0131",
    "a combining accent": "acme\u0301",
    "NUL": "ac\0me",
    "NUL at the end": "acme\0",
    "CR LF": "acme\r\nx",
    "a trailing newline": "acme\n",
    "a trailing CR": "acme\r",
    "a line separator": "acme\u2028",
    "129 characters": "a" * 129,
    "empty": "",
    "a space": "ac me",
    "a leading space": " acme",
    "a leading dash": "-acme",
    "a leading dot": ".acme",
    "a leading underscore": "_acme",
    "a backslash": "ac\\me",
    "a colon": "acme:x",
    "an at": "acme@f",
    "a hash": "acme#x",
    "a star": "*",
    "an apostrophe": "acme'--",
    "a lone surrogate": "acme\ud800",
    "emoji": "acme🙂",
}


@pytest.mark.parametrize("kind", [TenantId, LogId])
@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_does_not_follow_the_grammar_is_no_id(
    value: str, kind: type[TenantId | LogId]
) -> None:
    with pytest.raises(InvalidId, match="must be 1 to 128 characters"):
        kind(value)


@pytest.mark.parametrize("kind", [TenantId, LogId])
@pytest.mark.parametrize("value", NASTY)
def test_what_follows_it_is_kept_as_it_is(value: str, kind: type[TenantId | LogId]) -> None:
    assert kind(value) == value


def test_the_grammar_takes_exactly_these_characters() -> None:
    first = {c for c in map(chr, range(0x3000)) if _is_id(c)}
    later = {c for c in map(chr, range(0x3000)) if _is_id("a" + c)}
    assert first == set(string.ascii_letters + string.digits)
    assert later == first | set("._-")


def test_made_ids_are_random_and_not_in_the_order_of_time() -> None:
    made = [LogId.random() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert made != sorted(made)
    assert len({log[:2] for log in made}) > 200


def test_acme_in_capitals_is_another_tenant_on_any_file_system() -> None:
    assert TenantId("ACME") != TenantId("acme")
    assert file_name(TenantId("ACME")) == "acme@f.sqlite3"
    assert file_name(TenantId("acme")) == "acme.sqlite3"


def test_a_hundred_thousand_random_and_all_nasty_tenants_have_places_of_their_own() -> None:
    tenants = {*map(TenantId, NASTY), *_random_ids(100_000), *_spellings_of("tenant.a-b_z")}
    folded = {file_name(tenant).casefold() for tenant in tenants}
    assert len(folded) == len(tenants)
    # SQLite's files beside them are nobody's either.
    beside = {name + end for name in folded for end in ("-wal", "-shm", "-journal")}
    assert not beside & folded


def test_a_hundred_thousand_random_and_all_nasty_pairs_have_places_of_their_own() -> None:
    # A place of the local store is a file, and in it the log id, compared byte by byte.
    nasty = [(TenantId(tenant), LogId(log)) for tenant in NASTY for log in NASTY]
    tenants, logs = _random_ids(1000), _random_ids(1000)
    draw = random.Random(2)
    pairs = {(draw.choice(tenants), LogId(draw.choice(logs))) for _ in range(110_000)}
    pairs |= set(nasty)
    assert len(pairs) > 100_000
    places = {(file_name(tenant).lower(), log.encode()) for tenant, log in pairs}
    assert len(places) == len(pairs)


def test_a_file_name_says_whose_it_is() -> None:
    for tenant in (*map(TenantId, NASTY), *_random_ids(20_000), *_spellings_of("tenant.a-b_z")):
        assert tenant_of(Path(file_name(tenant))) == tenant


def test_the_longest_file_name_fits_every_file_system_with_its_journal() -> None:
    assert max(len(file_name(TenantId(tenant))) for tenant in NASTY) + len("-journal") <= 255


@pytest.mark.parametrize(
    "name",
    [
        *("ACME.sqlite3", "Acme@f.sqlite3", "acme@0.sqlite3", "acme@0f.sqlite3", "acme@F.sqlite3"),
        *(
            "acme@10.sqlite3",
            "acme@g.sqlite3",
            "acme@.sqlite3",
            "acme@-1.sqlite3",
            "acme@ f.sqlite3",
        ),
        *("acme@0xf.sqlite3", "acme@1_0.sqlite3", "acme@f@f.sqlite3", "acme (copy).sqlite3"),
        *(".sqlite3", "@.sqlite3", "acme", "acme@f", "1@1.sqlite3", "acme.sqlite3-wal"),
    ],
)
def test_a_name_that_nobody_has_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):  # InvalidId is one
        tenant_of(Path(name))


def _is_id(value: str) -> bool:
    try:
        TenantId(value)
    except InvalidId:
        return False
    return True


def _random_ids(count: int) -> list[TenantId]:
    draw = random.Random(count)
    alphabet = string.ascii_letters + string.digits
    return [
        TenantId(
            draw.choice(alphabet) + "".join(draw.choices(alphabet + "._-", k=draw.randrange(24)))
        )
        for _ in range(count)
    ]


def _spellings_of(name: str) -> list[TenantId]:
    """Every spelling in capitals and small letters."""
    spellings = [""]
    for character in name:
        cases = {character, character.upper()}
        spellings = [spelling + case for spelling in spellings for case in cases]
    return [TenantId(spelling) for spelling in spellings]
