"""Every kind of bad input to ``examine`` and ``accept``, with its exact reason; and the good."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pytest
from backports import zstd
from hypothesis import example, given
from hypothesis import strategies as st

from logweir.clock import ManualClock
from logweir.envelope import Envelope, Source, sha256_of
from logweir.errors import Rejection
from logweir.ids import LogId
from logweir.limits import DEFAULT_LIMITS, Limits
from logweir.pipeline.accept import accept, body_too_large, examine
from logweir.pipeline.json_body import _check_complexity
from logweir.reasons import Reason

Headers = list[tuple[bytes, bytes]]

JSON: Final[Headers] = [(b"content-type", b"application/json")]
TEXT: Final[Headers] = [(b"content-type", b"text/plain"), (b"x-tenant-id", b"acme")]
SMALL: Final = replace(DEFAULT_LIMITS, text_bytes_max=1000, body_bytes_max=4000, json_values_max=50)
TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def take(headers: Headers, body: bytes, limits: Limits = SMALL) -> Envelope:
    """What a gateway does with a whole request."""
    return accept(examine(headers, limits), body, ManualClock(), limits)


def json_body(**members: object) -> bytes:
    """A good body, with members of its own or others instead."""
    return json.dumps({"tenant_id": "acme", "log_id": "log-1", "text": "hello"} | members).encode()


def text_with(*headers: tuple[bytes, bytes]) -> Headers:
    """The headers of a text upload and some more."""
    return [*TEXT, *headers]


def packed(coding: bytes) -> Headers:
    """The headers of a text upload that is packed."""
    return text_with((b"content-encoding", coding))


def deflated_bare(body: bytes) -> bytes:
    """The deflate stream without its zlib frame, which some clients send."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def zstd_with_window(log2: int, body: bytes) -> bytes:
    """A frame that asks its reader for so large a window."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log2})
    return packer.compress(body, mode=packer.FLUSH_BLOCK) + packer.flush()


@dataclass(frozen=True)
class Case:
    """A request that must be refused."""

    reason: Reason
    body: bytes = b"hello"
    headers: Headers = field(default_factory=lambda: JSON)
    limits: Limits = SMALL


BOMB: Final = b"a" * 10_000_000
WITHOUT_TENANT: Final[Headers] = [(b"content-type", b"text/plain")]
_GZIP: Final = gzip.compress(b"hello hello hello")
_ZSTD: Final = zstd.compress(b"hello hello hello")

CASES: Final = {
    # ---- JSON: what it is -------------------------------------------------------------------
    "no body": Case(Reason.MALFORMED_JSON, b""),
    "blank": Case(Reason.MALFORMED_JSON, b" \n"),
    "not JSON": Case(Reason.MALFORMED_JSON, b"hello"),
    "broken off": Case(Reason.MALFORMED_JSON, json_body()[:-1]),
    "broken off in a string": Case(Reason.MALFORMED_JSON, b'{"text": "hel'),
    "broken off in an escape": Case(Reason.MALFORMED_JSON, b'{"text": "\\u00'),
    "something after it": Case(Reason.MALFORMED_JSON, json_body() + b"x"),
    "two of them": Case(Reason.MALFORMED_JSON, json_body() + json_body()),
    "a comma too many": Case(Reason.MALFORMED_JSON, json_body()[:-1] + b",}"),
    "single quotes": Case(Reason.MALFORMED_JSON, b"{'tenant_id': 'acme'}"),
    "a comment": Case(Reason.MALFORMED_JSON, b"{}//"),
    "NaN": Case(Reason.MALFORMED_JSON, b'{"tenant_id":"acme","text":"x","n":NaN}'),
    "Infinity": Case(Reason.MALFORMED_JSON, b'{"tenant_id":"acme","text":"x","n":Infinity}'),
    "-Infinity": Case(Reason.MALFORMED_JSON, b'{"tenant_id":"acme","text":"x","n":-Infinity}'),
    "NaN at the top": Case(Reason.MALFORMED_JSON, b"NaN"),
    "a leading zero": Case(Reason.MALFORMED_JSON, b'{"n":01}'),
    "a bare newline in a string": Case(
        Reason.MALFORMED_JSON, json_body(text="Q").replace(b"Q", b"\n")
    ),
    "a bare NUL in a string": Case(Reason.MALFORMED_JSON, json_body(text="Q").replace(b"Q", b"\0")),
    "an unknown escape": Case(Reason.MALFORMED_JSON, json_body(text="Q").replace(b"Q", b"\\x41")),
    "a BOM": Case(Reason.MALFORMED_JSON, b"\xef\xbb\xbf" + json_body()),
    "UTF-16 without a BOM": Case(Reason.MALFORMED_JSON, json_body().decode().encode("utf-16-le")),
    "UTF-16": Case(Reason.INVALID_UTF8, json_body().decode().encode("utf-16")),
    "UTF-32": Case(Reason.INVALID_UTF8, json_body().decode().encode("utf-32")),
    "Latin-1": Case(Reason.INVALID_UTF8, '{"text":"é"}'.encode("latin-1")),
    "overlong UTF-8": Case(Reason.INVALID_UTF8, b'{"text":"\xc0\x80"}'),
    "a surrogate in UTF-8": Case(Reason.INVALID_UTF8, b'{"text":"\xed\xa0\x80"}'),
    "beyond Unicode": Case(Reason.INVALID_UTF8, b'{"text":"\xf4\x90\x80\x80"}'),
    "an array": Case(Reason.NOT_AN_OBJECT, b"[" + json_body() + b"]"),
    "a number": Case(Reason.NOT_AN_OBJECT, b"7"),
    "a huge number": Case(Reason.NOT_AN_OBJECT, b"9" * 3999),
    "a string": Case(Reason.NOT_AN_OBJECT, b'"tenant_id"'),
    "null": Case(Reason.NOT_AN_OBJECT, b"null"),
    "true": Case(Reason.NOT_AN_OBJECT, b"true"),
    # ---- JSON: how much ---------------------------------------------------------------------
    "arrays 100,000 deep": Case(
        Reason.JSON_TOO_COMPLEX, b"[" * 100_000 + b"]" * 100_000, limits=DEFAULT_LIMITS
    ),
    "arrays 100,000 deep, not closed": Case(
        Reason.JSON_TOO_COMPLEX, b"[" * 100_000, limits=DEFAULT_LIMITS
    ),
    "objects 100,000 deep": Case(
        Reason.JSON_TOO_COMPLEX, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, limits=DEFAULT_LIMITS
    ),
    "deep in an unknown member": Case(
        Reason.JSON_TOO_COMPLEX,
        json_body()[:-1] + b',"x":' + b"[" * 40_000 + b"]" * 40_000 + b"}",
        limits=DEFAULT_LIMITS,
    ),
    "one value too many": Case(Reason.JSON_TOO_COMPLEX, json_body(x=[0] * 47)),
    "many empty objects": Case(Reason.JSON_TOO_COMPLEX, b"[" + b"{}," * 60 + b"{}]"),
    # ---- JSON: its members ------------------------------------------------------------------
    "a key twice": Case(Reason.DUPLICATE_KEY, b'{"tenant_id":"a","text":"x","tenant_id":"b"}'),
    "the same value twice": Case(
        Reason.DUPLICATE_KEY, b'{"tenant_id":"a","text":"x","tenant_id":"a"}'
    ),
    "a key twice, once escaped": Case(
        Reason.DUPLICATE_KEY, b'{"tenant_id":"a","text":"x","\\u0074ext":"y"}'
    ),
    "an unknown key twice": Case(Reason.DUPLICATE_KEY, json_body()[:-1] + b',"x":1,"x":2}'),
    "a key twice, deep": Case(
        Reason.DUPLICATE_KEY, json_body()[:-1] + b',"x":[{"y":{"z":1,"\\u007a":1}}]}'
    ),
    "an empty key twice": Case(Reason.DUPLICATE_KEY, json_body()[:-1] + b',"":1,"":2}'),
    "no tenant": Case(Reason.MISSING_TENANT_ID, b'{"text":"x"}'),
    "an empty object": Case(Reason.MISSING_TENANT_ID, b"{}"),
    "tenant in other case": Case(Reason.MISSING_TENANT_ID, b'{"Tenant_ID":"acme","text":"x"}'),
    "tenant only in the header": Case(
        Reason.MISSING_TENANT_ID, b'{"text":"x"}', [*JSON, (b"x-tenant-id", b"acme")]
    ),
    "no text": Case(Reason.MISSING_TEXT, b'{"tenant_id":"acme"}'),
    "empty text": Case(Reason.EMPTY_TEXT, json_body(text="")),
    **{
        f"{name} is {kind}": Case(Reason.INVALID_MEMBER, json_body(**{name: value}))
        for name in ("tenant_id", "log_id", "text")
        for kind, value in {
            "a number": 7,
            "true": True,
            "an array": ["acme"],
            "an object": {"acme": 1},
        }.items()
    },
    "tenant is null": Case(Reason.INVALID_MEMBER, json_body(tenant_id=None)),
    "text is null": Case(Reason.INVALID_MEMBER, json_body(text=None)),
    **{
        f"tenant {value!a}": Case(Reason.INVALID_TENANT_ID, json_body(tenant_id=value))
        for value in ("", "acme/processed_logs/x", "..", "__x__", "a\0b", "a\r\nb", "a" * 129, "é")
    },
    **{
        f"log {value!a}": Case(Reason.INVALID_LOG_ID, json_body(log_id=value))
        for value in ("", "log/1", ".", "__x__", "log\n", "l" * 129, "\u0430")
    },
    "a lone surrogate": Case(Reason.LONE_SURROGATE, json_body(text="\ud83d")),
    "a surrogate pair the wrong way round": Case(
        Reason.LONE_SURROGATE, json_body(text="\ude00\ud83d")
    ),
    "a lone surrogate as the tenant": Case(Reason.LONE_SURROGATE, json_body(tenant_id="\udc00")),
    "a lone surrogate as the log": Case(Reason.LONE_SURROGATE, json_body(log_id="\udfff")),
    "text a byte too large": Case(Reason.TEXT_TOO_LARGE, json_body(text="a" * 1001)),
    # ---- text -------------------------------------------------------------------------------
    "an empty body": Case(Reason.EMPTY_TEXT, b"", TEXT),
    "text as Latin-1": Case(Reason.INVALID_UTF8, "é".encode("latin-1"), TEXT),
    "text as UTF-16": Case(Reason.INVALID_UTF8, "hello".encode("utf-16"), TEXT),
    "text with a surrogate": Case(Reason.INVALID_UTF8, b"\xed\xb0\x80", TEXT),
    "text cut in a character": Case(Reason.INVALID_UTF8, "é".encode()[:1], TEXT),
    "a larger text": Case(Reason.TEXT_TOO_LARGE, b"a" * 1001, TEXT),
    "a larger text of wide characters": Case(Reason.TEXT_TOO_LARGE, "🙂".encode() * 251, TEXT),
    "no tenant header": Case(Reason.MISSING_TENANT_ID, headers=WITHOUT_TENANT),
    "tenant header twice": Case(
        Reason.DUPLICATE_TENANT_ID, headers=text_with((b"X-Tenant-ID", b"globex"))
    ),
    "the same tenant header twice": Case(
        Reason.DUPLICATE_TENANT_ID, headers=text_with((b"x-tenant-id", b"acme"))
    ),
    "log header twice": Case(
        Reason.DUPLICATE_LOG_ID, headers=text_with((b"x-log-id", b"1"), (b"X-LOG-ID", b"1"))
    ),
    **{
        f"tenant header {value!r}": Case(
            Reason.INVALID_TENANT_ID, headers=[*WITHOUT_TENANT, (b"x-tenant-id", value)]
        )
        for value in (
            b"",
            b"acme, globex",
            b"acme,acme",
            b"a/b",
            b"..",
            b"\xc3\xa9",
            b"\xff",
            b"a\0b",
        )
    },
    **{
        f"log header {value!r}": Case(
            Reason.INVALID_LOG_ID, headers=text_with((b"x-log-id", value))
        )
        for value in (b"", b"a b", b"a,b", b"%2F", b"l" * 129)
    },
    # ---- headers ----------------------------------------------------------------------------
    "no content type": Case(Reason.MISSING_CONTENT_TYPE, headers=TEXT[1:]),
    "no headers": Case(Reason.MISSING_CONTENT_TYPE, headers=[]),
    "an empty content type": Case(
        Reason.MISSING_CONTENT_TYPE, headers=[(b"content-type", b" "), *TEXT[1:]]
    ),
    "two content types": Case(
        Reason.MALFORMED_HEADER, headers=text_with((b"Content-Type", b"application/json"))
    ),
    **{
        f"content type {value!r}": Case(
            Reason.UNSUPPORTED_CONTENT_TYPE, headers=[(b"content-type", value), *TEXT[1:]]
        )
        for value in (
            *(b"text/html", b"application/xml", b"multipart/form-data; boundary=x", b"*/*"),
            *(
                b"application/x-www-form-urlencoded",
                b"application/jsonx",
                b"text/plain, text/plain",
            ),
            *(b"application/json+x", b"application/vnd.api+json", b"json", b"; charset=utf-8"),
        )
    },
    **{
        f"content type {value!r}": Case(
            Reason.UNSUPPORTED_CHARSET, headers=[(b"content-type", value), *TEXT[1:]]
        )
        for value in (
            *(
                b"text/plain; charset=latin-1",
                b"text/plain; charset=utf-16",
                b"text/plain; charset=",
            ),
            *(
                b'application/json;charset="iso-8859-1"',
                b"text/plain; charset=utf-8; charset=utf-16",
            ),
            *(b"text/plain; CHARSET=US-ASCII", b"text/plain; charset = windows-1252"),
        )
    },
    "two content codings": Case(
        Reason.MALFORMED_HEADER, headers=[*packed(b"gzip"), *packed(b"gzip")[2:]]
    ),
    **{
        f"content coding {value!r}": Case(Reason.UNSUPPORTED_CODING, headers=packed(value))
        for value in (b"br", b"compress", b"gzip, gzip", b"gzip,identity", b"x", b"*")
    },
    "two lengths": Case(
        Reason.MALFORMED_HEADER,
        headers=text_with((b"content-length", b"5"), (b"content-length", b"5")),
    ),
    **{
        f"length {value!r}": Case(
            Reason.MALFORMED_HEADER, headers=text_with((b"content-length", value))
        )
        for value in (b"", b"-1", b"+5", b"5, 5", b"0x5", b"five", b"5.0", b"\xb2", b"1_0")
    },
    "a length over the limit": Case(
        Reason.BODY_TOO_LARGE, headers=text_with((b"content-length", b"4001"))
    ),
    "a length of a thousand digits": Case(
        Reason.BODY_TOO_LARGE, headers=text_with((b"content-length", b"9" * 1000))
    ),
    "an unknown transfer coding": Case(
        Reason.UNSUPPORTED_CODING, headers=text_with((b"transfer-encoding", b"gzip, chunked"))
    ),
    "two transfer codings": Case(
        Reason.MALFORMED_HEADER,
        headers=text_with((b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")),
    ),
    "chunked and a length": Case(
        Reason.MALFORMED_HEADER,
        headers=text_with((b"transfer-encoding", b"chunked"), (b"content-length", b"5")),
    ),
    "a header too large": Case(
        Reason.HEADERS_TOO_LARGE, headers=text_with((b"cookie", b"c" * 17_000))
    ),
    "a name too large": Case(Reason.HEADERS_TOO_LARGE, headers=text_with((b"c" * 17_000, b""))),
    "2 MB of headers": Case(
        Reason.HEADERS_TOO_LARGE,
        headers=text_with(*[(b"x-%d" % i, b"v" * 992) for i in range(2000)]),
    ),
    "too many headers": Case(
        Reason.HEADERS_TOO_LARGE, headers=text_with(*[(b"x-%d" % i, b"") for i in range(99)])
    ),
    # ---- packed bodies ----------------------------------------------------------------------
    "gzip that is none": Case(Reason.MALFORMED_CODING, b"hello", packed(b"gzip")),
    "gzip of nothing": Case(Reason.MALFORMED_CODING, b"", packed(b"gzip")),
    "gzip broken off": Case(Reason.MALFORMED_CODING, _GZIP[:-1], packed(b"gzip")),
    "gzip broken off early": Case(Reason.MALFORMED_CODING, _GZIP[:12], packed(b"gzip")),
    "gzip with a wrong checksum": Case(
        Reason.MALFORMED_CODING, _GZIP[:-8] + b"\0" * 8, packed(b"gzip")
    ),
    "gzip and something after it": Case(Reason.MALFORMED_CODING, _GZIP + b"x", packed(b"gzip")),
    "two gzip streams": Case(Reason.MALFORMED_CODING, _GZIP + _GZIP, packed(b"gzip")),
    "a gzip bomb": Case(Reason.BODY_TOO_LARGE, gzip.compress(BOMB), packed(b"gzip")),
    "a gzip bomb in JSON": Case(
        Reason.BODY_TOO_LARGE, gzip.compress(BOMB), [*JSON, (b"content-encoding", b"gzip")]
    ),
    "one byte more than may be": Case(
        Reason.BODY_TOO_LARGE, gzip.compress(b"a" * 4001), packed(b"gzip")
    ),
    "gzip that holds nothing": Case(Reason.EMPTY_TEXT, gzip.compress(b""), packed(b"gzip")),
    "gzip in gzip": Case(Reason.INVALID_UTF8, gzip.compress(_GZIP), packed(b"gzip")),
    "deflate that is none": Case(Reason.MALFORMED_CODING, b"\xff\xff", packed(b"deflate")),
    "deflate of nothing": Case(Reason.MALFORMED_CODING, b"", packed(b"deflate")),
    "deflate broken off": Case(
        Reason.MALFORMED_CODING, zlib.compress(b"hello hello")[:-1], packed(b"deflate")
    ),
    "bare deflate broken off": Case(
        Reason.MALFORMED_CODING, deflated_bare(b"hello hello")[:-1], packed(b"deflate")
    ),
    "deflate and something after it": Case(
        Reason.MALFORMED_CODING, zlib.compress(b"hello") + b"\0", packed(b"deflate")
    ),
    "a deflate bomb": Case(Reason.BODY_TOO_LARGE, zlib.compress(BOMB), packed(b"deflate")),
    "a bare deflate bomb": Case(Reason.BODY_TOO_LARGE, deflated_bare(BOMB), packed(b"deflate")),
    "zstd that is none": Case(Reason.MALFORMED_CODING, b"hello", packed(b"zstd")),
    "zstd of nothing": Case(Reason.MALFORMED_CODING, b"", packed(b"zstd")),
    "zstd broken off": Case(Reason.MALFORMED_CODING, _ZSTD[:-1], packed(b"zstd")),
    "zstd and something after it": Case(Reason.MALFORMED_CODING, _ZSTD + b"x", packed(b"zstd")),
    "two zstd frames": Case(Reason.MALFORMED_CODING, _ZSTD + _ZSTD, packed(b"zstd")),
    "a zstd bomb": Case(Reason.BODY_TOO_LARGE, zstd.compress(BOMB), packed(b"zstd")),
    "zstd with a window of 128 MiB": Case(
        Reason.MALFORMED_CODING,
        zstd_with_window(27, b"hello"),
        packed(b"zstd"),
    ),
}

# What only a gateway can meet: it routes, receives and publishes.
GATEWAY_ONLY: Final = {
    Reason.NOT_FOUND,
    Reason.METHOD_NOT_ALLOWED,
    Reason.RECEIVE_TIMEOUT,
    Reason.OVERLOADED,
    Reason.BACKLOG_FULL,
    Reason.TENANT_BACKLOG_FULL,
    Reason.BROKER_UNAVAILABLE,
    Reason.STORE_UNAVAILABLE,
    Reason.BODY_INCOMPLETE,
    Reason.BODY_FRAGMENTED,
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_input_is_refused_with_its_reason(case: Case) -> None:
    with pytest.raises(Rejection) as refusal:
        take(case.headers, case.body, case.limits)
    assert refusal.value.reason is case.reason
    assert "hello" not in f"{refusal.value} {refusal.value.actual}", (
        "an answer never echoes the text"
    )


def test_every_reason_is_met_here_or_by_the_gateway_alone() -> None:
    assert {case.reason for case in CASES.values()} == set(Reason) - GATEWAY_ONLY


def test_reasons_are_a_closed_list_of_client_errors_and_outages() -> None:
    assert len({reason.code for reason in Reason}) == len(Reason)
    assert {reason.status for reason in Reason} == {400, 404, 405, 408, 413, 415, 429, 431, 503}


def test_a_refusal_carries_the_limit_and_the_actual_value() -> None:
    with pytest.raises(Rejection) as refusal:
        take(TEXT, b"a" * 1001)
    assert (refusal.value.limit, refusal.value.actual) == (1000, 1001)
    assert body_too_large(5000, SMALL).limit == 4000


# ---- what is taken -------------------------------------------------------------------------------


def test_a_json_upload_becomes_an_envelope() -> None:
    envelope = take([*JSON, (b"traceparent", TRACEPARENT.encode())], json_body())
    assert envelope == Envelope(
        tenant=envelope.tenant,
        log=LogId("log-1"),
        source=Source.JSON,
        received_at=ManualClock().now(),
        sha256=sha256_of("hello"),
        characters=5,
        text="hello",
        traceparent=TRACEPARENT,
    )
    assert envelope.tenant == "acme"


def test_a_text_upload_becomes_the_same_envelope_but_for_its_source() -> None:
    from_text = take(text_with((b"X-Log-ID", b"log-1")), b"hello")
    assert from_text == replace(take(JSON, json_body()), source=Source.TEXT)


@pytest.mark.parametrize(
    "body",
    [
        b'{"tenant_id":"acme","text":"x"}',
        b'{"tenant_id":"acme","text":"x","log_id":null}',
    ],
)
def test_without_a_log_id_the_server_makes_one(body: bytes) -> None:
    assert len(take(JSON, body).log) == 32
    assert take(JSON, body).log != take(JSON, body).log
    assert len(take(TEXT, b"x").log) == 32


@pytest.mark.parametrize(
    "members",
    [
        {"n": 10**3000},
        {"n": -(10**3000)},
        {"n": 1e308},
        {"x": None, "y": True, "z": [{"a": {"b": []}}]},
        {"x": "\ud800"},
        {"\ud800": 1},
        {"": ""},
        {"TEXT": "another", "Text": "another", "tenant": "globex"},
        {"__proto__": {}, "constructor": {}},
    ],
    ids=[
        "huge",
        "huge below zero",
        "float",
        "nested",
        "surrogate",
        "key",
        "empty",
        "case",
        "proto",
    ],
)
def test_unknown_members_do_not_matter(members: dict[str, object]) -> None:
    assert take(JSON, _dumped(members), DEFAULT_LIMITS) == take(JSON, json_body())


def test_an_integer_of_a_million_digits_does_not_matter() -> None:
    body = json_body()[:-1] + b',"n":' + b"9" * 1_000_000 + b',"e":1e' + b"9" * 1_000_000 + b"}"
    assert take(JSON, body, DEFAULT_LIMITS) == take(JSON, json_body())


@pytest.mark.parametrize(
    "value",
    [
        *(b"application/json", b"APPLICATION/JSON", b" application/json ", b"application/json;"),
        *(b"application/json; charset=utf-8", b"application/json;charset=UTF-8"),
        *(b'application/json; charset="utf-8"', b'application/json ; CharSet = "UTF-8"'),
        *(
            b"application/json; v=1",
            b"application/json; v=1; charset=utf-8; q=2",
            b"application/json;;",
        ),
    ],
)
def test_a_content_type_may_have_parameters_in_any_case(value: bytes) -> None:
    assert take([(b"Content-Type", value)], json_body()).text == "hello"


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        (b"gzip", gzip.compress),
        (b"GZIP", gzip.compress),
        (b"deflate", zlib.compress),
        (b"deflate", deflated_bare),
        (b"zstd", zstd.compress),
        (b"identity", bytes),
        (b"", bytes),
    ],
)
@pytest.mark.parametrize("size", [1, 999, 1000])
def test_a_packed_body_is_unpacked(
    coding: bytes, pack: Callable[[bytes], bytes], size: int
) -> None:
    assert take(packed(coding), pack(b"a" * size)).text == "a" * size


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, deflated_bare, zstd.compress])
def test_an_inflated_body_may_be_exactly_as_large_as_the_limit(
    pack: Callable[[bytes], bytes],
) -> None:
    coding = {gzip.compress: b"gzip", zstd.compress: b"zstd"}.get(pack, b"deflate")
    for noise in (b"a" * 4000, random.Random(1).randbytes(2000).hex().encode()):
        limits = replace(SMALL, text_bytes_max=4000)
        assert take(packed(coding), pack(noise), limits).text == noise.decode()
        with pytest.raises(Rejection) as refusal:
            take(packed(coding), pack(noise + b"a"), limits)
        assert refusal.value.reason is Reason.BODY_TOO_LARGE


def test_a_zstd_frame_may_ask_for_a_window_of_16_mib() -> None:
    assert take(packed(b"zstd"), zstd_with_window(24, b"hello")).text == "hello"


def test_limits_are_the_last_size_that_is_taken() -> None:
    assert take(TEXT, b"a" * 1000).characters == 1000
    assert take(TEXT, "🙂".encode() * 250).characters == 250
    assert take(JSON, json_body(text="a" * 1000)).characters == 1000
    assert take(JSON, json_body(x=[0] * 46)).text == "hello"
    assert take(text_with(*[(b"x-%d" % i, b"") for i in range(98)]), b"x").text == "x"
    assert examine(text_with((b"content-length", b"4000")), SMALL).content_length == 4000
    assert examine(text_with((b"content-length", b"0005")), SMALL).content_length == 5
    assert examine(text_with((b"transfer-encoding", b"Chunked")), SMALL).content_length is None


@pytest.mark.parametrize(
    "values", [[b"nonsense"], [TRACEPARENT.encode()] * 2, [b"ff" + TRACEPARENT[2:].encode()], []]
)
def test_a_broken_or_doubled_trace_context_is_ignored(values: list[bytes]) -> None:
    opening = examine(text_with(*[(b"traceparent", value) for value in values]), SMALL)
    assert opening.traceparent is None


def test_every_code_point_comes_through_json_and_text() -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    for part in (text[: len(text) // 2], text[len(text) // 2 :]):
        assert take(TEXT, part.encode(), DEFAULT_LIMITS).text == part
        spelled_out = json.dumps({"tenant_id": "acme", "text": part}, ensure_ascii=False)
        assert take(JSON, spelled_out.encode(), DEFAULT_LIMITS).text == part
        assert take(JSON, json_body(text=part), DEFAULT_LIMITS).text == part  # as \u escapes


def test_text_is_not_normalised_trimmed_or_translated() -> None:
    for text in (
        "\ufeffhello",
        " hello \r\n",
        "e\u0301",
        "\r",
        "a\0",
        "\u2028",
        "\x1b[0m",
        "\ufffe",
    ):
        assert take(TEXT, text.encode()).text == text
        assert take(JSON, json_body(text=text)).text == text


# ---- how much a hostile body may cost -----------------------------------------------------------


@given(st.text(alphabet='"\\,[{}]: \n0a', max_size=60))
@example('"' * 7)
@example('\\"[,{"')
def test_the_values_of_a_body_are_counted_outside_of_its_strings(body: str) -> None:
    counted = _breaks_outside_strings(body)
    if counted:
        with pytest.raises(Rejection):
            _check_complexity(body, counted - 1)
    if len(body) > counted:
        _check_complexity(body, counted)


HOSTILE: Final = {
    "escaped quotes": '\\"',
    "quotes": '"',
    "backslashes in a string": "\\",
    "a quote and a backslash": '"\\',
    "strings": '"a"',
    "escaped newlines": '"\\\n',
    "letters in a string": "a",
    "brackets": "[",
    "empty objects": "{},",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_counting_takes_time_linear_in_the_body(piece: str) -> None:
    small, large = (_counting_seconds(piece, size) for size in (1 << 19, 1 << 23))
    assert large < 16 * small * 4 + 0.25, "sixteen times the body, with room for a noisy machine"


MEMORY_OF_COUNTING: Final = """
import resource
from logweir.pipeline.json_body import _check_complexity
body = '"' + '\\\\"' * (1 << 23)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
_check_complexity(body, 100_000)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 // len(body))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux alone")
def test_counting_takes_no_more_memory_than_some_copies_of_the_body() -> None:
    src = str(Path(__file__).parents[2] / "src")
    copies = subprocess.check_output(
        [sys.executable, "-c", MEMORY_OF_COUNTING], env={"PYTHONPATH": src}, timeout=60
    )
    assert int(copies) < 4


def _counting_seconds(piece: str, size: int) -> float:
    body = '"' * (piece in ("a", "\\")) + piece * (size // len(piece))
    started = time.process_time()
    with contextlib.suppress(Rejection):
        _check_complexity(body, 100_000)
    return time.process_time() - started


def _breaks_outside_strings(body: str) -> int:
    """The same count, a character at a time."""
    count, in_string, escaped = 0, False, False
    for character in body:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{,":
            count += 1
    return count


def _dumped(members: dict[str, object]) -> bytes:
    digits = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json_body(**members)
    finally:
        sys.set_int_max_str_digits(digits)
