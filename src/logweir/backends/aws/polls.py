"""Long polls of queues: what has come, and is not claimed yet."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from logweir.backends.aws.calls import confirmed
from logweir.backends.aws.clients import Client
from logweir.backends.aws.queues import Queues
from logweir.errors import BrokerUnavailable
from logweir.limits import MIB
from logweir.pipeline.broker import Delivery, weight_of
from logweir.pipeline.held import Held, HeldClaim

_RECEIVED_MAX: Final = 10  # by one poll
_WAIT_SECONDS: Final = 2  # of an empty poll; as long may an end take
_AT_ONCE: Final = 4  # polls of one queue while it is full
_ROOM: Final = _AT_ONCE * _RECEIVED_MAX  # messages of one queue that are not claimed yet
_ROOM_BYTES: Final = 8 * MIB  # of these: then no poll begins, each of which may bring ten more
_OUTAGE_SECONDS: Final = 0.5  # between two tries while SQS does not answer
_COUNT: Final = "ApproximateReceiveCount"


class Polls:
    """A loop for each queue, so long as there is room."""

    def __init__(
        self, client: Client, queues: Queues, held: Held, dead: str, lease_seconds: int
    ) -> None:
        """``dead``: which of the queues has what SQS gave up."""
        self._received = held.received
        self._client = client.apart(_AT_ONCE * len(self._received))
        self._queues = queues
        self._dead = dead
        self._lease_seconds = lease_seconds
        self._stopping = False
        self.failure: BrokerUnavailable | None = None  # of a poll, until somebody takes it
        self._room = asyncio.Event()
        self._tasks = [asyncio.create_task(self._keep(name)) for name in self._received]

    def taken(self) -> None:
        """Something was claimed: there may be room."""
        self._room.set()

    async def close(self) -> None:
        """Begin no poll more, and wait for those that are under way: they may bring something."""
        self._stopping = True
        self._room.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._client.close()

    def abandon(self) -> None:
        """Let nothing more come, without waiting."""
        for task in self._tasks:
            task.cancel()
        self._client.close()

    async def _keep(self, name: str) -> None:
        at_once = 1
        while not self._stopping:
            polls = min(at_once, self._room_for(name))
            if polls <= 0:
                self._room.clear()
                await self._room.wait()
                continue
            # To the end of each: what one brings after another's failure must be handed back too.
            results = await asyncio.gather(
                *(self._poll(name) for _ in range(polls)), return_exceptions=True
            )
            if errors := [each for each in results if isinstance(each, BaseException)]:
                self.failure = _outage(errors[0])
                await asyncio.sleep(_OUTAGE_SECONDS)
            received = sum(each for each in results if isinstance(each, int))
            # An empty queue is asked by one: each request is paid for.
            at_once = _AT_ONCE if 2 * received >= polls * _RECEIVED_MAX else 1

    def _room_for(self, name: str) -> int:
        """How many polls may begin."""
        waiting = self._received[name]
        if sum(len(claim.delivery.raw) for claim in waiting) >= _ROOM_BYTES:
            return 0
        return (_ROOM - len(waiting)) // _RECEIVED_MAX

    async def _poll(self, name: str) -> int:
        url = await self._queues.url(name)
        answer = await confirmed(
            lambda: self._client(
                "receive_message",
                QueueUrl=url,
                MaxNumberOfMessages=_RECEIVED_MAX,
                WaitTimeSeconds=_WAIT_SECONDS,
                VisibilityTimeout=self._lease_seconds,
                MessageSystemAttributeNames=[_COUNT],
            ),
            BrokerUnavailable,
            seconds=0,
            what=f"queue {name}",
        )
        messages = answer.get("Messages", [])
        self._received[name].extend(self._claim(message, name) for message in messages)
        return len(messages)

    def _claim(self, message: dict[str, Any], name: str) -> HeldClaim:
        # A body that cannot be one of ours must be quarantined like any other.
        raw = message["Body"].encode(errors="surrogatepass")
        return HeldClaim(
            ticket=message["ReceiptHandle"],
            queue=name,
            delivery=Delivery(
                raw,
                int(message["Attributes"][_COUNT]),
                unanswered=None,
                given_up=name == self._dead,
            ),
            weight_bytes=weight_of(raw),
        )


def _outage(error: BaseException) -> BrokerUnavailable:
    if isinstance(error, BrokerUnavailable):
        return error
    # A bug must not end a loop unseen.
    return BrokerUnavailable(f"a poll broke off: {type(error).__name__}")
