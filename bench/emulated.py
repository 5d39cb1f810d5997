"""The clouds' emulators for a measurement, found by whatever is started meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from scripts import emulators
from scripts.emulators import GOOGLES, MINISTACK, NotInstalled

from bench.processes import free_port
from logweir.bootstrap import open_ports
from logweir.settings import load

TOPIC = "logweir-logs"


@contextmanager
def running() -> Iterator[None]:
    """Google's two, in our environment. Raises NotInstalled where they or the extra are missing."""
    _need("google.cloud.pubsub_v1", "gcp")
    with _in_our_environment({variable: f"127.0.0.1:{free_port()}" for variable in GOOGLES}):
        yield


@contextmanager
def running_aws(**settings: str) -> Iterator[dict[str, str]]:
    """ministack, in our environment, with queues and table; the variables of a function there.

    Raises NotInstalled where it or the extra is missing.
    """
    _need("botocore", "aws")
    (variable,) = MINISTACK
    endpoint = f"http://127.0.0.1:{free_port()}"
    with _in_our_environment({variable: endpoint}):
        variables = {
            "LOGWEIR_BACKEND": "aws",
            "LOGWEIR_AWS_QUEUE_URL": f"{endpoint}/000000000000",  # its account
            **{f"LOGWEIR_{name.upper()}": value for name, value in settings.items()},
        }
        asyncio.run(_provision({**variables, variable: endpoint}))
        yield variables


async def _provision(variables: dict[str, str]) -> None:
    async with open_ports(load(variables)) as ports:
        await ports.provision(None)


def _need(module: str, extra: str) -> None:
    try:
        installed = find_spec(module) is not None
    except ModuleNotFoundError:
        installed = False
    if not installed:
        raise NotInstalled(f"the extra logweir[{extra}] is not installed")


@contextmanager
def _in_our_environment(addresses: dict[str, str]) -> Iterator[None]:
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
