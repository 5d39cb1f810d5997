"""Pushes through a real server: hundreds in work at once, an outage, and the end of the process."""

from __future__ import annotations

import asyncio
import io
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import ClientSession, TCPConnector
from tests.support.logs import a_log
from tests.support.processes import CRASH_MARKS, free_port, until
from tests.support.pushes import CHUNKS, DEAD, LOGS, a_push
from tests.support.wire import Wire, ask, head, request
from tests.support.world import World

from logweir.entrypoints.push import Push
from logweir.entrypoints.server import bind, serve
from logweir.envelope import encode
from logweir.errors import StoreUnavailable
from logweir.limits import DEFAULT_LIMITS, MIB

PUSHES: Final = 300
LINE: Final = b"POST / HTTP/1.1"


class Meeting:
    """Work that ends for all once so many are at it at the same time."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._all = asyncio.Event()
        self.in_work = 0

    async def __call__(self, text: str) -> None:
        """Wait for the others."""
        self.in_work += 1
        if self.in_work == self._count:
            self._all.set()
        await self._all.wait()


@asynccontextmanager
async def serving(world: World, *, concurrency: int = 1000) -> AsyncIterator[tuple[Push, str]]:
    """The application under the real server, and its URL."""
    push = Push(
        world.consumer,
        lanes=[LOGS, CHUNKS],
        dead=DEAD,
        check=None,
        limits=DEFAULT_LIMITS,
        concurrency=concurrency,
    )
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    stopping = asyncio.Event()
    server = asyncio.create_task(serve(push, listener, stopping, 5.0, push.give_up))
    try:
        yield push, f"http://127.0.0.1:{port}/"
    finally:
        stopping.set()
        await server


async def send(session: ClientSession, url: str, body: bytes) -> int:
    async with session.post(url, data=io.BytesIO(body)) as response:
        assert await response.read() == b""
        return response.status


async def test_three_hundred_pushes_are_in_work_at_once_and_cost_little() -> None:
    meeting = Meeting(PUSHES)
    world = World(work=meeting, chunk_size=1200)
    bodies = [
        a_push(encode(a_log(f"{number:04}" + "x" * 1196, log=f"log-{number}")))
        for number in range(PUSHES)
    ]
    async with (
        serving(world) as (push, url),
        ClientSession(connector=TCPConnector(limit=0)) as session,
    ):
        before = resource.getrusage(resource.RUSAGE_SELF)
        answers = await asyncio.gather(*(send(session, url, body) for body in bodies))
        after = resource.getrusage(resource.RUSAGE_SELF)
        assert Counter(answers) == {204: PUSHES}
        assert push.counts == {"204": PUSHES}
    assert meeting.in_work == PUSHES
    documents = [await world.document(log=f"log-{number}") for number in range(PUSHES)]
    assert all(document is not None for document in documents)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{seconds / PUSHES * 1e6:.0f} µs of processor time a push, its client included")
    assert seconds < 3


async def test_a_message_of_ten_megabytes_goes_through_while_small_ones_do() -> None:
    world = World(work=Meeting(1), chunk_size=None)
    body = a_push(encode(a_log("x" * 9_900_000, log="large")))
    async with serving(world) as (_, url), ClientSession() as session:
        large = asyncio.create_task(send(session, url, body))
        small = [await send(session, url, a_push(encode(a_log(log=f"s{n}")))) for n in range(5)]
        assert [await large, *small] == [204] * 6
    assert await world.document(log="large") is not None


async def test_a_store_that_is_away_is_503_and_204_once_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def unavailable(_key: object) -> Any:
        raise StoreUnavailable("down")

    world = World(work=Meeting(1))
    async with serving(world) as (_, url), ClientSession() as session:
        with monkeypatch.context() as outage:
            outage.setattr(world.store, "find", unavailable)
            async with session.post(url, data=a_push(encode(a_log()))) as response:
                assert response.status == 503
                assert int(response.headers["Retry-After"]) >= 1
        assert await send(session, url, a_push(encode(a_log()))) == 204
    assert await world.document() is not None


# ---- the process ------------------------------------------------------------------------------


class Worker:
    """``logweir push`` on the memory back end."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.port = free_port()
        self._errors = home / "stderr"
        ours = {f"LOGWEIR_{name.upper()}": str(value) for name, value in settings.items()}
        others = {k: v for k, v in os.environ.items() if not k.startswith("LOGWEIR_")}
        gcp = {
            "LOGWEIR_BACKEND": "gcp",
            "LOGWEIR_GCP_PROJECT": "p",
            "LOGWEIR_GCP_PUSH_AUTH": "platform",
            "LOGWEIR_PORT": str(self.port),
        }
        with self._errors.open("wb") as errors:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "tests.support.push_in_memory"],
                env={**others, **gcp, **ours},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.popen.stdout is not None
        self.announced = self.popen.stdout.readline().strip()

    @property
    def stderr(self) -> str:
        """What it has logged."""
        return self._errors.read_text()

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(15)


@contextmanager
def worker(home: Path, **settings: object) -> Iterator[Worker]:
    """It runs; afterwards it must have printed no traceback and no panic."""
    process = Worker(home, **settings)
    try:
        until(lambda: ask(process.port, request(line=LINE)))
        yield process
    finally:
        process.popen.kill()
        process.popen.communicate()
    assert not [mark for mark in CRASH_MARKS if mark in process.stderr], process.stderr


def begin(wire: Wire, text: str) -> None:
    """Send a push and do not wait for its answer."""
    wire.send(request(body=a_push(encode(a_log(text, log=text))), line=LINE))


def test_it_announces_where_it_listens(tmp_path: Path) -> None:
    with worker(tmp_path) as process:
        assert process.announced == f"http://127.0.0.1:{process.port}/"


def test_sigterm_lets_end_what_ends_in_the_drain_time_and_answers_503_to_the_rest(
    tmp_path: Path,
) -> None:
    with (
        worker(tmp_path, drain_seconds=2, seconds_per_character=0.5) as process,
        Wire(process.port) as short,
        Wire(process.port) as long,
        Wire(process.port) as sending,
    ):
        begin(short, "xy")  # a second
        begin(long, "x" * 60)  # half a minute
        sending.send(head("Content-Length: 5000", line=LINE) + b"{")
        time.sleep(0.3)
        started = time.monotonic()
        process.popen.send_signal(signal.SIGTERM)
        answers = [wire.answer() for wire in (short, long, sending)]
        assert [answer and answer.status for answer in answers] == [204, 503, 503]
        assert process.popen.wait(15) == 0
        assert time.monotonic() - started < 4
        assert '"handed_back": 2' in process.stderr


def test_sigterm_with_nothing_in_work_ends_at_once(tmp_path: Path) -> None:
    with worker(tmp_path, seconds_per_character=0) as process, Wire(process.port) as kept_alive:
        begin(kept_alive, "x")
        answer = kept_alive.answer()
        assert answer is not None
        assert answer.status == 204
        started = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - started < 2


def test_what_no_pubsub_sends_is_refused_by_a_bare_status_or_the_end(tmp_path: Path) -> None:
    with worker(tmp_path) as process:
        port, body = process.port, a_push(encode(a_log("x")))
        cases = {
            request(body=body, line=b"POST /ingest HTTP/1.1"): 404,
            request(line=b"GET / HTTP/1.1"): 405,
            request(body=b"hello", line=LINE): 400,
            head("Content-Length: 5", "Content-Length: 6", line=LINE) + b"hello": 400,
            head(f"Content-Length: {16 * MIB + 1}", line=LINE): 413,
            request(body=body, line=b"POST /?a=b HTTP/1.1"): 204,
            head("Transfer-Encoding: chunked", line=LINE)
            + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body): 204,
        }
        answers = {sent: ask(port, sent) for sent in cases}
        statuses = {sent: answer and answer.status for sent, answer in answers.items()}
        assert statuses == cases
        assert all(answer and answer.body == b"" for answer in answers.values())


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"backend": "local"}, "LOGWEIR_BACKEND"), ({"chunk_seconds": "0"}, "LOGWEIR_CHUNK_SECONDS")],
)
def test_the_command_ends_with_2_where_its_settings_cannot_be(
    settings: dict[str, str], named: str
) -> None:
    ours = {"backend": "gcp", "gcp_project": "p", "gcp_push_auth": "platform", **settings}
    ended = subprocess.run(
        [sys.executable, "-m", "logweir", "push"],
        env={**os.environ, **{f"LOGWEIR_{k.upper()}": v for k, v in ours.items()}},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (ended.returncode, ended.stderr.startswith(f"logweir: {named}")) == (2, True)
