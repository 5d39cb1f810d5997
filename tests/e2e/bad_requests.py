"""The table: whatever a client may send, with the exact status and reason that must come back.

``None`` for a reason: the HTTP server itself answers, with a bare status, before the application
sees the request.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from dataclasses import dataclass
from typing import Final

from tests.support.wire import head, request

from logweir.limits import MIB
from logweir.reasons import Reason

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CANARY: Final = "mauve-canary-7f3a"  # part of every text here; nothing may say it back

JSON: Final = "Content-Type: application/json"
TEXT: Final = "Content-Type: text/plain"
ACME: Final = "X-Tenant-ID: acme"
CHUNKED: Final = "Transfer-Encoding: chunked"


@dataclass(frozen=True, slots=True)
class Case:
    """One request, and what must come back."""

    name: str
    sent: bytes
    status: int
    reason: Reason | None = None


def members(**others: object) -> bytes:
    """A good JSON body, with members changed or, if None, left out."""
    body = {"tenant_id": "acme", "text": CANARY, **others}
    return json.dumps({k: v for k, v in body.items() if v is not None}).encode()


def json_body(
    name: str, body: bytes | str, status: int = 400, reason: Reason | None = None
) -> Case:
    data = body.encode() if isinstance(body, str) else body
    return Case(f"json: {name}", request(JSON, body=data), status, reason)


def text_body(name: str, body: bytes, status: int = 400, reason: Reason | None = None) -> Case:
    return Case(f"text: {name}", request(TEXT, ACME, body=body), status, reason)


def text_headers(
    name: str, *headers: bytes | str, status: int = 400, reason: Reason | None = None
) -> Case:
    return Case(f"headers: {name}", request(*headers, body=CANARY.encode()), status, reason)


def packed(
    name: str, coding: str, body: bytes, status: int = 400, reason: Reason | None = None
) -> Case:
    sent = request(TEXT, ACME, f"Content-Encoding: {coding}", body=body)
    return Case(f"coding: {name}", sent, status, reason)


def length(name: str, value: str, status: int = 400, reason: Reason | None = None) -> Case:
    sent = head(TEXT, ACME, f"Content-Length: {value}") + CANARY.encode()
    return Case(f"length: {name}", sent, status, reason)


def framed(name: str, sent: bytes, status: int = 400, reason: Reason | None = None) -> Case:
    return Case(f"framing: {name}", sent, status, reason)


def line(first: bytes, status: int, reason: Reason | None = None) -> Case:
    sent = request(TEXT, ACME, body=CANARY.encode(), line=first)
    return Case(f"line: {first[:50].decode('latin-1')}", sent, status, reason)


def deflated(data: bytes, wbits: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, wbits)
    return packer.compress(data) + packer.flush()


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


WORD: Final = CANARY.encode()
MEMBERS: Final = members()[1:-1].decode()
ZEROS: Final = bytes(200 * MIB)
BOMBS: Final = {
    "gzip": gzip.compress(ZEROS, 1),
    "deflate": deflated(ZEROS, 15),
    "zstd": zstd.compress(ZEROS),
}


def in_a_window_of(log2: int, data: bytes) -> bytes:
    """A zstd frame whose reader must keep a window of that size: a stream, its length not told."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log2})
    return packer.compress(data) + packer.flush()


JSON_CASES: Final = [
    json_body("empty", b"", 400, Reason.MALFORMED_JSON),
    json_body("not JSON", CANARY, 400, Reason.MALFORMED_JSON),
    json_body("cut off", members()[:-1], 400, Reason.MALFORMED_JSON),
    json_body("something behind it", members() + b"{}", 400, Reason.MALFORMED_JSON),
    json_body("single quotes", members().replace(b'"', b"'"), 400, Reason.MALFORMED_JSON),
    json_body("trailing comma", "{" + MEMBERS + ",}", 400, Reason.MALFORMED_JSON),
    json_body("comment", "{/**/" + MEMBERS + "}", 400, Reason.MALFORMED_JSON),
    json_body("control character", '{"text":"a\nb","tenant_id":"a"}', 400, Reason.MALFORMED_JSON),
    json_body("bad escape", '{"text":"\\x41","tenant_id":"a"}', 400, Reason.MALFORMED_JSON),
    json_body("NaN", "{" + MEMBERS + ',"n":NaN}', 400, Reason.MALFORMED_JSON),
    json_body("-Infinity", "{" + MEMBERS + ',"n":[-Infinity]}', 400, Reason.MALFORMED_JSON),
    json_body("BOM", b"\xef\xbb\xbf" + members(), 400, Reason.MALFORMED_JSON),
    json_body("UTF-16 with BOM", members().decode().encode("utf-16"), 400, Reason.INVALID_UTF8),
    json_body("UTF-16 bare", members().decode().encode("utf-16-le"), 400, Reason.MALFORMED_JSON),
    json_body("latin-1", members().replace(b"mauve", b"m\xe4uve"), 400, Reason.INVALID_UTF8),
    json_body("array at the top", b"[" + members() + b"]", 400, Reason.NOT_AN_OBJECT),
    json_body("number at the top", "17", 400, Reason.NOT_AN_OBJECT),
    json_body("string at the top", f'"{CANARY}"', 400, Reason.NOT_AN_OBJECT),
    json_body("null at the top", "null", 400, Reason.NOT_AN_OBJECT),
    json_body("arrays 100,000 deep", "[" * 100_000, 400, Reason.JSON_TOO_COMPLEX),
    json_body("arrays 50,000 deep", "[" * 50_000 + "]" * 50_000, 400, Reason.JSON_TOO_COMPLEX),
    json_body(
        "objects 50,000 deep",
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        400,
        Reason.JSON_TOO_COMPLEX,
    ),
    json_body(
        "a million values", '{"a":[' + "1," * 1_000_000 + "1]}", 400, Reason.JSON_TOO_COMPLEX
    ),
    json_body("tenant twice", "{" + MEMBERS + ',"tenant_id":"evil"}', 400, Reason.DUPLICATE_KEY),
    json_body(
        "tenant twice, once escaped",
        "{" + MEMBERS + ',"tenant\\u005fid":"evil"}',
        400,
        Reason.DUPLICATE_KEY,
    ),
    json_body(
        "key twice, deep inside",
        "{" + MEMBERS + ',"x":[{"y":{"k":1,"k":1}}]}',
        400,
        Reason.DUPLICATE_KEY,
    ),
    json_body("text missing", members(text=None), 400, Reason.MISSING_TEXT),
    json_body("text empty", members(text=""), 400, Reason.EMPTY_TEXT),
    json_body("text a number", members(text=5), 400, Reason.INVALID_MEMBER),
    json_body("text null", '{"tenant_id":"a","text":null}', 400, Reason.INVALID_MEMBER),
    json_body("text an array", members(text=[CANARY]), 400, Reason.INVALID_MEMBER),
    json_body("tenant a boolean", members(tenant_id=True), 400, Reason.INVALID_MEMBER),
    json_body("id a number", members(log_id=17), 400, Reason.INVALID_MEMBER),
    json_body("tenant missing", members(tenant_id=None), 400, Reason.MISSING_TENANT_ID),
    json_body("tenant empty", members(tenant_id=""), 400, Reason.INVALID_TENANT_ID),
    json_body("tenant a path", members(tenant_id="a/b"), 400, Reason.INVALID_TENANT_ID),
    json_body("tenant dots", members(tenant_id=".."), 400, Reason.INVALID_TENANT_ID),
    json_body("tenant with NUL", members(tenant_id="a\0"), 400, Reason.INVALID_TENANT_ID),
    json_body("tenant with CRLF", members(tenant_id="a\r\n"), 400, Reason.INVALID_TENANT_ID),
    json_body("tenant Cyrillic", members(tenant_id="\u0430cme"), 400, Reason.INVALID_TENANT_ID),
    json_body("tenant too long", members(tenant_id="a" * 129), 400, Reason.INVALID_TENANT_ID),
    json_body("id with a space", members(log_id="a b"), 400, Reason.INVALID_LOG_ID),
    json_body("id empty", members(log_id=""), 400, Reason.INVALID_LOG_ID),
    json_body("high surrogate", members(text="x\ud800y"), 400, Reason.LONE_SURROGATE),
    json_body("low surrogate", members(text="\udc00"), 400, Reason.LONE_SURROGATE),
    json_body("pair reversed", members(text="\udc00\ud800"), 400, Reason.LONE_SURROGATE),
    json_body("surrogate in the tenant", members(tenant_id="\ud800"), 400, Reason.LONE_SURROGATE),
    json_body(
        "surrogate as bytes", b'{"tenant_id":"a","text":"\xed\xa0\x80"}', 400, Reason.INVALID_UTF8
    ),
    json_body("text of 4 MiB + 1", members(text="x" * (4 * MIB + 1)), 413, Reason.TEXT_TOO_LARGE),
    json_body("good", members(), 202),
    json_body("good, longest tenant", members(tenant_id="a" * 128), 202),
    json_body("good, id null", "{" + MEMBERS + ',"log_id":null}', 202),
    json_body("good, spaces around", b" \r\n\t" + members() + b"\n", 202),
    json_body("good, a pair of surrogates", members(text="\U0001f600"), 202),
    json_body("good, huge integer ignored", "{" + MEMBERS + ',"n":' + "9" * 100_000 + "}", 202),
    json_body("good, huge exponent ignored", "{" + MEMBERS + ',"n":1e999999999}', 202),
    json_body("good, surrogate ignored", members(other="\ud800"), 202),
]

TEXT_CASES: Final = [
    text_body("empty", b"", 400, Reason.EMPTY_TEXT),
    text_body("latin-1", WORD + b"\xe9", 400, Reason.INVALID_UTF8),
    text_body("overlong", b"\xc0\xaf", 400, Reason.INVALID_UTF8),
    text_body("surrogate", b"\xed\xb0\x80", 400, Reason.INVALID_UTF8),
    text_body("beyond U+10FFFF", b"\xf4\x90\x80\x80", 400, Reason.INVALID_UTF8),
    text_body("cut in a character", "€".encode()[:2], 400, Reason.INVALID_UTF8),
    text_body("UTF-16", CANARY.encode("utf-16"), 400, Reason.INVALID_UTF8),
    text_body("4 MiB + 1", b"x" * (4 * MIB + 1), 413, Reason.TEXT_TOO_LARGE),
    text_body("16 MiB + 1", b"x" * (16 * MIB + 1), 413, Reason.BODY_TOO_LARGE),
    text_body("good, NUL alone", b"\0", 202),
    text_body("good, BOM and CRLF", b"\xef\xbb\xbf\r\n", 202),
    text_body("good, JSON that is text", members(), 202),
]

HEADER_CASES: Final = [
    text_headers("no type", ACME, status=415, reason=Reason.MISSING_CONTENT_TYPE),
    text_headers(
        "type empty", "Content-Type:", ACME, status=415, reason=Reason.MISSING_CONTENT_TYPE
    ),
    text_headers(
        "another type",
        "Content-Type: text/html",
        ACME,
        status=415,
        reason=Reason.UNSUPPORTED_CONTENT_TYPE,
    ),
    text_headers(
        "a form",
        "Content-Type: application/x-www-form-urlencoded",
        status=415,
        reason=Reason.UNSUPPORTED_CONTENT_TYPE,
    ),
    text_headers("type twice", TEXT, JSON, ACME, reason=Reason.MALFORMED_HEADER),
    text_headers("type twice, the same", TEXT, TEXT, ACME, reason=Reason.MALFORMED_HEADER),
    *(
        text_headers(
            f"{kind}; {parameters}",
            f"Content-Type: {kind}; {parameters}",
            ACME,
            status=415,
            reason=Reason.UNSUPPORTED_CHARSET,
        )
        for kind in ("text/plain", "application/json")
        for parameters in (
            "charset=utf-16",
            "charset=latin1",
            "Charset = ISO-8859-1",
            "charset=",
            "charset=utf-8; charset=utf-8",
            "charset=utf-8; charset=utf-7",
        )
    ),
    text_headers("no tenant", TEXT, reason=Reason.MISSING_TENANT_ID),
    text_headers("tenant empty", TEXT, "X-Tenant-ID:", reason=Reason.INVALID_TENANT_ID),
    text_headers("tenant a path", TEXT, "X-Tenant-ID: ../x", reason=Reason.INVALID_TENANT_ID),
    text_headers("tenant encoded", TEXT, "X-Tenant-ID: a%2Fb", reason=Reason.INVALID_TENANT_ID),
    text_headers("two in one", TEXT, "X-Tenant-ID: a, b", reason=Reason.INVALID_TENANT_ID),
    text_headers("tenant in UTF-8", TEXT, "X-Tenant-ID: ä", reason=Reason.INVALID_TENANT_ID),
    text_headers(
        "tenant too long", TEXT, "X-Tenant-ID: " + "a" * 129, reason=Reason.INVALID_TENANT_ID
    ),
    text_headers(
        "tenant twice", TEXT, ACME, "X-Tenant-ID: evil", reason=Reason.DUPLICATE_TENANT_ID
    ),
    text_headers(
        "tenant twice, the same", TEXT, ACME, "x-tenant-id: acme", reason=Reason.DUPLICATE_TENANT_ID
    ),
    text_headers(
        "id twice", TEXT, ACME, "X-Log-ID: a", "X-LOG-ID: a", reason=Reason.DUPLICATE_LOG_ID
    ),
    text_headers("id not an id", TEXT, ACME, "X-Log-ID: -", reason=Reason.INVALID_LOG_ID),
    text_headers("id empty", TEXT, ACME, "X-Log-ID:", reason=Reason.INVALID_LOG_ID),
    text_headers("NUL", TEXT, b"X-Tenant-ID: ac\0me", status=400),
    text_headers("bare CR", TEXT, b"X-Tenant-ID: ac\rme", status=400),
    text_headers("folded", TEXT, b"X-Tenant-ID: ac\r\n me", status=400),
    text_headers("space in a name", TEXT, ACME, b"X A: v", status=400),
    text_headers("space before a colon", TEXT, b"X-Tenant-ID : acme", status=400),
    text_headers(
        "17 KB", TEXT, ACME, "X-Big: " + "v" * 17_000, status=431, reason=Reason.HEADERS_TOO_LARGE
    ),
    text_headers("2 MB", TEXT, ACME, "X-Big: " + "v" * 2_000_000, status=431),
    text_headers("101 lines", TEXT, ACME, *["X-A: b"] * 97, status=431),
    text_headers("10,000 lines", TEXT, ACME, *["X-A: b"] * 10_000, status=431),
    text_headers("good, any case", "CONTENT-TYPE: Text/PLAIN", "x-TENANT-id: acme", status=202),
    text_headers("good, charset", 'Content-Type: text/plain;CHARSET="UTF-8"', ACME, status=202),
    text_headers("good, parameters", TEXT + "; format=flowed;", ACME, status=202),
    text_headers("good, 100 lines", TEXT, ACME, *["X-A: b"] * 96, status=202),
    text_headers("good, 15 KB", TEXT, ACME, "X-Big: " + "v" * 15_000, status=202),
    text_headers("good, traceparent not one", TEXT, ACME, "traceparent: x", status=202),
    text_headers("ESC", TEXT, ACME, "X-A: x\x1b", status=400),
]

CODING_CASES: Final = [
    packed("unknown", "br", WORD, 415, Reason.UNSUPPORTED_CODING),
    packed("two", "gzip, gzip", gzip.compress(gzip.compress(WORD)), 415, Reason.UNSUPPORTED_CODING),
    packed("gzip that is not", "gzip", WORD, 400, Reason.MALFORMED_CODING),
    packed("gzip cut off", "gzip", gzip.compress(WORD)[:-1], 400, Reason.MALFORMED_CODING),
    packed("gzip of nothing", "gzip", gzip.compress(b""), 400, Reason.EMPTY_TEXT),
    packed("no gzip at all", "gzip", b"", 400, Reason.MALFORMED_CODING),
    packed("gzip, one behind it", "gzip", gzip.compress(WORD) * 2, 400, Reason.MALFORMED_CODING),
    packed(
        "gzip, wrong sum",
        "gzip",
        gzip.compress(WORD)[:-5] + b"\0" * 5,
        400,
        Reason.MALFORMED_CODING,
    ),
    *(
        packed(f"{name} bomb", name, bomb, 413, Reason.BODY_TOO_LARGE)
        for name, bomb in BOMBS.items()
    ),
    packed("gzip bomb in a bomb", "gzip", gzip.compress(BOMBS["gzip"]), 400, Reason.INVALID_UTF8),
    packed("deflate that is not", "deflate", WORD, 400, Reason.MALFORMED_CODING),
    packed("zstd that is not", "zstd", WORD, 400, Reason.MALFORMED_CODING),
    packed("zstd cut off", "zstd", zstd.compress(WORD)[:-1], 400, Reason.MALFORMED_CODING),
    packed("zstd, one behind it", "zstd", zstd.compress(WORD) * 2, 400, Reason.MALFORMED_CODING),
    packed(
        "zstd, a window of 128 MiB",
        "zstd",
        in_a_window_of(27, WORD),
        400,
        Reason.MALFORMED_CODING,
    ),
    Case(
        "coding: twice",
        request(TEXT, ACME, *["Content-Encoding: gzip"] * 2, body=gzip.compress(WORD)),
        400,
        Reason.MALFORMED_HEADER,
    ),
    packed("good, gzip", "GZip", gzip.compress(WORD), 202),
    packed("good, deflate as zlib", "deflate", deflated(WORD, 15), 202),
    packed("good, deflate raw", "deflate", deflated(WORD, -15), 202),
    packed("good, zstd", "zstd", zstd.compress(WORD), 202),
    packed("good, zstd, a window of 8 MiB", "zstd", in_a_window_of(23, WORD), 202),
    packed("good, identity", "identity", WORD, 202),
    Case(
        "coding: good, gzip of JSON",
        request(JSON, "Content-Encoding: gzip", body=gzip.compress(members())),
        202,
    ),
]

LENGTH_CASES: Final = [
    length("negative", "-1"),
    length("signed", "+17"),
    length("hexadecimal", "0x11"),
    length("empty", ""),
    length("a list", "17, 17"),
    length("23 digits", "9" * 23),
    length("2^63", str(2**63), 413, Reason.BODY_TOO_LARGE),
    length("16 MiB + 1, not sent", str(16 * MIB + 1), 413, Reason.BODY_TOO_LARGE),
    length("more than comes", "100", 408, Reason.RECEIVE_TIMEOUT),
    length("less than comes", "5", 202),
    length("leading zero", f"0{len(CANARY)}", 202),
    framed("two lengths", head(TEXT, ACME, "Content-Length: 5", "Content-Length: 6") + WORD),
    framed("neither length nor chunks", head(TEXT, ACME) + WORD, 400, Reason.EMPTY_TEXT),
    framed(
        "HTTP/1.0 without length",
        head(TEXT, ACME, line=b"POST /ingest HTTP/1.0"),
        400,
        Reason.EMPTY_TEXT,
    ),
    framed(
        "transfer coding gzip",
        head(TEXT, ACME, "Transfer-Encoding: gzip, chunked") + chunked(WORD),
        415,
        Reason.UNSUPPORTED_CODING,
    ),
    framed("transfer coding identity", head(TEXT, ACME, "Transfer-Encoding: identity") + WORD),
    framed(
        "transfer coding xchunked", head(TEXT, ACME, "Transfer-Encoding: xchunked") + chunked(WORD)
    ),
    framed(
        "transfer coding twice",
        head(TEXT, ACME, CHUNKED, CHUNKED) + chunked(WORD),
        400,
        Reason.MALFORMED_HEADER,
    ),
    framed(
        "chunks in HTTP/1.0",
        head(TEXT, ACME, CHUNKED, line=b"POST /ingest HTTP/1.0") + chunked(WORD),
    ),
    framed(
        "size of a chunk not a number",
        head(TEXT, ACME, CHUNKED) + chunked(WORD, end=b"ZZ\r\n"),
        400,
        Reason.BODY_INCOMPLETE,
    ),
    framed(
        "size of a chunk too large a number",
        head(TEXT, ACME, CHUNKED) + chunked(WORD, end=b"f" * 17 + b"\r\n"),
        400,
        Reason.BODY_INCOMPLETE,
    ),
    framed(
        "chunk longer than its size",
        head(TEXT, ACME, CHUNKED) + b"3\r\nmauve\r\n0\r\n\r\n",
        400,
        Reason.BODY_INCOMPLETE,
    ),
    framed(
        "chunks end in bare LF",
        head(TEXT, ACME, CHUNKED) + b"5\nmauve\n0\n\n",
        400,
        Reason.BODY_INCOMPLETE,
    ),
    framed(
        "chunk extension of 70 KB",
        head(TEXT, ACME, CHUNKED) + b"5;" + b"x" * 70_000,
        400,
        Reason.BODY_INCOMPLETE,
    ),
    framed(
        "200,000 chunks of one byte",
        head(TEXT, ACME, CHUNKED) + chunked(*[b"x"] * 200_000),
        400,
        Reason.BODY_FRAGMENTED,
    ),
    framed(
        "chunks, no end",
        head(TEXT, ACME, CHUNKED) + chunked(WORD, end=b""),
        408,
        Reason.RECEIVE_TIMEOUT,
    ),
    framed("good, chunks", head(TEXT, ACME, CHUNKED) + chunked(WORD, WORD), 202),
    framed(
        "good, a trailer is no header",
        head(TEXT, ACME, CHUNKED) + chunked(WORD, end=b"0\r\nX-Tenant-ID: evil\r\n\r\n"),
        202,
    ),
    framed("good, 900 chunks of one byte", head(TEXT, ACME, CHUNKED) + chunked(*[b"x"] * 900), 202),
    framed("good, two equal lengths", head(TEXT, ACME, *["Content-Length: 5"] * 2) + b"mauve", 202),
    framed("good, no Host", request(TEXT, ACME, body=WORD).replace(b"Host: x\r\n", b""), 202),
]

LINE_CASES: Final = [
    *(
        line(b"POST %s HTTP/1.1" % path, 404, Reason.NOT_FOUND)
        for path in (
            b"/",
            b"/ingest/",
            b"//ingest",
            b"/INGEST",
            b"/x/../ingest",
            b"/ingest%2F",
            b"/ingest%00",
            b"/healthz",
            b"/metrics",
            b"/openapi.json",
            b"/../../etc/passwd",
            "/é".encode(),
            b"*",
            b"ingest",
            b"http://elsewhere/x",
            b"/" + b"u" * 60_000,
        )
    ),
    line(b"GET / HTTP/1.1", 404, Reason.NOT_FOUND),
    *(
        line(b"%s /ingest HTTP/1.1" % method, 405, Reason.METHOD_NOT_ALLOWED)
        for method in (b"GET", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"post", b"BREW")
    ),
    line(b"CONNECT logs.example:443 HTTP/1.1", 404, Reason.NOT_FOUND),
    line(b"POST /" + b"u" * 100_000 + b" HTTP/1.1", 414),
    line(b"POST  /ingest HTTP/1.1", 400),
    line(b"POST /ingest HTTP/1.7", 400),
    line(b"POST /ingest", 400),
    line(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    line(b"\0\xff\xfe", 400),
    line(b"POST /ingest HTTP/1.0", 202),
    line(b"POST /ingest?a=b&c HTTP/1.1", 202),
    line(b"POST /%69ngest HTTP/1.1", 202),
    line(b"POST http://elsewhere/ingest HTTP/1.1", 202),
]

CASES: Final = JSON_CASES + TEXT_CASES + HEADER_CASES + CODING_CASES + LENGTH_CASES + LINE_CASES
