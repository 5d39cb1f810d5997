"""AWS's template on an emulator: put there by its own script, its functions packaged and run."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support.cloud import Amazon, amazon, events_in
from tests.support.outside_aws import client
from tests.support.processes import command_line

_WORKERS: Final = ("logs", "chunks")
_FUNCTIONS: Final = ("gateway", *_WORKERS)
_CUT_OFF: Final = ("Worker process died", "Task timed out")  # the first is ministack's


@dataclass(frozen=True)
class Functions:
    """A deployment. Functions are called as they are without the prefix: gateway, logs, chunks."""

    cloud: Amazon
    url: str  # of the gateway, with its route

    def invoke(self, function: str, event: object) -> Any:
        """What it answers; it must not fail."""
        answer = self._lambda.invoke(
            FunctionName=self.name(function), Payload=json.dumps(event).encode()
        )
        told = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, told
        return told

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of this name that the workers have logged."""
        return [each for function in _WORKERS for each in events_in(self.lines(function), name)]

    def lines(self, function: str, pattern: str = "") -> list[str]:
        """All that it has printed, and what Lambda adds to that; or what has the pattern."""
        logs = client("logs", self._endpoint)
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{self.name(function)}", filterPattern=pattern
        )
        return [event["message"] for page in pages for event in page["events"]]

    def cut_off(self, function: str) -> int:
        """How many of its invocations ended without an answer: it was killed, or out of time."""
        return sum(len(self.lines(function, f'"{words}"')) for words in _CUT_OFF)

    @contextmanager
    def configured(self, function: str, *, timeout: int, **variables: object) -> Iterator[None]:
        """With other variables and timeout meanwhile; its processes end with each change."""
        was = self._lambda.get_function_configuration(FunctionName=self.name(function))
        before = was["Environment"]["Variables"]
        others = {name: str(value) for name, value in variables.items()}
        self.configure(function, timeout, {**before, **others})
        try:
            yield
        finally:
            self.configure(function, was["Timeout"], before)

    def configure(
        self, function: str, timeout: int, variables: Mapping[str, str] | None = None
    ) -> None:
        """Give it a timeout, and its variables anew; its processes end."""
        environment = {} if variables is None else {"Environment": {"Variables": variables}}
        self._lambda.update_function_configuration(
            FunctionName=self.name(function), Timeout=timeout, **environment
        )

    @contextmanager
    def gathering(self, queue: str) -> Iterator[None]:
        """Meanwhile messages wait in the queue; then they come, up to ten in one batch."""
        mapping = self._mapping(queue)["UUID"]
        self._lambda.update_event_source_mapping(UUID=mapping, Enabled=False)
        try:
            yield
        finally:
            self._lambda.update_event_source_mapping(UUID=mapping, Enabled=True)

    def bound(self) -> None:
        """Set again how many batches there may be at once.

        CloudFormation makes a number of a parameter; ministack leaves it a string, and its poller
        ends where it compares it.
        """
        for function in _WORKERS:
            mapping = self._mapping(function)
            self._lambda.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig=mapping["ScalingConfig"]
            )

    def _mapping(self, function: str) -> dict[str, Any]:
        mappings = self._lambda.list_event_source_mappings(FunctionName=self.name(function))
        [mapping] = mappings["EventSourceMappings"]
        return dict(mapping)

    def processes(self, function: str) -> list[int]:
        """Those that the emulator has for it now and that have begun to work. Linux only."""
        mark = f"ministack-lambda-{self.name(function)}-"
        pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        own = [pid for pid in pids if any(mark in word for word in command_line(pid))]
        return [pid for pid in own if _threads(pid) > 1]

    def signal(self, pid: int, number: signal.Signals) -> None:
        """To a process that may have ended meanwhile."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def name(self, function: str) -> str:
        """Its full name."""
        return f"{self.cloud.settings['aws_prefix']}-{function}"

    @property
    def port(self) -> int:
        """Where the emulator listens."""
        port = urlsplit(self.url).port
        assert port is not None
        return port

    @property
    def _endpoint(self) -> str:
        return self.cloud.addresses["AWS_ENDPOINT_URL"]

    @property
    def _lambda(self) -> Any:
        return client("lambda", self._endpoint)


def _threads(pid: int) -> int:
    """One that is still starting has one: the others call AWS."""
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    except FileNotFoundError:
        return 0


@contextmanager
def deployed(addresses: Mapping[str, str], home: Path, **parameters: str) -> Iterator[Functions]:
    """The stack of a prefix that nobody has used, meanwhile. ``parameters``: of the template."""
    from scripts.aws_cloud import Cloud
    from scripts.deploy_aws import delete, deploy

    cloud, account = amazon(addresses, home), Cloud.of(addresses)
    prefix, began = cloud.settings["aws_prefix"], time.monotonic()
    said: list[str] = []
    outputs = deploy(account, prefix, parameters, say=said.append)
    print(f"deployed in {time.monotonic() - began:.1f} s")
    try:
        functions = Functions(cloud, outputs["IngestUrl"])
        cloud.others = lambda: {each: "\n".join(functions.lines(each)) for each in _FUNCTIONS}
        functions.bound()
        yield functions
    finally:
        delete(account, prefix, data=True, say=said.append)
