"""A batch as Lambda hands it out from SQS -> its messages.

{"Records": [{"messageId": "059f36b4…",              what is returned, to have it delivered again
              "receiptHandle": "AQEBwJnKyrHigUMZ…",  what hides it meanwhile
              "body": "logweir/1 …",
              "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
              "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:logweir-logs"}]}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from logweir.errors import LogweirError
from logweir.pipeline.broker import Delivery


class NotSqs(LogweirError):
    """An event that SQS does not send to us. The words hold nothing of it."""


class Record(NamedTuple):
    """A message of a batch; without a delivery it could not be read."""

    id: str
    queue: str
    handle: str
    delivery: Delivery | None


def read_records(event: object) -> Sequence[Record]:
    """Raises NotSqs."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise NotSqs("it has no list of Records")
    return [_record(record) for record in records]


def _record(record: Any) -> Record:
    if not isinstance(record, dict) or not (id_ := _text(record, "messageId")):
        # It could not be returned, so it would be lost: then all of them come again.
        raise NotSqs("a record has no messageId")
    body = record.get("body")
    return Record(
        id=id_,
        queue=_text(record, "eventSourceARN"),
        handle=_text(record, "receiptHandle"),
        delivery=Delivery(
            # Half of a surrogate pair is bad UTF-8, which is quarantined like any other.
            body.encode(errors="surrogatepass"),
            _deliveries(record.get("attributes")),
            unanswered=None,
        )
        if isinstance(body, str)
        else None,
    )


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _deliveries(attributes: object) -> int:
    try:
        return max(1, int(attributes["ApproximateReceiveCount"]))  # type: ignore[index]
    except (LookupError, TypeError, ValueError):
        return 1
