"""SQS on loopback, as a test wants it: what botocore sends comes over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from tests.support.awsjson import Answer, Request, Service, serving

from logweir.backends.aws.clients import Client
from logweir.backends.aws.names import Names
from logweir.backends.aws.queues import Queues
from logweir.backends.aws.session import SqsSession
from logweir.clock import ManualClock
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.held import HeldClaim

PREFIX: Final = "https://sqs.test/1"
NAMES: Final = Names("t", 2)

RECEIVE, DELETE = "ReceiveMessage", "DeleteMessageBatch"
HIDE = "ChangeMessageVisibilityBatch"
ANY_SIZE: Final = 1 << 30
LEASE_SECONDS: Final = 30.0

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


TAKEN: Final = judged(lambda _: None)


def messages(*bodies: str) -> Answer:
    """A poll that brings these."""
    return lambda _: {
        "Messages": [
            {"Body": body, "ReceiptHandle": body, "Attributes": {"ApproximateReceiveCount": "3"}}
            for body in bodies
        ]
    }


def nothing(_request: Request) -> Request:
    """A poll that brings none."""
    return {}


@asynccontextmanager
async def session_of(
    receive: Answer,
    answers: Mapping[str, Answer] = MappingProxyType({}),
    clock: ManualClock | None = None,
) -> AsyncIterator[tuple[SqsSession, Service]]:
    """A session over the queue of the logs."""
    with sqs_of({RECEIVE: receive, DELETE: TAKEN, HIDE: TAKEN, **answers}) as place:
        client, queues, service = place
        limits = replace(DEFAULT_LIMITS, lease_seconds=LEASE_SECONDS)
        session = SqsSession(
            client, queues, NAMES, clock or ManualClock(), limits, (NAMES.queues[0],)
        )
        try:
            yield session, service
        finally:
            session.abandon()


async def take(session: SqsSession, count: int) -> list[HeldClaim]:
    """Claim so many, as they come."""
    claims: list[HeldClaim] = []
    async with asyncio.timeout(5):
        while len(claims) < count:
            claims += await session.claim(count - len(claims), ANY_SIZE, 0)
            await asyncio.sleep(0.01)
    return claims
