"""Each test of this suite runs on each cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.support.cloud import AnyCloud, amazon, google
from tests.support.functions import deployed
from tests.support.site import Site

_Make = Callable[[Mapping[str, str], Path], AnyCloud]
_CLOUDS: Final[dict[str, tuple[_Make, str]]] = {
    "gcp": (google, "emulators"),
    "aws": (amazon, "ministack"),
}
_FUNCTIONS: Final = "functions"


@pytest.fixture(scope="module", params=_CLOUDS)
def new_cloud(request: pytest.FixtureRequest) -> Callable[[Path], AnyCloud]:
    """Makes one that nobody has used, whose files lie in a folder."""
    make, emulators = _CLOUDS[request.param]
    addresses: Mapping[str, str] = request.getfixturevalue(emulators)
    return lambda home: make(addresses, home)


@pytest.fixture(scope="module", params=[*_CLOUDS, pytest.param(_FUNCTIONS, marks=pytest.mark.slow)])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Where logs go in; one for all tests of a module."""
    home = tmp_path_factory.mktemp("site")
    if request.param == _FUNCTIONS:
        opening = functions(request.getfixturevalue("ministack"), home)
    else:
        make, emulators = _CLOUDS[request.param]
        opening = service(make(request.getfixturevalue(emulators), home))
    with opening as opened:
        yield opened


@contextmanager
def service(cloud: AnyCloud) -> Iterator[Site]:
    """``logweir serve``."""
    chunk_characters, seconds = 10_000, 1e-5
    work = {"seconds_per_character": seconds, "chunk_seconds": chunk_characters * seconds}
    with cloud.running("serve", **work) as process:
        url = f"http://127.0.0.1:{process.port}/ingest"
        yield Site(cloud, url, chunk_characters, cloud.events)


@contextmanager
def functions(addresses: Mapping[str, str], home: Path) -> Iterator[Site]:
    """AWS's template; no chunk of its is shorter than a second."""
    work = {"SecondsPerCharacter": "0.00005", "ChunkSeconds": "1"}
    with deployed(addresses, home, **work) as lambdas:
        yield Site(lambdas.cloud, lambdas.url, 20_000, lambdas.events)
