"""The URL that logs are posted to."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from logweir.errors import Misconfigured

ROUTE: Final = "/ingest"


def ingest_url(url: str) -> str:
    """The address of the route, for a gateway's address or that of the route itself.

    Raises Misconfigured where it is no HTTP URL.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        valid = False
    if not valid:
        raise Misconfigured(f"URL must be like http://127.0.0.1:8080, and is {url!r}")
    return url.rstrip("/").removesuffix(ROUTE) + ROUTE
