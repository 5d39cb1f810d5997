"""Google's emulators for a measurement, found by whatever is started meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from scripts import emulators
from scripts.emulators import GOOGLES, NotInstalled

from bench.processes import free_port

TOPIC = "logweir-logs"


@contextmanager
def running() -> Iterator[None]:
    """Both, in our environment. Raises NotInstalled where they or the extra are missing."""
    try:
        installed = find_spec("google.cloud.pubsub_v1") is not None
    except ModuleNotFoundError:
        installed = False
    if not installed:
        raise NotInstalled("the extra logweir[gcp] is not installed")
    addresses = {variable: f"127.0.0.1:{free_port()}" for variable in GOOGLES}
    before = dict(os.environ)
    with emulators.running(addresses):
        os.environ.update(addresses)
        try:
            yield
        finally:
            for variable in addresses:
                os.environ.pop(variable)
            os.environ.update({name: before[name] for name in addresses if name in before})


def make_topic(project: str) -> str:
    """The full name of a gateway's topic. It has no subscription: the emulator keeps nothing."""
    from google.cloud.pubsub_v1 import PublisherClient  # type: ignore[import-untyped]

    client = PublisherClient()
    name: str = client.topic_path(project, TOPIC)
    client.create_topic(name=name)
    client.stop()
    return name
