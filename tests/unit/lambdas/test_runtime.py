"""A sandbox: what lives as long as it, and what has ended when it answers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from tests.support.lambdas import sqs_event, url_event
from tests.support.logs import a_log

from logweir.bootstrap import Ports
from logweir.entrypoints.lambdas.batches import check_settings
from logweir.entrypoints.lambdas.runtime import Sandbox, start
from logweir.envelope import encode
from logweir.errors import Misconfigured
from logweir.settings import Settings

AWS = {"LOGWEIR_BACKEND": "aws"}


PORTS: Any = object()


@asynccontextmanager
async def open_nothing(_settings: Settings) -> AsyncIterator[Ports]:
    yield PORTS


@asynccontextmanager
async def open_badly(settings: Settings) -> AsyncIterator[Ports]:
    if settings.aws_region is None:
        raise Misconfigured("LOGWEIR_AWS_REGION: the aws back end needs a region")
    yield PORTS


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(Settings(), open_nothing(Settings()))
    yield sandbox
    sandbox.loop.run_until_complete(sandbox._opened.__aexit__(None, None, None))
    sandbox.loop.close()


@pytest.fixture
def unconfigured() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


# ---- between two invocations ------------------------------------------------------------------


def test_one_loop_and_one_set_of_ports_serve_all_invocations(sandbox: Sandbox) -> None:
    async def invocation() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert sandbox.run(invocation()) is sandbox.run(invocation()) is sandbox.loop
    assert sandbox.ports is PORTS


def test_what_an_invocation_has_begun_has_ended_when_it_answers(sandbox: Sandbox) -> None:
    ends: list[str] = []

    async def flight(name: str, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
            ends.append(name)
        except asyncio.CancelledError:
            ends.append(f"{name}, cancelled")
            raise

    tasks: list[asyncio.Task[None]] = []

    async def invocation() -> str:
        tasks.extend(asyncio.create_task(flight(*one)) for one in (("soon", 0.01), ("late", 60)))
        await asyncio.sleep(0)
        return "answer"

    assert sandbox.run(invocation()) == "answer"
    assert ends == ["soon", "late, cancelled"]
    assert all(task.done() for task in tasks)


def test_what_is_begun_by_an_end_ends_too(sandbox: Sandbox) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def first() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            tasks.append(asyncio.create_task(asyncio.sleep(60)))

    async def invocation() -> None:
        tasks.append(asyncio.create_task(first()))
        await asyncio.sleep(0)
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        sandbox.run(invocation())
    assert [task.cancelled() for task in tasks] == [True, True]


# ---- the start --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "error"),
    [
        ({}, "LOGWEIR_BACKEND: a function has no other back end than aws"),
        ({"LOGWEIR_BACKEND": "azure"}, "LOGWEIR_BACKEND must be"),
        ({**AWS, "LOGWEIR_SECONDS": "1"}, "LOGWEIR_SECONDS: there is no such setting"),
        ({**AWS, "LOGWEIR_CHUNK_SECONDS": "0"}, "LOGWEIR_CHUNK_SECONDS: must be above 0"),
    ],
)
@pytest.mark.usefixtures("unconfigured")
def test_what_is_misconfigured_is_one_line_and_no_start(
    environment: dict[str, str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Misconfigured, match=error):
        start("worker", environment, check_settings, open_nothing)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["role"]) == ("misconfigured", "error", "worker")
    assert told["error"].startswith(error)


@pytest.mark.usefixtures("unconfigured")
def test_what_cannot_be_opened_is_one_line_and_no_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(Misconfigured, match="needs a region"):
        start("gateway", AWS, open_=open_badly)
    assert len(capsys.readouterr().err.splitlines()) == 1


# ---- the handlers, as Lambda finds them -------------------------------------------------------


def ran(role: str, *events: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """A sandbox that was given these events, one after the other."""
    others = {name: v for name, v in os.environ.items() if not name.startswith("LOGWEIR_")}
    ours = {f"LOGWEIR_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "tests.support.lambda_in_memory"],
        input=json.dumps([role, *events]),
        env={**others, **AWS, "LOGWEIR_SECONDS_PER_CHARACTER": "0", **ours},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def invoked(role: str, *events: object, **settings: str) -> tuple[dict[str, Any], list[Any]]:
    """What they answer, and the lines that they log."""
    process = ran(role, *events, **settings)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout), [json.loads(line) for line in process.stderr.splitlines()]


def test_a_worker_with_a_wrong_file_of_redaction_says_so_and_does_not_start() -> None:
    process = ran("worker", redaction_toml="colour = 1")
    told = json.loads(process.stderr.splitlines()[0])
    assert process.returncode
    assert (told["event"], told["role"]) == ("misconfigured", "worker")
    assert told["error"].startswith("LOGWEIR_REDACTION_TOML: colour: there is no such key")


def test_the_gateways_handler_accepts_and_refuses() -> None:
    headers = [("Content-Type", "text/plain"), ("X-Tenant-ID", "acme"), ("X-Log-ID", "a-log")]
    told, logs = invoked("gateway", url_event(b"text", headers), url_event(), {})
    accepted, refused, no_request = told["answers"]
    assert accepted == {
        "statusCode": 202,
        "headers": {"content-type": "application/json"},
        "body": '{"status":"accepted","tenant_id":"acme","log_id":"a-log"}',
        "isBase64Encoded": False,
    }
    assert json.loads(refused["body"])["reason"] == "missing_content_type"
    assert no_request["statusCode"] == 400
    assert told["queued"] == 1
    assert [(line["event"], line["role"]) for line in logs] == [
        ("refused", "gateway"),
        ("event_refused", "gateway"),
    ]


def test_a_gateway_loads_nothing_that_only_workers_commands_and_servers_need() -> None:
    told, _ = invoked("gateway", url_event())
    loaded = {*told["modules"]}
    ours = ("logweir.redact", "logweir.pipeline.consume", "logweir.pipeline.work")
    assert not loaded & {*ours, "logweir.entrypoints.process", "logweir.entrypoints.cli"}
    assert not loaded & {"uvloop", "granian", "typer", "apsw", "aiohttp", "multiprocessing"}


def test_the_workers_handler_works_on_batches_and_looks_for_what_was_given_up() -> None:
    poison = b"no envelope"
    events = [sqs_event(encode(a_log()), poison), {"drain": "dead"}, sqs_event(encode(a_log()))]
    told, logs = invoked("worker", *events)
    assert told["answers"] == [
        {"batchItemFailures": []},
        {"acknowledged": 0, "delayed": 0},
        {"batchItemFailures": []},
    ]
    events_logged = sorted(line["event"] for line in logs)
    assert events_logged == ["drain_broke_off", "drained", "log_stored", "quarantined"]
    assert not {*told["modules"]} & {"uvloop", "granian", "typer", "apsw", "aiohttp"}
