"""Whatever a client sends, to a real gateway over a bare socket: never a 500, and no trace of it.

What fits into one request is a line of the table in ``bad_requests.py``; what takes timing, or
several pieces, is here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from tests.e2e.bad_requests import (
    ACME,
    BOMBS,
    CANARY,
    CASES,
    CHUNKED,
    JSON,
    TEXT,
    WORD,
    Case,
    chunked,
    members,
)
from tests.support.kept import bytes_of, query, queued, tenant_files
from tests.support.processes import Process, running
from tests.support.wire import Answer, Wire, ask, head, request, upload

from logweir.limits import MIB
from logweir.reasons import Reason

RECEIVE_SECONDS: Final = 2.0


@dataclass(slots=True)
class Target:
    """The gateway of this file, and the logs that it has accepted."""

    process: Process
    accepted: list[tuple[str, str]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.process.port

    def check(self, answer: Answer, status: int, reason: Reason | None) -> None:
        """The answer is the one expected, and well made."""
        said = answer.body.decode()
        assert (answer.status, answer.reason) == (status, reason and reason.code), said
        if status == 202:
            assert answer.json["status"] == "accepted"
            self.accepted.append((answer.json["tenant_id"], answer.json["log_id"]))
            return
        assert CANARY not in said
        if reason is None:
            assert answer.body == b""
            return
        check_problem(answer, reason)


def check_problem(answer: Answer, reason: Reason) -> None:
    """A refusal by RFC 9457, with nothing in it but what docs/api.md says."""
    problem = answer.json
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:logweir:problem:{reason.code}"
    assert (problem["title"], problem["status"]) == (reason.title, answer.status)
    assert problem["status"] == reason.status
    assert problem["detail"]
    known = {"type", "title", "status", "detail", "reason", "limit", "actual"}
    assert set(problem) <= known | {"tenant_id", "log_id"}
    assert ("retry-after" in answer.headers) == (reason.status in (429, 503))
    assert answer.headers.get("allow") == ("POST" if reason.status == 405 else None)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    data_dir = tmp_path_factory.mktemp("bad-input") / "data"
    with running("gateway", data_dir, receive_seconds_max=RECEIVE_SECONDS) as process:
        yield Target(process)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_request_is_answered_as_the_table_says(target: Target, case: Case) -> None:
    answer = ask(target.port, case.sent)
    assert answer is not None, "the connection ended without an answer"
    target.check(answer, case.status, case.reason)


# ---- what takes more than one piece ----------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(head(TEXT, ACME, "Content-Length: 100") + WORD, id="in the text"),
        pytest.param(head(TEXT, ACME, "Content-Length: 100"), id="before the text"),
        pytest.param(head(TEXT, ACME, CHUNKED) + b"ff\r\n" + WORD, id="in a chunk"),
        pytest.param(head(TEXT, ACME, CHUNKED) + chunked(WORD, end=b""), id="between chunks"),
        pytest.param(head(TEXT, ACME, CHUNKED) + chunked(WORD, end=b"0\r\n"), id="in the end"),
        pytest.param(
            head(JSON, "Content-Length: 200") + members(), id="after what would do as JSON"
        ),
    ],
)
class TestABodyThatBreaksOff:
    def test_half_closed_it_is_refused(self, target: Target, sent: bytes) -> None:
        with Wire(target.port) as wire:
            wire.send(sent)
            wire.half_close()
            answer = wire.answer()
        assert answer is not None
        target.check(answer, 400, Reason.BODY_INCOMPLETE)

    def test_closed_or_reset_it_leaves_nothing(self, target: Target, sent: bytes) -> None:
        # The last test of this file looks for what they may have left.
        with Wire(target.port) as wire:
            wire.send(sent)
        wire = Wire(target.port)
        wire.send(sent)
        wire.reset()
        target.check(upload(target.port, "acme", CANARY), 202, None)


def test_a_whole_request_behind_which_the_client_half_closes_is_kept_or_refused_never_broken(
    target: Target,
) -> None:
    # The HTTP server gives up on such a client while the broker writes. It cannot know then.
    with Wire(target.port) as wire:
        wire.send(request(TEXT, ACME, "X-Log-ID: half-closed", body=WORD))
        wire.half_close()
        answer = wire.answer()
    assert answer is None or answer.status == 202
    target.check(upload(target.port, "acme", CANARY, "half-closed"), 202, None)


def test_endless_chunks_end_with_413_and_the_connection(target: Target) -> None:
    before = peak_memory_mib(target)
    chunk = chunked(b"x" * 65536, end=b"")
    with Wire(target.port) as wire:
        wire.send(head(TEXT, ACME, CHUNKED))
        sent = 0
        while wire.send(chunk):  # until the gateway listens no more
            sent += len(chunk)
            assert sent < 64 * MIB, "it takes in anything"
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 413, Reason.BODY_TOO_LARGE)
        assert wire.has_ended(2)
        assert wire.received == b""
    assert peak_memory_mib(target) - before < 64


@pytest.mark.parametrize("coding", BOMBS)
def test_a_bomb_takes_no_more_memory_than_the_limit_allows(target: Target, coding: str) -> None:
    before = peak_memory_mib(target)
    for _ in range(3):
        answer = ask(
            target.port, request(TEXT, ACME, f"Content-Encoding: {coding}", body=BOMBS[coding])
        )
        assert answer is not None
        target.check(answer, 413, Reason.BODY_TOO_LARGE)
    assert peak_memory_mib(target) - before < 64


def test_a_body_that_trickles_is_cut_off_in_time(target: Target) -> None:
    started = time.monotonic()
    with Wire(target.port) as wire:
        wire.send(head(TEXT, ACME, "Content-Length: 100"))
        while wire.send(b"x") and not wire.has_ended(0.2):
            pass
        answer = wire.answer()
    assert answer is not None
    target.check(answer, 408, Reason.RECEIVE_TIMEOUT)
    assert RECEIVE_SECONDS * 0.9 < time.monotonic() - started < RECEIVE_SECONDS + 1.5


def test_headers_that_trickle_are_cut_off(target: Target) -> None:
    """Ten seconds for the headers, however they come; the server ends the connection."""
    half = b"POST /ingest HTTP/1.1\r\nHost: x\r\nX-A: "
    drips = {
        "nothing at all": (b"", b""),
        "half a line": (b"POST /in", b""),
        "a header byte by byte": (half, b"a"),
        "header by header": (half + b"a\r\n", b"X-A: b\r\n"),
        "nothing after an answer": (request(TEXT, ACME, body=b""), b""),
        "a second request byte by byte": (request(TEXT, ACME, body=b"") + half, b"a"),
    }
    seconds: dict[str, float] = {}

    def drip(name: str, first: bytes, more: bytes) -> None:
        started = time.monotonic()
        with Wire(target.port) as wire:
            wire.send(first)
            while time.monotonic() - started < 20 and wire.send(more) and not wire.has_ended(0.5):
                pass
        seconds[name] = time.monotonic() - started

    threads = [threading.Thread(target=drip, args=(name, *d)) for name, d in drips.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print({name: round(s, 1) for name, s in seconds.items()})
    assert {name for name, s in seconds.items() if s > 13} == set()
    assert min(seconds.values()) > 8, "a client on a slow line needs some time"


def test_requests_in_one_connection_are_answered_one_by_one(target: Target) -> None:
    with Wire(target.port) as wire:
        wire.send(
            request(TEXT, ACME, "X-Log-ID: first", body=WORD)
            + request(TEXT, body=WORD)
            + head(TEXT, ACME, CHUNKED, "X-Log-ID: third")
            + chunked(WORD)
        )
        for status, reason, log in (
            (202, None, "first"),
            (400, Reason.MISSING_TENANT_ID, None),
            (202, None, "third"),
        ):
            answer = wire.answer()
            assert answer is not None
            target.check(answer, status, reason)
            assert answer.json.get("log_id") == log


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_a_body_that_was_refused_unread_is_not_the_next_request(
    target: Target, pause: float
) -> None:
    inner = request(TEXT, "X-Tenant-ID: smuggled", body=WORD)
    with Wire(target.port) as wire:
        wire.send(head(ACME, f"Content-Length: {len(inner)}"), inner, pause=pause)
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 415, Reason.MISSING_CONTENT_TYPE)
        wire.has_ended(0.3)
        assert wire.received == b""


@pytest.mark.parametrize(
    "framing", [(CHUNKED, "Content-Length: 5"), ("Content-Length: 5", CHUNKED)]
)
def test_length_and_chunks_at_once_are_read_as_chunks_and_end_the_connection(
    target: Target, framing: tuple[str, str]
) -> None:
    # RFC 9112, 6.1: the chunks count, and the connection ends, so that nothing can follow them.
    inner = request(TEXT, "X-Tenant-ID: smuggled", body=WORD)
    with Wire(target.port) as wire:
        wire.send(head(TEXT, ACME, *framing) + chunked(WORD) + inner)
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 202, None)
        assert wire.has_ended(2)
        assert wire.received == b""


def test_a_client_that_expects_100_gets_it_or_the_refusal(target: Target) -> None:
    with Wire(target.port) as wire:
        wire.send(head(TEXT, ACME, "Expect: 100-continue", f"Content-Length: {len(WORD)}"))
        go_on = wire.answer()
        assert go_on is not None
        assert go_on.status == 100
        wire.send(WORD)
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 202, None)
    for headers, status, reason in (
        ((TEXT, ACME, f"Content-Length: {17 * MIB}"), 413, Reason.BODY_TOO_LARGE),
        ((TEXT, "Content-Length: 5"), 400, Reason.MISSING_TENANT_ID),
    ):
        answer = ask(target.port, head("Expect: 100-continue", *headers))
        assert answer is not None
        target.check(answer, status, reason)


@pytest.mark.parametrize(
    "upgrade",
    [
        ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"),
        ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        ("Upgrade: TLS/1.2", "Connection: Upgrade", "X-A: b"),
    ],
    ids=["h2c", "websocket", "TLS"],
)
def test_an_upgrade_is_not_made_and_the_text_is_whole(
    target: Target, upgrade: tuple[str, str, str]
) -> None:
    text = CANARY * 1000
    with Wire(target.port) as wire:
        wire.send(request(TEXT, ACME, *upgrade, body=text.encode()))
        answer = wire.answer()
        assert answer is not None
        target.check(answer, 202, None)
        wire.send(request(TEXT, ACME, body=WORD))
        second = wire.answer()
        assert second is not None
        target.check(second, 202, None)
    log = answer.json["log_id"]
    ((envelope,),) = query(
        target.process.data_dir / "broker.sqlite3",
        "SELECT envelope FROM messages WHERE log = ?",
        [log],
    )
    assert envelope.endswith(b"\n\n" + text.encode())


def test_http2_without_asking_ends_the_connection(target: Target) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    assert ask(target.port, preface) is None


def test_head_is_refused_without_a_body(target: Target) -> None:
    with Wire(target.port) as wire:
        wire.send(head(line=b"HEAD /ingest HTTP/1.1"))
        answer = wire.answer(of_head=True)
        assert answer is not None
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        wire.send(request(TEXT, ACME, body=WORD))
        second = wire.answer()
        assert second is not None
        target.check(second, 202, None)


# ---- after all of them -----------------------------------------------------------------------


def test_what_was_refused_left_nothing_behind(target: Target) -> None:
    """Last in this file: the files hold what was answered 202, and nothing else."""
    target.check(upload(target.port, "acme", CANARY), 202, None)
    data_dir = target.process.data_dir
    kept = queued(data_dir)
    assert sorted(set(kept)) == sorted(set(target.accepted))
    assert len(kept) - len(target.accepted) in (0, 1)  # the one behind which the client half-closed
    assert query(data_dir / "broker.sqlite3", "SELECT * FROM quarantine") == []
    assert tenant_files(data_dir) == []
    assert b"evil" not in bytes_of(data_dir).replace(CANARY.encode(), b"")
    assert b"smuggled" not in bytes_of(data_dir)
    assert CANARY not in target.process.stderr


def peak_memory_mib(target: Target) -> int:
    """The most that the gateway has had in memory so far."""
    status = Path(f"/proc/{target.process.pid}/status")
    if not status.exists():
        pytest.skip("the memory of another process is read from /proc, which is Linux's")
    (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) // 1024
