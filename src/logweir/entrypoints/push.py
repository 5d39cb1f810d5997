"""Pub/Sub's push as an ASGI application: one route, POST /, a message in, a status out.

headers ──from our subscription's account?──▶ body, by limits, deadline and budget ──┐
   └── 404 405 413 429 ──── 401 403 ────────────────── 408 413 503 ──────────────────┤
                                                                                     ▼
       204 ◀── ACK ── consume ◀── Delivery ◀── of one of our subscriptions? ◀── Pub/Sub's JSON?
       503 ◀── RETRY ────┘                               └── 400                      └── 400

Pub/Sub takes 204 for an acknowledgement. After anything else it delivers the message again, with
backoff, and slows the whole subscription down: so nothing that a message can be is answered so.
What is answered 400 was not ours, and nothing of ours is lost with it.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, assert_never

import structlog

from logweir.bootstrap import Ports, closing_work, consumer, open_ports, subscriptions
from logweir.clock import Clock
from logweir.entrypoints.budget import Budget
from logweir.entrypoints.http import Header, Intake, Message, Receive, Send, send_answer
from logweir.entrypoints.logs import blame
from logweir.entrypoints.oidc import Certificates, TokenCheck, Untrusted
from logweir.entrypoints.process import Stop
from logweir.entrypoints.pushed import NotPubSubs, Pushed, read_pushed
from logweir.entrypoints.server import bind, leave, serve
from logweir.errors import Misconfigured, Rejection, Unavailable
from logweir.limits import MIB, Limits
from logweir.pipeline.accept import body_too_large
from logweir.pipeline.broker import Delivery, weight_of
from logweir.pipeline.consume import Ack, Consumer, Retry
from logweir.settings import Backend, PushAuth, Settings

_log = structlog.get_logger()

ROUTE: Final = "/"
_BODY_BYTES_MAX: Final = 16 * MIB  # 10 MB of message in base64, and its attributes
_THREAD_BYTES: Final = 64 * 1024  # a larger body is read beside the loop, so that others go on
_LARGE_MAX: Final = 4  # such bodies at once: each is there three times while it is read
_MEMORY_WAIT_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 1.0
# A push is answered within the longest acknowledgement deadline, 600 s, or delivered again. What a
# chunk's own work leaves of that is for waiting, for the store, and for the end of a long text.
CHUNK_SECONDS_MAX: Final = 500

Check = Callable[[Iterable[Header]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A bare status: Pub/Sub reads nothing else."""

    status: int
    headers: tuple[Header, ...] = ()


def _again(status: int, after_seconds: float) -> Answer:
    return Answer(status, ((b"retry-after", b"%d" % max(1, math.ceil(after_seconds))),))


_ACKNOWLEDGED: Final = Answer(204)
_NOT_FOUND: Final = Answer(404)
_NOT_ALLOWED: Final = Answer(405, ((b"allow", b"POST"),))
_OVERLOADED: Final = _again(429, _RETRY_SECONDS)
_UNAVAILABLE: Final = _again(503, _RETRY_SECONDS)


class Push:
    """The application. ``counts`` has the answers since the start, by status."""

    def __init__(
        self,
        consumer: Consumer,
        *,
        lanes: Collection[str],
        dead: str,
        check: Check | None,
        limits: Limits,
        concurrency: int,
    ) -> None:
        """``lanes``, ``dead``: full names of the subscriptions. Only inside of a loop."""
        self._consumer = consumer
        self._subscriptions = frozenset((*lanes, dead))
        self._dead = dead
        self._check = check
        # Not the gateway's: a smaller text_bytes_max must not keep out what was accepted before.
        self._limits = replace(limits, body_bytes_max=_BODY_BYTES_MAX)
        self._concurrency = concurrency
        self._intake = Intake(self._limits)
        self._memory = Budget(limits.in_flight_bytes_max, _MEMORY_WAIT_SECONDS)
        self._large = asyncio.Semaphore(_LARGE_MAX)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._given_up = False
        self.counts: Counter[str] = Counter()

    def give_up(self) -> None:
        """Answer all that is under way with 503: Pub/Sub delivers it again, to another worker."""
        _log.info("drained", handed_back=len(self._tasks))
        self._given_up = True
        for task in self._tasks:
            task.cancel()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it holds."""
        if scope["type"] != "http":
            raise ValueError(f"no {scope['type']} here")
        async with self._cancellable() as task:
            try:
                answer = await self._answer(scope, receive)
            except asyncio.CancelledError:
                if not self._given_up:
                    raise
                task.uncancel()
                answer = _UNAVAILABLE
        self.counts[str(answer.status)] += 1
        await send_answer(send, answer.status, b"", *answer.headers)

    @asynccontextmanager
    async def _cancellable(self) -> AsyncIterator[asyncio.Task[Any]]:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a push is a task")
        self._tasks.add(task)
        try:
            yield task
        finally:
            self._tasks.discard(task)

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        if scope["path"] != ROUTE:
            return _NOT_FOUND
        if scope["method"] != "POST":
            return _NOT_ALLOWED
        if len(self._tasks) > self._concurrency:
            return _OVERLOADED
        try:
            if self._check is not None:
                await self._check(scope["headers"])
            return await self._take(_content_length(scope["headers"]), receive)
        except Untrusted as error:
            _log.warning("push_untrusted", reason=str(error))
            return Answer(error.status)
        except NotPubSubs as error:
            _log.error("push_refused", reason=str(error))
            return Answer(400)
        except Rejection as rejection:
            _log.warning("push_refused", reason=rejection.reason.code)
            return Answer(rejection.reason.status)
        except Unavailable as error:
            _log.warning("push_unavailable", error=str(error))
            return _UNAVAILABLE
        except Exception as error:  # noqa: BLE001  # a bug: keep the log and the worker
            _log.error("push_failed", **blame(error))
            return _UNAVAILABLE

    async def _take(self, content_length: int | None, receive: Receive) -> Answer:
        size = _BODY_BYTES_MAX if content_length is None else content_length
        if size > _BODY_BYTES_MAX:
            raise body_too_large(size, self._limits)
        async with self._memory.share(size) as share:
            pushed = await self._read(receive, content_length)
            await share.resize(weight_of(pushed.raw))
            return await self._consume(pushed)

    async def _read(self, receive: Receive, content_length: int | None) -> Pushed:
        body = await self._intake.receive(receive, content_length)
        try:
            if len(body) <= _THREAD_BYTES:
                pushed = read_pushed(body)
            else:
                async with self._large:
                    pushed = await asyncio.to_thread(read_pushed, body)
        finally:
            self._intake.release(body)
        if pushed.subscription not in self._subscriptions:
            raise NotPubSubs(f"it comes from another subscription, {pushed.subscription[:200]!a}")
        return pushed

    async def _consume(self, pushed: Pushed) -> Answer:
        verdict = await self._consumer.consume(
            Delivery(
                pushed.raw,
                pushed.deliveries,
                unanswered=None,
                given_up=pushed.subscription == self._dead,
            )
        )
        match verdict:
            case Ack():
                return _ACKNOWLEDGED
            case Retry(after_seconds):
                # At once, and not held back here: Pub/Sub's own backoff is the longer one.
                return _again(503, after_seconds)
            case _:
                assert_never(verdict)


async def serve_push(settings: Settings, on_stop: Stop) -> None:
    """Serve until stopped, then end the process: what is in work may end in the drain time.

    Raises Misconfigured.
    """
    check_settings(settings)
    stopping = asyncio.Event()
    on_stop(stopping.set)
    async with open_ports(settings) as ports:
        with closing_work(settings, ports.clock) as work:
            lanes, dead = subscriptions(settings)
            push = Push(
                consumer(settings, ports, work),
                lanes=lanes,
                dead=dead,
                check=token_check(settings, ports.clock),
                limits=settings.limits,
                concurrency=settings.concurrency,
            )
            listener = bind(settings.host, settings.port)
            host, port = listener.getsockname()[:2]
            await announce_push(replace(settings, host=host, port=port), ports)
            await serve(push, listener, stopping, settings.drain_seconds, push.give_up)
    await leave()


async def announce_push(settings: Settings, ports: Ports) -> None:
    """Have the emulator push here; on the cloud the deployment has told the subscriptions where.

    The port is listened on already.
    """
    await ports.provision(settings.url + ROUTE)


def check_settings(settings: Settings) -> None:
    """Raises Misconfigured where a push cannot be served as they say."""
    if settings.backend is not Backend.GCP:
        raise Misconfigured("LOGWEIR_BACKEND, --backend: only gcp has a push")
    # How long a function of the user's own takes nobody can know: where it takes longer than the
    # deadline, its log is delivered again and again until it is a dead letter.
    if not 0 < settings.chunk_seconds <= CHUNK_SECONDS_MAX:
        raise Misconfigured(
            f"LOGWEIR_CHUNK_SECONDS, --chunk-seconds: must be above 0, and {CHUNK_SECONDS_MAX} at"
            f" most, since a push ends after 600 s; it is {settings.chunk_seconds:g}"
        )


def token_check(settings: Settings, clock: Clock) -> Check | None:
    """The check of who pushes; None where the platform has made it, or nobody can.

    Raises Misconfigured.
    """
    if settings.gcp_push_auth is PushAuth.PLATFORM:
        return None
    audience, account = settings.gcp_push_audience, settings.gcp_push_account
    if audience is not None and account is not None:
        return TokenCheck(Certificates(clock), audience, account)
    if settings.on_emulators and audience is None and account is None:
        _log.warning("pushes_unchecked", reason="the emulator sends no tokens")
        return None
    raise Misconfigured(
        "LOGWEIR_GCP_PUSH_AUDIENCE, LOGWEIR_GCP_PUSH_ACCOUNT: must be set to check who pushes, or"
        " LOGWEIR_GCP_PUSH_AUTH=platform where Cloud Run's IAM does it"
    )


def _content_length(headers: Iterable[Header]) -> int | None:
    """What is declared; None where it is not, or not once. The server lets no other form pass."""
    values = [value for name, value in headers if name.lower() == b"content-length"]
    if len(values) != 1 or not values[0].isdigit():
        return None
    return int(values[0][:20])
