"""Events as Lambda gets them, and what it tells of an invocation."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any, Final

LOGS_ARN: Final = "arn:aws:sqs:us-east-1:000000000000:logweir-logs"

Headers = Sequence[tuple[str, str]]


class Context:
    """An invocation that has so many seconds left."""

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """As Lambda has it."""
        return int(self._seconds * 1000)


def url_event(
    body: bytes = b"",
    headers: Headers = (),
    *,
    method: str = "POST",
    path: str = "/ingest",
    as_text: bool = False,
) -> dict[str, Any]:
    """A function URL's or HTTP API's: payload 2.0, names in lower case, repeated ones joined.

    ``as_text``: the platform takes the body for text, whatever it is.
    """
    joined: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        joined[lower] = f"{joined[lower]},{value}" if lower in joined else value
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": joined,
        "requestContext": {
            "accountId": "anonymous",
            "domainName": "x.lambda-url.us-east-1.on.aws",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1"},
            "stage": "$default",
        },
        "isBase64Encoded": not as_text,
    }
    if body:
        event["body"] = (
            body.decode(errors="replace") if as_text else base64.b64encode(body).decode()
        )
    return event


def rest_event(
    body: bytes = b"", headers: Headers = (), *, method: str = "POST", path: str = "/ingest"
) -> dict[str, Any]:
    """A REST API's: payload 1.0, names as they came, each value by itself and the last again."""
    several: dict[str, list[str]] = {}
    for name, value in headers:
        several.setdefault(name, []).append(value)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": dict(headers),
        "multiValueHeaders": several,
        "requestContext": {"httpMethod": method, "path": path, "stage": "prod"},
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def sqs_event(*bodies: bytes | str, deliveries: int = 1) -> dict[str, Any]:
    """A batch: messages 0, 1 and so on, with receipts r0, r1."""
    return {
        "Records": [sqs_record(str(number), body, deliveries) for number, body in enumerate(bodies)]
    }


def sqs_record(id_: str, body: bytes | str, deliveries: int = 1) -> dict[str, Any]:
    """A message, with every member that Lambda documents."""
    return {
        "messageId": id_,
        "receiptHandle": f"r{id_}",
        "body": body if isinstance(body, str) else body.decode(),
        "attributes": {
            "ApproximateReceiveCount": str(deliveries),
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": LOGS_ARN,
        "awsRegion": "us-east-1",
    }


def failures(*ids: str) -> dict[str, Any]:
    """The answer that has these delivered again."""
    return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in ids]}


def ids_in(answer: dict[str, Any]) -> Iterable[str]:
    """Those that it has delivered again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
