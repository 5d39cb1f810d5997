"""Whatever a client sends: one table of cases, each with its exact status and reason.

They go to a real gateway over a bare socket. ``None`` for a reason: the HTTP server itself answers,
with a bare status, before the application sees the request.
"""

from __future__ import annotations

import gzip
import json
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from tests.support.kept import bytes_of, query, queued, tenant_files
from tests.support.processes import Process, running
from tests.support.wire import Answer, Wire, ask, head, request, upload

from logweir.limits import MIB
from logweir.reasons import Reason

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

RECEIVE_SECONDS: Final = 2.0
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


@dataclass(slots=True)
class Target:
    """The gateway of this file, and the logs that it has accepted."""

    process: Process
    accepted: list[tuple[str, str]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.process.port

    def check(self, answer: Answer, status: int, reason: Reason | None) -> None:
        """The answer is the one expected, and well made."""
        said = answer.body.decode()
        assert (answer.status, answer.reason) == (status, reason and reason.code), said
        if status == 202:
            assert answer.json["status"] == "accepted"
            self.accepted.append((answer.json["tenant_id"], answer.json["log_id"]))
            return
        assert CANARY not in said
        if reason is None:
            assert answer.body == b""
            return
        check_problem(answer, reason)


def check_problem(answer: Answer, reason: Reason) -> None:
    """A refusal by RFC 9457, with nothing in it but what docs/api.md says."""
    problem = answer.json
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:logweir:problem:{reason.code}"
    assert (problem["title"], problem["status"]) == (reason.title, answer.status)
    assert problem["status"] == reason.status
    assert problem["detail"]
    known = {"type", "title", "status", "detail", "reason", "limit", "actual"}
    assert set(problem) <= known | {"tenant_id", "log_id"}
    assert ("retry-after" in answer.headers) == (reason.status in (429, 503))
    assert answer.headers.get("allow") == ("POST" if reason.status == 405 else None)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    data_dir = tmp_path_factory.mktemp("bad-input") / "data"
    with running("gateway", data_dir, receive_seconds_max=RECEIVE_SECONDS) as process:
        yield Target(process)


# ---- the table -------------------------------------------------------------------------------


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
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(data) + packer.flush()


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


WORD: Final = CANARY.encode()
MEMBERS: Final = members()[1:-1].decode()
BOMB: Final = gzip.compress(bytes(200 * MIB), 6)


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
    packed("gzip bomb", "gzip", BOMB, 413, Reason.BODY_TOO_LARGE),
    packed("gzip bomb in a bomb", "gzip", gzip.compress(BOMB), 400, Reason.INVALID_UTF8),
    packed("deflate that is not", "deflate", WORD, 400, Reason.MALFORMED_CODING),
    packed("deflate bomb", "deflate", deflated(bytes(64 * MIB), 15), 413, Reason.BODY_TOO_LARGE),
    packed("zstd that is not", "zstd", WORD, 400, Reason.MALFORMED_CODING),
    packed("zstd cut off", "zstd", zstd.compress(WORD)[:-1], 400, Reason.MALFORMED_CODING),
    packed("zstd, one behind it", "zstd", zstd.compress(WORD) * 2, 400, Reason.MALFORMED_CODING),
    packed("zstd bomb", "zstd", zstd.compress(bytes(200 * MIB)), 413, Reason.BODY_TOO_LARGE),
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

ALL: Final = JSON_CASES + TEXT_CASES + HEADER_CASES + CODING_CASES + LENGTH_CASES + LINE_CASES


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in ALL])
def test_a_request_is_answered_as_the_table_says(target: Target, case: Case) -> None:
    answer = ask(target.port, case.sent)
    assert answer is not None, "the connection ended without an answer"
    target.check(answer, case.status, case.reason)


# ---- what takes more than one piece ----------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(head(TEXT, ACME, "Content-Length: 100") + WORD, id="in the text"),
        pytest.param(head(TEXT, ACME, "Content-Length: 100"), id="before the text"),
        pytest.param(head(TEXT, ACME, CHUNKED) + b"ff\r\n" + WORD, id="in a chunk"),
        pytest.param(head(TEXT, ACME, CHUNKED) + chunked(WORD, end=b""), id="between chunks"),
        pytest.param(head(TEXT, ACME, CHUNKED) + chunked(WORD, end=b"0\r\n"), id="in the end"),
        pytest.param(
            head(JSON, "Content-Length: 200") + members(), id="after what would do as JSON"
        ),
    ],
)
class TestABodyThatBreaksOff:
    def test_half_closed_it_is_refused(self, target: Target, sent: bytes) -> None:
        with Wire(target.port) as wire:
            wire.send(sent)
            wire.half_close()
            answer = wire.answer()
        assert answer is not None
        target.check(answer, 400, Reason.BODY_INCOMPLETE)

    def test_closed_or_reset_it_leaves_nothing(self, target: Target, sent: bytes) -> None:
        # The last test of this file looks for what they may have left.
        with Wire(target.port) as wire:
            wire.send(sent)
        wire = Wire(target.port)
        wire.send(sent)
        wire.reset()
        target.check(upload(target.port, "acme", CANARY), 202, None)


def test_a_whole_request_behind_which_the_client_half_closes_is_kept_or_refused_never_broken(
    target: Target,
) -> None:
    # The HTTP server gives up on such a client while the broker writes. It cannot know then.
    with Wire(target.port) as wire:
        wire.send(request(TEXT, ACME, "X-Log-ID: half-closed", body=WORD))
        wire.half_close()
        answer = wire.answer()
    assert answer is None or answer.status == 202
    target.check(upload(target.port, "acme", CANARY, "half-closed"), 202, None)


def test_endless_chunks_end_with_413_and_the_connection(target: Target) -> None:
    before = peak_memory_mib(target)
    chunk = chunked(b"x" * 65536, end=b"")
    with Wire(target.port) as wire:
        wire.send(head(TEXT, ACME, CHUNKED))
        sent = 0
        while wire.send(chunk):  # until the gateway listens no more
            sent += len(chunk)
            assert sent < 64 * MIB, "it takes in anything"
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 413, Reason.BODY_TOO_LARGE)
        assert wire.has_ended(2)
        assert wire.received == b""
    assert peak_memory_mib(target) - before < 64


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_bomb_takes_no_more_memory_than_the_limit_allows(target: Target, coding: str) -> None:
    bomb = {
        "gzip": BOMB,
        "deflate": deflated(bytes(200 * MIB), 15),
        "zstd": zstd.compress(bytes(200 * MIB)),
    }[coding]
    before = peak_memory_mib(target)
    for _ in range(3):
        answer = ask(target.port, request(TEXT, ACME, f"Content-Encoding: {coding}", body=bomb))
        assert answer is not None
        target.check(answer, 413, Reason.BODY_TOO_LARGE)
    assert peak_memory_mib(target) - before < 64


def test_a_body_that_trickles_is_cut_off_in_time(target: Target) -> None:
    started = time.monotonic()
    with Wire(target.port) as wire:
        wire.send(head(TEXT, ACME, "Content-Length: 100"))
        while wire.send(b"x") and not wire.has_ended(0.2):
            pass
        answer = wire.answer()
    assert answer is not None
    target.check(answer, 408, Reason.RECEIVE_TIMEOUT)
    assert RECEIVE_SECONDS * 0.9 < time.monotonic() - started < RECEIVE_SECONDS + 1.5


def test_headers_that_trickle_are_cut_off(target: Target) -> None:
    """Ten seconds for the headers, however they come; the server ends the connection."""
    half = b"POST /ingest HTTP/1.1\r\nHost: x\r\nX-A: "
    drips = {
        "nothing at all": (b"", b""),
        "half a line": (b"POST /in", b""),
        "a header byte by byte": (half, b"a"),
        "header by header": (half + b"a\r\n", b"X-A: b\r\n"),
        "nothing after an answer": (request(TEXT, ACME, body=b""), b""),
        "a second request byte by byte": (request(TEXT, ACME, body=b"") + half, b"a"),
    }
    seconds: dict[str, float] = {}

    def drip(name: str, first: bytes, more: bytes) -> None:
        started = time.monotonic()
        with Wire(target.port) as wire:
            wire.send(first)
            while time.monotonic() - started < 20 and wire.send(more) and not wire.has_ended(0.5):
                pass
        seconds[name] = time.monotonic() - started

    threads = [threading.Thread(target=drip, args=(name, *d)) for name, d in drips.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print({name: round(s, 1) for name, s in seconds.items()})
    assert {name for name, s in seconds.items() if s > 13} == set()
    assert min(seconds.values()) > 8, "a client on a slow line needs some time"


def test_requests_in_one_connection_are_answered_one_by_one(target: Target) -> None:
    with Wire(target.port) as wire:
        wire.send(
            request(TEXT, ACME, "X-Log-ID: first", body=WORD)
            + request(TEXT, body=WORD)
            + head(TEXT, ACME, CHUNKED, "X-Log-ID: third")
            + chunked(WORD)
        )
        for status, reason, log in (
            (202, None, "first"),
            (400, Reason.MISSING_TENANT_ID, None),
            (202, None, "third"),
        ):
            answer = wire.answer()
            assert answer is not None
            target.check(answer, status, reason)
            assert answer.json.get("log_id") == log


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_a_body_that_was_refused_unread_is_not_the_next_request(
    target: Target, pause: float
) -> None:
    inner = request(TEXT, "X-Tenant-ID: smuggled", body=WORD)
    with Wire(target.port) as wire:
        wire.send(head(ACME, f"Content-Length: {len(inner)}"), inner, pause=pause)
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 415, Reason.MISSING_CONTENT_TYPE)
        wire.has_ended(0.3)
        assert wire.received == b""


@pytest.mark.parametrize(
    "framing", [(CHUNKED, "Content-Length: 5"), ("Content-Length: 5", CHUNKED)]
)
def test_length_and_chunks_at_once_are_read_as_chunks_and_end_the_connection(
    target: Target, framing: tuple[str, str]
) -> None:
    # RFC 9112, 6.1: the chunks count, and the connection ends, so that nothing can follow them.
    inner = request(TEXT, "X-Tenant-ID: smuggled", body=WORD)
    with Wire(target.port) as wire:
        wire.send(head(TEXT, ACME, *framing) + chunked(WORD) + inner)
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 202, None)
        assert wire.has_ended(2)
        assert wire.received == b""


def test_a_client_that_expects_100_gets_it_or_the_refusal(target: Target) -> None:
    with Wire(target.port) as wire:
        wire.send(head(TEXT, ACME, "Expect: 100-continue", f"Content-Length: {len(WORD)}"))
        go_on = wire.answer()
        assert go_on is not None
        assert go_on.status == 100
        wire.send(WORD)
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 202, None)
    for headers, status, reason in (
        ((TEXT, ACME, f"Content-Length: {17 * MIB}"), 413, Reason.BODY_TOO_LARGE),
        ((TEXT, "Content-Length: 5"), 400, Reason.MISSING_TENANT_ID),
    ):
        answer = ask(target.port, head("Expect: 100-continue", *headers))
        assert answer is not None
        target.check(answer, status, reason)


@pytest.mark.parametrize(
    "upgrade",
    [
        ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"),
        ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        ("Upgrade: TLS/1.2", "Connection: Upgrade", "X-A: b"),
    ],
    ids=["h2c", "websocket", "TLS"],
)
def test_an_upgrade_is_not_made_and_the_text_is_whole(
    target: Target, upgrade: tuple[str, str, str]
) -> None:
    text = CANARY * 1000
    with Wire(target.port) as wire:
        wire.send(request(TEXT, ACME, *upgrade, body=text.encode()))
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 202, None)
        wire.send(request(TEXT, ACME, body=WORD))
        second = wire.answer()
        assert second is not None
        target.check(second, 202, None)
    log = answer.json["log_id"]
    ((envelope,),) = query(
        target.process.data_dir / "broker.sqlite3",
        "SELECT envelope FROM messages WHERE log = ?",
        [log],
    )
    assert envelope.endswith(b"\n\n" + text.encode())


def test_http2_without_asking_ends_the_connection(target: Target) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    assert ask(target.port, preface) is None


def test_head_is_refused_without_a_body(target: Target) -> None:
    with Wire(target.port) as wire:
        wire.send(head(line=b"HEAD /ingest HTTP/1.1"))
        answer = wire.answer(of_head=True)
        assert answer is not None
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        wire.send(request(TEXT, ACME, body=WORD))
        second = wire.answer()
        assert second is not None
        target.check(second, 202, None)


# ---- after all of them -----------------------------------------------------------------------


def test_what_was_refused_left_nothing_behind(target: Target) -> None:
    """Last in this file: the files hold what was answered 202, and nothing else."""
    target.check(upload(target.port, "acme", CANARY), 202, None)
    data_dir = target.process.data_dir
    kept = queued(data_dir)
    assert sorted(set(kept)) == sorted(set(target.accepted))
    assert len(kept) - len(target.accepted) in (0, 1)  # the one behind which the client half-closed
    assert query(data_dir / "broker.sqlite3", "SELECT * FROM quarantine") == []
    assert tenant_files(data_dir) == []
    assert b"evil" not in bytes_of(data_dir).replace(CANARY.encode(), b"")
    assert b"smuggled" not in bytes_of(data_dir)
    assert CANARY not in target.process.stderr


def peak_memory_mib(target: Target) -> int:
    """The most that the gateway has had in memory so far."""
    status = Path(f"/proc/{target.process.pid}/status")
    if not status.exists():
        pytest.skip("the memory of another process is read from /proc, which is Linux's")
    (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) // 1024
