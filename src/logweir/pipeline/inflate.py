"""Content codings: a body as it was sent -> the body, never longer than its limit."""

from __future__ import annotations

import zlib
from enum import Enum

from logweir.errors import Rejection
from logweir.reasons import Reason


class Coding(Enum):
    """What Content-Encoding may name."""

    IDENTITY = "identity"
    GZIP = "gzip"
    DEFLATE = "deflate"
    ZSTD = "zstd"


def inflate(body: bytes, coding: Coding, bytes_max: int) -> bytes:
    """The body that ``coding`` packed: one stream, whole, with nothing behind it.

    At most ``bytes_max`` bytes are ever made of it. Raises Rejection.
    """
    match coding:
        case Coding.IDENTITY:
            return body
        case Coding.GZIP:
            return _zlib(body, 16 + zlib.MAX_WBITS, bytes_max)
        case Coding.DEFLATE:
            # RFC 9110 means the zlib format by it, but some clients send the bare stream.
            is_zlib = (
                len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
            )
            return _zlib(body, zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS, bytes_max)
        case Coding.ZSTD:
            return _zstd(body, bytes_max)


def _zlib(body: bytes, wbits: int, bytes_max: int) -> bytes:
    stream = zlib.decompressobj(wbits)
    try:
        inflated = stream.decompress(body, bytes_max + 1)
    except zlib.error:
        raise _malformed() from None
    return _whole(inflated, bytes_max, ended=stream.eof and not stream.unused_data)


def _zstd(body: bytes, bytes_max: int) -> bytes:
    # Imported here: most requests are not packed, and a function on a cloud starts faster without.
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ImportError:  # before Python 3.14
        from backports import zstd

    # A frame may ask for a window as large as it likes; the window is memory.
    options = {zstd.DecompressionParameter.window_log_max: 24}
    stream = zstd.ZstdDecompressor(options=options)
    try:
        inflated = stream.decompress(body, bytes_max + 1)
    except zstd.ZstdError:
        raise _malformed() from None
    return _whole(inflated, bytes_max, ended=stream.eof and not stream.unused_data)


def _whole(inflated: bytes, bytes_max: int, *, ended: bool) -> bytes:
    if len(inflated) > bytes_max:
        raise Rejection(
            Reason.BODY_TOO_LARGE,
            "The inflated body is larger than the limit in bytes. Split the log.",
            limit=bytes_max,
            actual=len(inflated),
        )
    if not ended:
        raise _malformed()
    return inflated


def _malformed() -> Rejection:
    return Rejection(
        Reason.MALFORMED_CODING, "Send one whole stream of the coding that Content-Encoding names."
    )
