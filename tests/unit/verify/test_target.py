"""Which URLs are a gateway's."""

from __future__ import annotations

import pytest

from logweir.errors import Misconfigured
from logweir.verify.target import ingest_url


@pytest.mark.parametrize(
    "url",
    ["http://h:1", "http://h:1/", "http://h:1/ingest", "http://h:1/ingest/"],
)
def test_the_route_may_be_named_or_not(url: str) -> None:
    assert ingest_url(url) == "http://h:1/ingest"


def test_a_path_before_the_route_is_kept() -> None:
    assert ingest_url("https://h/stage") == "https://h/stage/ingest"
    assert ingest_url("http://[::1]:8080") == "http://[::1]:8080/ingest"


@pytest.mark.parametrize("url", ["", "h", "h:8080", "ftp://h", "http://", "http://h:x", "http://["])
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="URL must be like"):
        ingest_url(url)
