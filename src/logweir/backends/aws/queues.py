"""Where the queues are: a URL for each name."""

from __future__ import annotations

from logweir.backends.aws.calls import confirmed
from logweir.backends.aws.clients import Client
from logweir.errors import BrokerUnavailable

_SECONDS = 4.0


class Queues:
    """URLs by names: made of the setting, or asked of SQS once for each name."""

    def __init__(self, client: Client, url_prefix: str | None) -> None:
        """``url_prefix``: the URLs without the names; None: SQS knows them."""
        self._client = client
        self._prefix = url_prefix
        self._known: dict[str, str] = {}

    async def url(self, name: str) -> str:
        """The URL of a queue. Raises BrokerUnavailable, also where there is no such queue."""
        if self._prefix is not None:
            return f"{self._prefix}/{name}"
        if name not in self._known:
            answer = await confirmed(
                lambda: self._client("get_queue_url", QueueName=name),
                BrokerUnavailable,
                seconds=_SECONDS,
                what=f"queue {name}",
            )
            self._known[name] = answer["QueueUrl"]
        return self._known[name]
