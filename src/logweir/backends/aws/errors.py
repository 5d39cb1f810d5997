"""What botocore raises, and what each error means for us. One table, by code and by class.

A service answers with a code; where none comes, the class of the error counts, the most exact one.
Only what https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html calls
transient or throttling is tried again at once.
"""

from __future__ import annotations

from typing import Final

from botocore import exceptions as boto

from logweir.pipeline.patience import Meaning

# Older ones come with a prefix, in answers that are compatible with what SQS spoke before JSON.
_PREFIX: Final = "AWS.SimpleQueueService."

CODES: Final[dict[str, Meaning]] = {
    # any service
    "AccessDenied": Meaning.OUTAGE,
    "AccessDeniedException": Meaning.OUTAGE,
    "ExpiredToken": Meaning.OUTAGE,
    "ExpiredTokenException": Meaning.OUTAGE,
    "IncompleteSignature": Meaning.OUTAGE,
    "InternalError": Meaning.TRANSIENT,
    "InternalFailure": Meaning.TRANSIENT,
    "InternalServerError": Meaning.TRANSIENT,
    "InvalidClientTokenId": Meaning.OUTAGE,
    "InvalidSignatureException": Meaning.OUTAGE,  # also of a clock that is wrong
    "MissingAuthenticationToken": Meaning.OUTAGE,
    "NotAuthorized": Meaning.OUTAGE,
    "OptInRequired": Meaning.OUTAGE,
    "PriorRequestNotComplete": Meaning.TRANSIENT,
    "RequestExpired": Meaning.OUTAGE,
    "RequestLimitExceeded": Meaning.TRANSIENT,
    "RequestThrottled": Meaning.TRANSIENT,
    "RequestThrottledException": Meaning.TRANSIENT,
    "RequestTimeout": Meaning.TRANSIENT,
    "RequestTimeoutException": Meaning.TRANSIENT,
    "SerializationException": Meaning.REFUSED,
    "ServiceUnavailable": Meaning.TRANSIENT,
    "SignatureDoesNotMatch": Meaning.OUTAGE,
    "SlowDown": Meaning.TRANSIENT,
    "ThrottledException": Meaning.TRANSIENT,
    "Throttling": Meaning.TRANSIENT,
    "ThrottlingException": Meaning.TRANSIENT,
    "TooManyRequestsException": Meaning.TRANSIENT,
    "UnrecognizedClientException": Meaning.OUTAGE,
    "ValidationException": Meaning.REFUSED,
    # SQS
    "BatchEntryIdsNotDistinct": Meaning.REFUSED,
    "BatchRequestTooLong": Meaning.REFUSED,
    "EmptyBatchRequest": Meaning.REFUSED,
    "InvalidAddress": Meaning.OUTAGE,
    "InvalidAttributeName": Meaning.REFUSED,
    "InvalidAttributeValue": Meaning.REFUSED,
    "InvalidBatchEntryId": Meaning.REFUSED,
    "InvalidMessageContents": Meaning.REFUSED,
    "InvalidParameterValue": Meaning.REFUSED,
    "InvalidSecurity": Meaning.OUTAGE,
    "KmsAccessDenied": Meaning.OUTAGE,
    "KmsDisabled": Meaning.OUTAGE,
    "KmsInvalidKeyUsage": Meaning.OUTAGE,
    "KmsInvalidState": Meaning.OUTAGE,
    "KmsNotFound": Meaning.OUTAGE,
    "KmsOptInRequired": Meaning.OUTAGE,
    "KmsThrottled": Meaning.TRANSIENT,
    "MessageNotInflight": Meaning.REFUSED,  # of this receipt, for ever
    "MissingParameter": Meaning.REFUSED,
    "NonExistentQueue": Meaning.MISSING,
    "OverLimit": Meaning.TRANSIENT,  # too many messages are in flight
    "QueueDeletedRecently": Meaning.OUTAGE,  # its name may be used again after a minute
    "QueueDoesNotExist": Meaning.MISSING,
    "QueueNameExists": Meaning.EXISTS,
    "ReceiptHandleIsInvalid": Meaning.REFUSED,  # the same
    "TooManyEntriesInBatchRequest": Meaning.REFUSED,
    "UnsupportedOperation": Meaning.REFUSED,
    # DynamoDB
    "ConditionalCheckFailedException": Meaning.UNMET,
    "ItemCollectionSizeLimitExceededException": Meaning.OUTAGE,
    "LimitExceededException": Meaning.TRANSIENT,
    "ProvisionedThroughputExceededException": Meaning.TRANSIENT,
    "ReplicatedWriteConflictException": Meaning.TRANSIENT,
    "ResourceInUseException": Meaning.EXISTS,
    "ResourceNotFoundException": Meaning.MISSING,
    "TransactionConflictException": Meaning.TRANSIENT,
}

CLASSES: Final[dict[type[Exception], Meaning]] = {
    boto.BotoCoreError: Meaning.OUTAGE,  # settings, credentials, profiles, endpoints
    boto.ConnectionError: Meaning.TRANSIENT,
    boto.SSLError: Meaning.OUTAGE,
    boto.HTTPClientError: Meaning.TRANSIENT,  # timeouts and connections that break among them
    boto.ChecksumError: Meaning.TRANSIENT,
    boto.FlexibleChecksumError: Meaning.TRANSIENT,
    boto.IncompleteReadError: Meaning.TRANSIENT,
    boto.CredentialRetrievalError: Meaning.TRANSIENT,
    boto.MetadataRetrievalError: Meaning.TRANSIENT,
    boto.ParamValidationError: Meaning.REFUSED,
}
ERRORS: Final = (boto.BotoCoreError, boto.ClientError)


def meaning_of(error: Exception) -> Meaning:
    """What an error of ERRORS means, by the table."""
    if isinstance(error, boto.ClientError):
        return meaning_of_code(_code(error), _status(error))
    return next(CLASSES[kind] for kind in type(error).__mro__ if kind in CLASSES)


def meaning_of_code(code: str, status: int = 400) -> Meaning:
    """What a service's code means; of one that is not in the table its HTTP status decides."""
    known = CODES.get(code.removeprefix(_PREFIX))
    if known is not None:
        return known
    # Never REFUSED: what nobody has thought of must not cost a log its attempts.
    return Meaning.TRANSIENT if status >= 500 or status == 429 else Meaning.OUTAGE


def words_of(error: Exception) -> str:
    """An error on one line, without what it was about: that may quote a log's text."""
    return _code(error) if isinstance(error, boto.ClientError) else type(error).__name__


def _code(error: boto.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def _status(error: boto.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
