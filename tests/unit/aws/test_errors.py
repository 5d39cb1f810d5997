"""What AWS's errors mean: the table is total, and right."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final

import pytest

pytest.importorskip("botocore", reason="comes with the extra aws")

import botocore.session
from botocore import exceptions as boto

from logweir.backends.aws.errors import (
    CLASSES,
    CODES,
    ERRORS,
    meaning_of,
    meaning_of_code,
    words_of,
)
from logweir.pipeline.patience import Meaning

SECRET: Final = "User 555-0199"
# All that we ever call.
OPERATIONS: Final = {
    "sqs": (
        *("SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch"),
        *("ChangeMessageVisibility", "ChangeMessageVisibilityBatch"),
        *("GetQueueAttributes", "GetQueueUrl", "CreateQueue"),
    ),
    "dynamodb": (
        *("GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
        *("Query", "CreateTable", "DescribeTable", "DescribeTimeToLive", "UpdateTimeToLive"),
    ),
}
# Of botocore's own making: no call of ours raises them, and they are no BotoCoreError.
NOT_RAISED: Final = {boto.UndefinedModelAttributeError, boto.MissingServiceIdError}


def modelled() -> Iterator[str]:
    """The codes that the services' own descriptions name for our operations."""
    session = botocore.session.Session()
    for service, operations in OPERATIONS.items():
        model = session.get_service_model(service)
        for operation in operations:
            for shape in model.operation_model(operation).error_shapes:
                yield shape.error_code  # type: ignore[attr-defined]  # a StructureShape


def a_client_error(code: str, status: int = 400) -> boto.ClientError:
    """As botocore makes it of an answer, quoting a log's text."""
    return boto.ClientError(
        {
            "Error": {"Code": code, "Message": SECRET},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "PutItem",
    )


@pytest.mark.parametrize("code", sorted(set(modelled())))
def test_every_code_that_our_calls_can_answer_is_in_the_table(code: str) -> None:
    assert code in CODES


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(boto).values()
        if inspect.isclass(kind)
        and issubclass(kind, Exception)
        and not issubclass(kind, Warning)
        and kind.__module__ == boto.__name__
    ],
)
def test_every_class_of_botocores_has_a_meaning(kind: type[Exception]) -> None:
    if kind in NOT_RAISED:
        assert not issubclass(kind, ERRORS)
        return
    assert issubclass(kind, ERRORS)
    assert kind is boto.ClientError or any(
        base in CLASSES or base is boto.ClientError for base in kind.__mro__
    )


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (boto.EndpointConnectionError(endpoint_url=SECRET), Meaning.TRANSIENT),
        (boto.ConnectTimeoutError(endpoint_url=SECRET), Meaning.TRANSIENT),
        (boto.ReadTimeoutError(endpoint_url=SECRET), Meaning.TRANSIENT),
        (boto.ConnectionClosedError(endpoint_url=SECRET), Meaning.TRANSIENT),
        (boto.SSLError(endpoint_url=SECRET, error=OSError(SECRET)), Meaning.OUTAGE),
        (boto.NoCredentialsError(), Meaning.OUTAGE),
        (boto.ParamValidationError(report=SECRET), Meaning.REFUSED),
        (a_client_error("ProvisionedThroughputExceededException"), Meaning.TRANSIENT),
        (a_client_error("ConditionalCheckFailedException"), Meaning.UNMET),
        (a_client_error("ValidationException"), Meaning.REFUSED),
        (a_client_error("ResourceNotFoundException"), Meaning.MISSING),
        (a_client_error("ResourceInUseException"), Meaning.EXISTS),
        (a_client_error("AccessDeniedException"), Meaning.OUTAGE),
        (a_client_error("AWS.SimpleQueueService.NonExistentQueue"), Meaning.MISSING),
    ],
)
def test_what_they_mean(error: Exception, meaning: Meaning) -> None:
    assert meaning_of(error) is meaning
    assert SECRET not in words_of(error)


def test_a_code_that_nobody_has_thought_of_is_never_a_logs_fault() -> None:
    assert meaning_of_code("NewFangledException") is Meaning.OUTAGE
    assert meaning_of(a_client_error("NewFangledException", 400)) is Meaning.OUTAGE
    assert meaning_of(a_client_error("NewFangledException", 429)) is Meaning.TRANSIENT
    assert meaning_of(a_client_error("NewFangledException", 503)) is Meaning.TRANSIENT
