"""SQS on loopback, as a test wants it: what botocore sends comes over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tests.support.awsjson import Answer, Request, Service, serving

from logweir.backends.aws.clients import Client
from logweir.backends.aws.names import Names
from logweir.backends.aws.queues import Queues

PREFIX: Final = "https://sqs.test/1"
NAMES: Final = Names("t", 2)

Judge = Callable[[Mapping[str, Any]], str | None]  # an entry -> the code that it fails with


@contextmanager
def sqs_of(answers: dict[str, Answer]) -> Iterator[tuple[Client, Queues, Service]]:
    """A client, queues whose URLs need no asking, and what was asked."""
    with serving(answers) as service:
        client = Client(lambda: service.client("sqs"), 16)
        yield client, Queues(client, PREFIX), service
        client.close()


def judged(judge: Judge) -> Answer:
    """A batch call that takes what ``judge`` has nothing against."""

    def answer(request: Request) -> Request:
        codes = {entry["Id"]: judge(entry) for entry in request["Entries"]}
        return {
            "Successful": [
                {"Id": id_, "MessageId": id_, "MD5OfMessageBody": ""}
                for id_, code in codes.items()
                if code is None
            ],
            "Failed": [
                {"Id": id_, "Code": code, "SenderFault": True, "Message": "as told"}
                for id_, code in codes.items()
                if code is not None
            ],
        }

    return answer


def batches(service: Service, operation: str, member: str) -> list[Sequence[Any]]:
    """This member of each entry, by request."""
    return [
        [entry.get(member) for entry in request["Entries"]]
        for name, request in service.asked
        if name == operation
    ]
