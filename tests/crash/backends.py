"""The sites of each back end, by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from tests.crash.embedded import embedded
from tests.crash.kills import SHORT_WORK
from tests.crash.site import Site


class Backend(StrEnum):
    """Where storms take place."""

    EMBEDDED = "embedded"
    GCP = "gcp"  # on Google's emulators
    AWS = "aws"  # on ministack


@contextmanager
def opened(backend: Backend, directory: Path, seed: int) -> Iterator[Site]:
    """A site that nobody has used. Four seeds in a row have all kinds of embedded ones."""
    if backend is Backend.EMBEDDED:
        workers, witness = 1 + seed % 2, seed // 2 % 2 == 1
        yield embedded(directory, SHORT_WORK, workers=workers, witness=witness)
        return
    # Not before they are asked for: their libraries are extras.
    from tests.crash.clouds import pushed, served
    from tests.support.cloud import amazon, google

    directory.mkdir(parents=True, exist_ok=True)
    with emulators_of(backend) as addresses:
        if backend is Backend.GCP:
            yield pushed(google(addresses, directory))
        else:
            yield served(amazon(addresses, directory))


@contextmanager
def emulators_of(backend: Backend) -> Iterator[Mapping[str, str]]:
    """Those that their variables name, as by scripts/emulators.py; else others, meanwhile."""
    from scripts import emulators
    from tests.support.processes import free_port

    usual = emulators.GOOGLES if backend is Backend.GCP else emulators.MINISTACK
    scheme = "" if backend is Backend.GCP else "http://"
    addresses = {name: os.environ.get(name) or f"{scheme}127.0.0.1:{free_port()}" for name in usual}
    with emulators.running(addresses) as running:
        yield running
