"""What waits in SQS: by lane, and approximately, as SQS says itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from logweir.backends.aws.calls import confirmed
from logweir.backends.aws.clients import Client
from logweir.backends.aws.names import Names
from logweir.backends.aws.queues import Queues
from logweir.errors import BrokerUnavailable
from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Backlog, Lane, Whereabouts

_SECONDS: Final = 4.0
_VISIBLE: Final = "ApproximateNumberOfMessages"
_DELAYED: Final = "ApproximateNumberOfMessagesDelayed"
_IN_FLIGHT: Final = "ApproximateNumberOfMessagesNotVisible"


class SqsBacklog:
    """The BacklogReader. The age of the oldest message is CloudWatch's matter: not told here."""

    def __init__(self, client: Client, queues: Queues, names: Names) -> None:
        self._client = client
        self._queues = queues
        self._names = names

    async def backlog(self) -> Sequence[Backlog]:
        """Each lane that has a queue; chunks are counted with the logs where they share one."""
        lanes = {self._names.queue(lane): lane for lane in reversed(Lane)}
        return [await self._lane(name, lane) for name, lane in reversed(lanes.items())]

    async def locate(self, tenant: TenantId, log: LogId) -> Whereabouts | None:  # noqa: ARG002
        """SQS cannot find single messages."""
        return None

    async def quarantined(self) -> int | None:
        """How many messages the quarantine has."""
        return sum((await self._counts(self._names.quarantine)).values())

    async def messages_of(self, lane: Lane) -> int | None:
        """How many there are, about; None where both lanes share a queue."""
        if len(self._names.queues) == 1:
            return None
        return sum((await self._counts(self._names.queue(lane))).values())

    async def _lane(self, name: str, lane: Lane) -> Backlog:
        counts = await self._counts(name)
        return Backlog(
            lane=lane,
            waiting=counts[_VISIBLE] + counts[_DELAYED],
            in_flight=counts[_IN_FLIGHT],
            oldest_seconds=None,
        )

    async def _counts(self, name: str) -> dict[str, int]:
        url = await self._queues.url(name)
        names = [_VISIBLE, _DELAYED, _IN_FLIGHT]
        answer = await confirmed(
            lambda: self._client("get_queue_attributes", QueueUrl=url, AttributeNames=names),
            BrokerUnavailable,
            seconds=_SECONDS,
            what=f"queue {name}",
        )
        return {each: int(answer["Attributes"][each]) for each in names}
