"""What the gateway's function is compared with: it sends what it gets to SQS, and answers 202."""

from __future__ import annotations

import os
from typing import Any

import botocore.session

_QUEUE = f"{os.environ['LOGWEIR_AWS_QUEUE_URL']}/logweir-logs"
_client: Any = botocore.session.Session().create_client("sqs")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Confirmed before the answer, like ours."""
    _client.send_message(QueueUrl=_QUEUE, MessageBody=event["body"])
    return {"statusCode": 202, "body": '{"status":"accepted"}'}
