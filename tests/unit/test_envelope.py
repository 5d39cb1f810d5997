"""The envelope's codec: everything comes back, and nothing else is ever read."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.logs import ACME, LOG, RECEIVED, a_chunk, a_log

from logweir.envelope import (
    HEADER_BYTES_MAX,
    ChunkRange,
    Envelope,
    Source,
    decode,
    encode,
    sha256_of,
    valid_traceparent,
)
from logweir.errors import UnknownVersion, Unreadable
from logweir.ids import ID_GRAMMAR, LogId, TenantId

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

ids = st.from_regex(ID_GRAMMAR, fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
zones = st.sampled_from([UTC, timezone(timedelta(hours=-11)), timezone(timedelta(hours=14))])
moments = st.datetimes(timezones=zones).filter(lambda moment: 1 < moment.year < 9999)


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    """A log or a chunk, whole or planned."""
    text = draw(texts)
    first, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    chunk = draw(st.none() | st.builds(ChunkRange, st.integers(0), st.just(first), st.just(end)))
    return Envelope(
        tenant=TenantId(draw(ids)),
        log=LogId(draw(ids)),
        source=draw(st.sampled_from(Source)),
        received_at=draw(moments),
        sha256=sha256_of(text),
        characters=len(text),
        text=draw(st.none() | st.just(text if chunk is None else text[first:end])),
        attempt=draw(st.integers(1, 1000)),
        chunk=chunk,
        traceparent=draw(st.sampled_from([None, TRACEPARENT])),
    )


@given(envelopes(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_envelope_comes_back_as_it_was(envelope: Envelope, base64_text: bool) -> None:
    assert decode(encode(envelope, base64_text=base64_text)) == envelope


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "\x1b[31mred\x1b[0m",
        "🙂 \U0010ffff \U00010000",
        "\ufffe\uffff\ufeff",
        "\r\n\r\n",
        "\n",
        "\n\n\n",
        "checksum: 0",
        "e\u0301 é",
        "\u2028\u2029\x85",
        "logweir/1\nkind: log\n\n",
        "",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("base64_text", [False, True])
def test_awkward_texts_come_back_code_point_for_code_point(text: str, base64_text: bool) -> None:
    assert decode(encode(a_log(text), base64_text=base64_text)).text == text


def test_every_code_point_comes_back() -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    for base64_text in (False, True):
        assert decode(encode(a_log(text), base64_text=base64_text)).text == text


def test_a_log_looks_like_this() -> None:
    head = (
        "logweir/1\n"
        "kind: log\n"
        "tenant: acme\n"
        "log: log-1\n"
        "source: json_upload\n"
        "received: 2026-01-31T09:26:53.589793Z\n"
        "attempt: 1\n"
        f"sha256: {hashlib.sha256(b'User 555-0199 logged in').hexdigest()}\n"
        "characters: 23\n"
        f"traceparent: {TRACEPARENT}\n"
    )
    assert encode(a_log(traceparent=TRACEPARENT)).decode() == _sealed(
        head, "User 555-0199 logged in"
    )


def test_a_chunk_looks_like_this() -> None:
    head = (
        "logweir/1\n"
        "kind: chunk\n"
        "tenant: acme\n"
        "log: log-1\n"
        "source: text_upload\n"
        "received: 2026-01-31T09:26:53.589793Z\n"
        "attempt: 2\n"
        f"sha256: {hashlib.sha256('äbcdé'.encode()).hexdigest()}\n"
        "characters: 5\n"
        "index: 1\n"
        "first: 3\n"
        "end: 5\n"
        "encoding: base64\n"
    )
    encoded = encode(a_chunk("äbcdé", 1, 3, 5, attempt=2), base64_text=True)
    assert encoded.decode() == _sealed(head, "ZMOp")


def test_a_planned_log_looks_like_this() -> None:
    head = (
        "logweir/1\n"
        "kind: log\n"
        "tenant: acme\n"
        "log: log-1\n"
        "source: json_upload\n"
        "received: 2026-01-31T09:26:53.589793Z\n"
        "attempt: 1\n"
        f"sha256: {hashlib.sha256(b'long').hexdigest()}\n"
        "characters: 4\n"
        "text: planned\n"
    )
    assert encode(replace(a_log("long"), text=None)).decode() == _sealed(head, "")


def test_no_change_of_one_byte_goes_unseen() -> None:
    for raw in _samples():
        for at in range(len(raw)):
            for flip in (1, 2, 4, 8, 16, 32, 64, 128, 255):
                _assert_refused(raw[:at] + bytes([raw[at] ^ flip]) + raw[at + 1 :])


def test_no_cut_goes_unseen() -> None:
    for raw in _samples():
        for end in range(len(raw)):
            _assert_refused(raw[:end])
            _assert_refused(raw[:end] + raw[end + 1 :])
            _assert_refused(raw[end + 1 :])


def test_no_insertion_goes_unseen() -> None:
    for raw in _samples():
        for at in range(len(raw) + 1):
            for added in (b"\n", b" ", b":", b"0", b"x", b"\r", b"\0", b"\xff", b"\n\n", b"a: b\n"):
                _assert_refused(raw[:at] + added + raw[at:])


@given(st.binary(max_size=300))
def test_noise_is_unreadable_and_raises_nothing_else(noise: bytes) -> None:
    _assert_refused(noise)
    _assert_refused(b"logweir/1\n" + noise)


HEADERS = {
    "kind": ["", "logs", "Log", "log\r"],
    "tenant": ["", "acme/x", "..", "acme\x00", "acme ", " acme", "a" * 129],
    "log": ["", ".", "x/y"],
    "source": ["", "json", "JSON_UPLOAD"],
    "received": [
        *("", "now", "2026-01-31", "2026-01-31T09:26:53.589793", "0001-01-01T00:00:00+14:00"),
        *("9999-12-31T23:59:59-14:00", "2026-01-31T09:26:53.589793+00:00", "2026-02-30T00:00:00Z"),
    ],
    "attempt": ["", "x", "1_0", "+1", " 1", "1.0", "٣", "9" * 5000],
    "characters": ["", "-1", "24", "22", "0x17", "9" * 5000],
    "sha256": ["", "00", "0" * 64],
    "text": ["planned", "absent"],
    "encoding": ["base64", "gzip", ""],
    "index": ["0"],
    "traceparent": [""],
    "tenant\nkind": ["log"],
    "unknown": ["header"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in HEADERS.items() for value in values]
)
def test_a_header_that_encode_never_writes_is_unreadable_even_under_a_right_checksum(
    name: str, value: str
) -> None:
    headers = [line for line in _headers(a_log()) if not line.startswith(f"{name}: ")]
    if name in ("unknown", "text", "encoding", "index", "traceparent"):
        headers.append(f"{name}: {value}\n")
    else:
        at = [line.split(":")[0] for line in _headers(a_log())].index(
            name.rsplit("\n", maxsplit=1)[-1]
        )
        headers.insert(at, f"{name}: {value}\n")
    with pytest.raises(Unreadable):
        decode(_sealed("".join(headers), "User 555-0199 logged in").encode())


def test_headers_in_another_order_or_twice_are_unreadable() -> None:
    headers = _headers(a_log())
    for at in range(2, len(headers)):
        swapped = [*headers[: at - 1], headers[at], headers[at - 1], *headers[at + 1 :]]
        doubled = [*headers[:at], headers[at], *headers[at:]]
        for lines in (swapped, doubled):
            with pytest.raises(Unreadable):
                decode(_sealed("".join(lines), "User 555-0199 logged in").encode())


def test_a_chunk_that_is_not_as_long_as_its_range_is_unreadable() -> None:
    chunk = a_chunk("abcdef", 1, 2, 4)
    with pytest.raises(Unreadable, match="range"):
        decode(encode(replace(chunk, text="abc")))


def test_a_text_that_is_not_the_one_of_its_sha256_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="not the one"):
        decode(encode(replace(a_log("abc"), text="abd")))
    with pytest.raises(Unreadable, match="not the one"):
        decode(encode(replace(a_log("abc"), characters=4)))


@pytest.mark.parametrize(
    "value",
    [
        *("", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "٣" * 64, " " + "0" * 63, "0" * 63 + "\r"),
        *("../../" + "0" * 58, "0" * 32 + "/" + "0" * 31, "__" + "0" * 60 + "__"),
    ],
    ids=ascii,
)
def test_a_sha256_that_is_none_is_unreadable_also_where_no_whole_text_contradicts_it(
    value: str,
) -> None:
    for envelope in (a_chunk("abcdef", 1, 2, 4), replace(a_log(), text=None)):
        with pytest.raises(Unreadable):
            decode(encode(replace(envelope, sha256=value)))


@pytest.mark.parametrize("version", ["2", "0", "10", "01", "999999999"])
def test_an_unknown_version_is_for_a_newer_release(version: str) -> None:
    raw = encode(a_log()).replace(b"logweir/1", f"logweir/{version}".encode(), 1)
    with pytest.raises(UnknownVersion, match=version):
        decode(raw)
    with pytest.raises(UnknownVersion):
        decode(f"logweir/{version}\nwhatever comes then".encode())


@pytest.mark.parametrize(
    "line", ["logweir/", "logweir/x", "logweir/1.0", "Logweir/1", "logweir/-1"]
)
def test_what_names_no_version_is_unreadable(line: str) -> None:
    with pytest.raises(Unreadable, match="version"):
        decode(encode(a_log()).replace(b"logweir/1", line.encode(), 1))


@given(st.text(max_size=30))
def test_a_value_with_a_newline_in_it_never_becomes_another_envelope(value: str) -> None:
    for forged in (
        f"{TRACEPARENT}\nattempt: 9{value}",
        f"{TRACEPARENT}\n\n{value}",
        f"a: b{value}\n",
    ):
        assert valid_traceparent(forged) is None
        try:
            read = decode(encode(replace(a_log(), traceparent=forged)))
        except (Unreadable, UnknownVersion):
            continue
        raise AssertionError(read)


@given(texts)
def test_a_text_that_looks_like_headers_forges_nothing(text: str) -> None:
    forged = f"attempt: 9\ntenant: globex\nchecksum: 0\n\n{text}"
    read = decode(encode(a_log(forged)))
    assert (read.tenant, read.attempt, read.text) == (ACME, 1, forged)


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (TRACEPARENT, True),
        (TRACEPARENT.upper(), False),
        (TRACEPARENT + "-extra", False),
        (TRACEPARENT + "\n", False),
        ("ff" + TRACEPARENT[2:], False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01", False),
        ("", False),
    ],
)
def test_a_broken_trace_context_is_ignored(value: str, valid: bool) -> None:
    assert valid_traceparent(value) == (value if valid else None)


def test_the_headers_stay_below_their_limit() -> None:
    longest = replace(
        a_chunk("x" * 10, 10**9, 10**9, 10**9 + 10, attempt=1000),
        tenant=TenantId("t" * 128),
        log=LogId("l" * 128),
        characters=10**9,
        text="",
        traceparent=TRACEPARENT,
    )
    assert len(encode(longest, base64_text=True)) < HEADER_BYTES_MAX


def test_the_next_attempt_differs_in_nothing_else() -> None:
    assert a_log(attempt=3).next_attempt() == a_log(attempt=4)


def test_times_are_written_in_utc() -> None:
    there = datetime(2026, 1, 31, 1, 26, 53, 589793, timezone(timedelta(hours=-8)))
    assert encode(replace(a_log(), received_at=there)) == encode(a_log())
    assert decode(encode(a_log())).received_at == RECEIVED


def _samples() -> list[bytes]:
    return [
        encode(a_log("xé\n🙂", traceparent=TRACEPARENT)),
        encode(a_log("xé\n🙂"), base64_text=True),
        encode(a_chunk("abcdef", 1, 2, 4)),
        encode(replace(a_log(), text=None, log=LOG)),
    ]


def _assert_refused(raw: bytes) -> None:
    try:
        read = decode(raw)
    except (Unreadable, UnknownVersion):
        return
    raise AssertionError(f"{raw!r} was read as {read}")


def _headers(envelope: Envelope) -> list[str]:
    """The lines of the head, without the checksum."""
    return encode(envelope).decode().split("checksum: ")[0].splitlines(keepends=True)


def _sealed(head: str, body: str) -> str:
    """What a head and a body look like on the wire, under a right checksum."""
    checksum = hashlib.blake2b(f"{head}\n{body}".encode(), digest_size=16).hexdigest()
    return f"{head}checksum: {checksum}\n\n{body}"
