"""What Google's client libraries raise, and what each error means for us. One table.

Only imported once something was raised: the library's errors cost a cold start 50 ms.
"""

from __future__ import annotations

from typing import Final

from google.api_core import exceptions as api
from google.auth import exceptions as auth
from grpc.aio import AioRpcError

from logweir.pipeline.patience import Meaning

# The most exact class of an error counts. https://google.aip.dev/194 says which are transient.
MEANINGS: Final[dict[type[Exception], Meaning]] = {
    # 3xx, 4xx
    api.Redirection: Meaning.OUTAGE,
    api.MovedPermanently: Meaning.OUTAGE,
    api.NotModified: Meaning.OUTAGE,
    api.TemporaryRedirect: Meaning.OUTAGE,
    api.ResumeIncomplete: Meaning.OUTAGE,
    api.ClientError: Meaning.REFUSED,
    api.BadRequest: Meaning.REFUSED,
    api.InvalidArgument: Meaning.REFUSED,
    api.OutOfRange: Meaning.REFUSED,
    api.RequestRangeNotSatisfiable: Meaning.REFUSED,
    api.LengthRequired: Meaning.REFUSED,
    # An index that is missing, a database of the other mode, an account that is not paid.
    api.FailedPrecondition: Meaning.OUTAGE,
    api.PreconditionFailed: Meaning.OUTAGE,
    api.Unauthorized: Meaning.OUTAGE,
    api.Unauthenticated: Meaning.OUTAGE,
    api.Forbidden: Meaning.OUTAGE,
    api.PermissionDenied: Meaning.OUTAGE,
    api.NotFound: Meaning.MISSING,
    api.MethodNotAllowed: Meaning.OUTAGE,
    api.Conflict: Meaning.TRANSIENT,
    api.AlreadyExists: Meaning.EXISTS,
    api.Aborted: Meaning.TRANSIENT,  # contention
    api.TooManyRequests: Meaning.TRANSIENT,
    api.ResourceExhausted: Meaning.TRANSIENT,
    api.Cancelled: Meaning.TRANSIENT,  # by the server or by a proxy between; ours is CancelledError
    # 5xx
    api.ServerError: Meaning.TRANSIENT,
    api.InternalServerError: Meaning.TRANSIENT,
    api.Unknown: Meaning.TRANSIENT,
    api.DataLoss: Meaning.OUTAGE,
    api.MethodNotImplemented: Meaning.OUTAGE,
    api.BadGateway: Meaning.TRANSIENT,
    api.ServiceUnavailable: Meaning.TRANSIENT,
    api.GatewayTimeout: Meaning.TRANSIENT,
    api.DeadlineExceeded: Meaning.TRANSIENT,
    # without a status
    api.GoogleAPICallError: Meaning.OUTAGE,
    api.GoogleAPIError: Meaning.OUTAGE,
    api.DuplicateCredentialArgs: Meaning.OUTAGE,
    api.RetryError: Meaning.OUTAGE,  # the library has tried long enough
    auth.GoogleAuthError: Meaning.OUTAGE,
}
ERRORS: Final = (api.GoogleAPIError, auth.GoogleAuthError, AioRpcError)


def meaning_of(error: Exception) -> Meaning:
    """What an error of ERRORS means, by the table."""
    return next(MEANINGS[kind] for kind in type(_named(error)).__mro__ if kind in MEANINGS)


def words_of(error: Exception) -> str:
    """An error on one line, without what it was about: that may quote a log's text."""
    return type(_named(error)).__name__


def _named(error: Exception) -> Exception:
    """gRPC has one class for all errors; the library's have one for each status."""
    if isinstance(error, AioRpcError):
        named: Exception = api.from_grpc_error(error)  # type: ignore[no-untyped-call]
        return named
    return error
