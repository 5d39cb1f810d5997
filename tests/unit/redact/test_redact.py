"""What callers rely on: markers, counts, order, precedence, offsets."""

from __future__ import annotations

import pytest

from logweir.redact import MARKER, RULES_VERSION, Redacted, Span, find, redact


def test_the_classical_sample_is_redacted() -> None:
    text = "User 555-0199 accessed 10.0.0.1 at 2024-01-15T10:23:45Z"
    assert redact(text).text == "User [REDACTED] accessed [REDACTED] at 2024-01-15T10:23:45Z"


def test_counts_name_only_the_rules_that_took_something() -> None:
    assert redact("10.0.0.1 10.0.0.2 joe@example.com").counts == {"email": 1, "ipv4": 2}
    assert redact("nothing here") == Redacted("nothing here", {})
    assert redact("") == Redacted("", {})


def test_a_span_says_where_it_is_and_why() -> None:
    assert find("at 10.0.0.1") == [Span(3, 11, "ipv4", "an IPv4 address")]


def test_offsets_are_code_points() -> None:
    text = "🙂é 10.0.0.1 🙂"
    (span,) = find(text)
    assert text[span.start : span.end] == "10.0.0.1"


def test_a_letter_that_grows_in_lower_case_shifts_nothing() -> None:
    text = "İİİİ " * 9 + "PASSWORD=hunter2 joe@example.com ghİ"
    assert redact(text).text == "İİİİ " * 9 + f"PASSWORD={MARKER} {MARKER} ghİ"


def test_the_rest_of_the_text_stays_code_point_for_code_point() -> None:
    text = "\x00\x1b[31m10.0.0.1\x1b[0m\r\n\t\ufeff\ud800 z\u0301"
    assert redact(text).text == text.replace("10.0.0.1", MARKER)


@pytest.mark.parametrize(
    "text",
    [
        "５５５-０１９９",
        "１０.０.０.１",
        "٤١١١١١١١١١١١١١١١",
        "joe＠example.com",
        "１２３-４５-６７８９",
    ],
)
def test_digits_and_signs_of_other_scripts_are_not_matched_by_accident(text: str) -> None:
    assert redact(text).text == text


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("postgres://al:pw@db.example.com/x", ["url-password"]),  # not an e-mail at pw@
        ('password="postgres://al:pw@db/x"', ["password"]),  # takes in what a row above found
        ("password=joe@example.com", ["password"]),
        ("token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", ["token"]),
        ("from ::ffff:10.0.0.1", ["ipv6"]),
        ("card 4111-1111-1111-1111", ["card"]),
        ("+1-555-123-4567", ["phone"]),
        ("10.0.0.1,10.0.0.2", ["ipv4", "ipv4"]),
    ],
)
def test_of_overlapping_finds_one_is_left(text: str, rules: list[str]) -> None:
    assert [span.rule for span in find(text)] == rules


def test_a_private_key_in_a_quoted_secret_is_one_span() -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\n"
    text = f'"private_key": "-----BEGIN PRIVATE KEY-----\\n{body}-----END PRIVATE KEY-----\\n"'
    assert redact(text).text == f'"private_key": "{MARKER}\\n"'


def test_a_port_stays_where_its_address_goes() -> None:
    assert redact("10.0.0.1:8080").text == f"{MARKER}:8080"
    assert redact("[2001:db8::1]:443").text == f"[{MARKER}]:443"


def test_a_secret_ends_with_its_line() -> None:
    assert redact('password="cut off\nnext line').text == f'password="{MARKER}\nnext line'


def test_the_version_of_the_rules_is_a_plain_string() -> None:
    assert RULES_VERSION
    assert RULES_VERSION.isascii()
