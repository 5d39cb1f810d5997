"""The composition root: Settings -> ports. The only package that names back ends.

gateway  ->  Admission, Planner                 accepts, and hands over
worker   ->  Consumer, and a maker of sessions  claims, and consumes
push     ->  Consumer                           is called, and consumes
commands ->  Reader, BacklogReader, Planner     look, and publish again

A back end's module is imported when it is asked for: an SDK costs a cold start half a second. So
are the consumer and its work: a gateway has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TYPE_CHECKING, assert_never

from logweir.bootstrap.ports import Ports as Ports
from logweir.bootstrap.ports import longest_chunk
from logweir.clock import Clock
from logweir.errors import Misconfigured
from logweir.pipeline.admission import Admission
from logweir.pipeline.broker import Lane, Publisher
from logweir.pipeline.plan import Planner
from logweir.pipeline.store import Store
from logweir.settings import Backend, Settings

if TYPE_CHECKING:
    from logweir.pipeline.consume import Consumer
    from logweir.pipeline.work import Work


def open_ports(settings: Settings, *, create: bool = True) -> AbstractAsyncContextManager[Ports]:
    """The back end that the settings name; closed on leaving. Raises Misconfigured.

    Without ``create`` it must have data: who only looks makes none.
    """
    match settings.backend:
        case Backend.LOCAL:
            from logweir.bootstrap.local import open_local

            return open_local(settings, create=create)
        case Backend.GCP:
            with _extra(settings.backend):
                from logweir.bootstrap.gcp import open_gcp
            return open_gcp(settings)
        case Backend.AWS:
            with _extra(settings.backend):
                from logweir.bootstrap.aws import open_aws
            return open_aws(settings)
        case _:
            assert_never(settings.backend)


@contextmanager
def _extra(backend: Backend) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("logweir"):
            raise  # a bug
        raise Misconfigured(
            f"LOGWEIR_BACKEND, --backend: {backend} needs the extra: pip install"
            f" 'logweir[{backend}]' (there is no module {error.name})"
        ) from error


def subscriptions(settings: Settings) -> tuple[list[str], str]:
    """Full names of what pushes to us on Google Cloud: the lanes, and what was given up."""
    from logweir.backends.gcp.names import Names

    names = Names.of(settings)
    return [names.subscription(names.lane(lane)) for lane in Lane], names.subscription(names.dead)


def planner(settings: Settings, store: Store, publisher: Publisher) -> Planner:
    """What cuts long texts, by the settings and by what the broker can hold."""
    return Planner(store, publisher, longest_chunk(settings, publisher))


def admission(settings: Settings, ports: Ports) -> Admission:
    """The bounds on unfinished work, of one gateway."""
    chunk = longest_chunk(settings, ports.publisher)
    return Admission(ports.ledger, ports.clock, settings.limits, chunk)


def consumer(settings: Settings, ports: Ports, work: Work) -> Consumer:
    """What becomes of deliveries. Raises Misconfigured where the file of redaction is wrong."""
    from logweir.bootstrap.redaction import redactors_of_worker
    from logweir.pipeline.consume import Consumer

    return Consumer(
        store=ports.store,
        publisher=ports.publisher,
        planner=planner(settings, ports.store, ports.publisher),
        work=work,
        clock=ports.clock,
        limits=settings.limits,
        redactors=redactors_of_worker(settings),
        deaths=ports.deaths,
    )


@contextmanager
def closing_work(settings: Settings, clock: Clock) -> Iterator[Work]:
    """The simulated job, or the user's function. Raises Misconfigured where there is none."""
    from logweir.pipeline.work import PooledWork, SimulatedWork

    if settings.work is None:
        yield SimulatedWork(clock, settings.seconds_per_character)
        return
    work = PooledWork(settings.work)
    try:
        yield work
    finally:
        work.close()
