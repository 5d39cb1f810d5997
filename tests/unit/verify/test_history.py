"""A history is written while a flood goes on, and read back as strictly as it was written."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from logweir.clock import ManualClock
from logweir.envelope import sha256_of
from logweir.errors import Misconfigured
from logweir.ids import LogId
from logweir.verify.evidence import Answer, Fault
from logweir.verify.flood import Reply, flood
from logweir.verify.history import Flood, HistoryWriter, answer_of
from logweir.verify.read_history import read_history
from logweir.verify.traffic import Request, traffic

FLOOD = Flood(seed=3, tenants=2, url="http://127.0.0.1:1/ingest")
REPLIES = [
    Reply(status=202, log=LogId("made")),
    Reply(status=400),
    Reply(status=503, log=LogId("told")),
    Reply(failure="ClientOSError ECONNRESET"),
]


async def written(path: Path, count: int = 8) -> Path:
    """The history of a flood of one request a second; each answer takes half of one."""
    clock = ManualClock()

    async def send(request: Request) -> Reply:
        await clock.sleep(0.5)
        return REPLIES[request.index % len(REPLIES)]

    with HistoryWriter(path, FLOOD, clock) as writer:
        flooding = asyncio.create_task(
            flood(
                itertools.islice(traffic(3, 2), count),
                per_second=1.0,
                send=send,
                witness=writer,
                clock=clock,
            )
        )
        await clock.advance(60)
        await flooding
        writer.note(Fault(name="worker killed", begin=1.0, end=2.5, fired=1))
    return path


async def test_what_was_sent_and_answered_is_read_back(tmp_path: Path) -> None:
    history = read_history(await written(tmp_path / "history"))
    assert history.flood == FLOOD
    assert history.faults == [Fault(name="worker killed", begin=1.0, end=2.5, fired=1)]
    assert [sent.answer.name for sent in history.sent] == ["OK", "FAIL", "UNKNOWN", "UNKNOWN"] * 2
    for request, sent in zip(traffic(3, 2), history.sent, strict=False):
        assert (sent.tenant, sent.source) == (request.tenant, request.source.value)
        assert (sent.sha256, sent.canary) == (sha256_of(request.text), request.canary)
        assert sent.characters == len(request.text)
        assert sent.log == (REPLIES[request.index % 4].log or request.log)
        assert (sent.invoked, sent.answered) == (request.index, request.index + 0.5)
        assert sent.answered_at - sent.invoked_at == timedelta(seconds=0.5)


async def test_no_text_is_in_it_and_it_is_the_owners_alone(tmp_path: Path) -> None:
    path = await written(tmp_path / "history")
    kept = path.read_text()
    for request in itertools.islice(traffic(3, 2), 8):
        assert not any(line in kept for line in request.text.splitlines() if "canary" not in line)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_call_is_in_the_file_before_its_request_is_sent(tmp_path: Path) -> None:
    path, clock = tmp_path / "history", ManualClock()
    noted: list[int] = []

    async def send(request: Request) -> Reply:
        noted.append(sum('"call"' in line for line in path.read_text().splitlines()))
        return REPLIES[0]

    with HistoryWriter(path, FLOOD, clock) as writer:
        requests = itertools.islice(traffic(3, 2), 3)
        async with asyncio.timeout(5):
            flooding = flood(requests, per_second=1e6, send=send, witness=writer, clock=clock)
            task = asyncio.create_task(flooding)
            await clock.advance(1)
            await task
    assert noted == [1, 2, 3]


async def test_a_flood_that_is_killed_leaves_unknown_ends(tmp_path: Path) -> None:
    path = await written(tmp_path / "history", 2)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[3][:40])
    [sent] = read_history(path).sent
    assert (sent.answer, sent.log) == (Answer.UNKNOWN, next(traffic(3, 2)).log)


async def test_a_history_is_never_written_over(tmp_path: Path) -> None:
    path = await written(tmp_path / "history")
    with pytest.raises(Misconfigured, match="already"):
        HistoryWriter(path, FLOOD, ManualClock())


def _lines(edit: Callable[[list[Any]], None]) -> Any:
    return pytest.param(edit, id=edit.__name__.replace("_", " "))


def _another_version(lines: list[Any]) -> None:
    lines[0]["logweir_history"] = 2


def _no_header(lines: list[Any]) -> None:
    del lines[0]


def _a_call_is_missing(lines: list[Any]) -> None:
    del lines[3:5]


def _a_call_comes_twice(lines: list[Any]) -> None:
    lines.insert(2, lines[1])


def _an_end_comes_twice(lines: list[Any]) -> None:
    lines.insert(3, lines[2])


def _an_end_of_nothing(lines: list[Any]) -> None:
    lines[2]["end"] = 99


def _a_tenant_that_is_none(lines: list[Any]) -> None:
    lines[1]["tenant"] = "../acme"


def _a_hash_that_is_none(lines: list[Any]) -> None:
    lines[1]["sha256"] = "beef"


def _an_answer_that_is_none(lines: list[Any]) -> None:
    lines[2]["answer"] = "perhaps"


def _a_time_that_is_none(lines: list[Any]) -> None:
    lines[1]["at"] = "noon"


def _a_number_that_is_none(lines: list[Any]) -> None:
    lines[1]["characters"] = True


def _a_strange_line(lines: list[Any]) -> None:
    lines[1] = {"something": "else"}


def _no_object(lines: list[Any]) -> None:
    lines[1] = [1]


@pytest.mark.parametrize(
    "edit",
    [
        *(_lines(_another_version), _lines(_no_header), _lines(_a_call_is_missing)),
        *(_lines(_a_call_comes_twice), _lines(_an_end_comes_twice), _lines(_an_end_of_nothing)),
        *(_lines(_a_tenant_that_is_none), _lines(_a_hash_that_is_none)),
        *(_lines(_an_answer_that_is_none), _lines(_a_time_that_is_none)),
        *(_lines(_a_number_that_is_none), _lines(_a_strange_line), _lines(_no_object)),
    ],
)
async def test_a_line_that_was_never_written_so_is_named_by_its_number(
    tmp_path: Path, edit: Callable[[list[Any]], None]
) -> None:
    path = await written(tmp_path / "history")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    edit(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(Misconfigured, match=r"history, line \d: "):
        read_history(path)


@pytest.mark.parametrize("text", ["", "{}\n", "not JSON\n", "\n", '"x"\n'])
def test_what_is_no_history_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "history"
    path.write_text(text)
    with pytest.raises(Misconfigured, match="line 1: "):
        read_history(path)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(status=202), Answer.OK),
        (Reply(status=413), Answer.FAIL),
        (Reply(status=429), Answer.FAIL),
        (Reply(status=503), Answer.UNKNOWN),
        (Reply(status=502), Answer.UNKNOWN),
        (Reply(status=200), Answer.UNKNOWN),
        (Reply(status=307), Answer.UNKNOWN),
        (Reply(failure="no answer in 30 s"), Answer.UNKNOWN),
    ],
)
def test_only_a_202_is_a_promise_and_only_4xx_are_refusals(reply: Reply, answer: Answer) -> None:
    assert answer_of(reply) is answer
