"""The embedded worker: claim, consume many side by side, heartbeat, settle, drain on SIGTERM."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, assert_never

import structlog

from logweir.bootstrap import closing_work, consumer, open_ports
from logweir.entrypoints.logs import blame
from logweir.entrypoints.process import Stop, pause
from logweir.errors import BrokerUnavailable, LeaseLost
from logweir.limits import Limits
from logweir.pipeline.consume import Ack, Consumer, Retry, Verdict
from logweir.pipeline.source import Session
from logweir.settings import Settings

_log = structlog.get_logger()

POLL_SECONDS: Final = 0.02
_OUTAGE_SECONDS: Final = 0.5  # between two tries while the broker does not answer


async def serve_worker(settings: Settings, on_stop: Stop) -> None:
    """Work until stopped. Raises Misconfigured."""
    async with open_ports(settings) as ports:
        with closing_work(settings, ports.clock) as work:
            worker = Worker(
                ports.session,
                consumer(settings, ports, work),
                settings.limits,
                settings.concurrency,
            )
            on_stop(worker.stop)
            await worker.run()


class Worker:
    """Works on up to ``concurrency`` deliveries at once, of a bounded size in memory."""

    def __init__(
        self,
        begin_session: Callable[[], Awaitable[Session]],
        consumer: Consumer,
        limits: Limits,
        concurrency: int,
    ) -> None:
        self._begin_session = begin_session
        self._consumer = consumer
        self._limits = limits
        self._concurrency = concurrency
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self._unsettled = False

    def stop(self) -> None:
        """Claim nothing more; finish what ends within the drain time, and hand back the rest."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until ``stop``. A lease that is lost ends what is in work, and a new one begins."""
        while not self._stopping.is_set():
            try:
                session = await self._begin_session()
            except BrokerUnavailable as error:
                _log.warning("broker_unavailable", error=str(error))
                await pause(self._stopping, _OUTAGE_SECONDS)
                continue
            try:
                await self._run_session(session)
            except (LeaseLost, BrokerUnavailable) as error:
                # Who has the logs by now, if anyone, will find what is stored already.
                event = "lease_lost" if isinstance(error, LeaseLost) else "broker_unavailable"
                _log.warning(event, error=str(error), dropped=len(self._tasks))
                await self._cancel()
                await self._hand_back(session)

    async def _hand_back(self, session: Session) -> None:
        # This worker lives: what it still holds has seen no death.
        try:
            await session.end()
        except BrokerUnavailable as error:
            _log.warning("broker_unavailable", error=str(error))

    async def _run_session(self, session: Session) -> None:
        heartbeat = asyncio.create_task(self._heartbeat(session))
        try:
            while not self._stopping.is_set():
                if heartbeat.done():
                    heartbeat.result()  # raises LeaseLost
                if self._unsettled:
                    self._unsettled = False
                    raise LeaseLost("a message could be neither acknowledged nor delayed")
                await self._claim(session)
            await self._drain(heartbeat)
            await session.end()
        finally:
            heartbeat.cancel()

    async def _claim(self, session: Session) -> None:
        try:
            claims = await session.claim(
                self._concurrency - len(self._tasks),
                self._limits.in_flight_bytes_max - self._bytes,
                len(self._tasks),
            )
        except BrokerUnavailable as error:
            _log.warning("broker_unavailable", error=str(error))
            await pause(self._stopping, _OUTAGE_SECONDS)
            return
        for claim in claims:
            self._bytes += claim.weight_bytes
            task = asyncio.create_task(self._work(session, claim))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not claims:
            await pause(self._stopping, POLL_SECONDS)

    async def _work(self, session: Session, claim: Any) -> None:
        try:
            await self._settle(session, claim, await self._verdict(claim))
        except LeaseLost:
            pass  # the heartbeat notices it too, and ends the session
        except Exception as error:  # noqa: BLE001
            _log.error("settle_failed", **blame(error))
            self._unsettled = True  # a session that goes on would hold the message for ever
        finally:
            self._bytes -= claim.weight_bytes

    async def _verdict(self, claim: Any) -> Verdict:
        try:
            return await self._consumer.consume(claim.delivery)
        except Exception as error:  # noqa: BLE001
            # A bug in a back end: keep the log and the worker.
            _log.error("consume_failed", **blame(error))
            return Retry(_OUTAGE_SECONDS)

    async def _settle(self, session: Session, claim: Any, verdict: Verdict) -> None:
        while True:
            try:
                match verdict:
                    case Ack():
                        await session.acknowledge(claim)
                    case Retry(after_seconds):
                        await session.delay(claim, after_seconds)
                    case _:
                        assert_never(verdict)
            except BrokerUnavailable:
                await asyncio.sleep(_OUTAGE_SECONDS)
            else:
                return

    async def _heartbeat(self, session: Session) -> None:
        while True:
            await asyncio.sleep(self._limits.heartbeat_seconds)
            try:
                await session.heartbeat()
            except BrokerUnavailable as error:
                _log.warning("broker_unavailable", error=str(error))

    async def _drain(self, heartbeat: asyncio.Task[None]) -> None:
        if self._tasks:
            _log.info("draining", in_flight=len(self._tasks))
            await asyncio.wait(self._tasks, timeout=self._limits.drain_seconds)
        if heartbeat.done():
            heartbeat.result()
        handed_back = len(self._tasks)
        await self._cancel()
        _log.info("drained", handed_back=handed_back)

    async def _cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
