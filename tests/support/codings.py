"""Content codings by other means than ours: a packer and a reader for each name."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def pack(coding: str, body: bytes) -> bytes:
    """As the coding wants it; fast rather than small, and equal for equal bodies."""
    return _PACK[coding](body)


def unpack(coding: str, body: bytes) -> bytes:
    """What was packed. Raises ValueError where it is not of that coding."""
    try:
        return _UNPACK[coding](body)
    except (EOFError, OSError, zlib.error, zstd.ZstdError) as error:
        raise ValueError(f"no {coding}: {error}") from error


def _inflate(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return zlib.decompress(body, -zlib.MAX_WBITS)  # some clients send the bare stream


_PACK: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "identity": bytes,
    "gzip": lambda body: gzip.compress(body, 1, mtime=0),
    "deflate": lambda body: zlib.compress(body, 1),
    "zstd": lambda body: zstd.compress(body, 1),
}
_UNPACK: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "deflate": _inflate,
    "zstd": zstd.decompress,
}
CODINGS: Final = tuple(_PACK)
