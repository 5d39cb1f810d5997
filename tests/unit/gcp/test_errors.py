"""What Google's errors mean: the table is total, and right."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any, Final

import pytest

pytest.importorskip("google.api_core", reason="comes with the extra gcp")

import grpc
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from grpc.aio import AioRpcError, Metadata

from logweir.backends.gcp.errors import ERRORS, MEANINGS, meaning_of, words_of
from logweir.pipeline.patience import Meaning

SECRET: Final = "User 555-0199"

BY_STATUS: Final = {
    grpc.StatusCode.OK: Meaning.OUTAGE,  # no error has it
    grpc.StatusCode.CANCELLED: Meaning.TRANSIENT,
    grpc.StatusCode.UNKNOWN: Meaning.TRANSIENT,
    grpc.StatusCode.INVALID_ARGUMENT: Meaning.REFUSED,
    grpc.StatusCode.DEADLINE_EXCEEDED: Meaning.TRANSIENT,
    grpc.StatusCode.NOT_FOUND: Meaning.MISSING,
    grpc.StatusCode.ALREADY_EXISTS: Meaning.EXISTS,
    grpc.StatusCode.PERMISSION_DENIED: Meaning.OUTAGE,
    grpc.StatusCode.UNAUTHENTICATED: Meaning.OUTAGE,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Meaning.TRANSIENT,
    grpc.StatusCode.FAILED_PRECONDITION: Meaning.OUTAGE,
    grpc.StatusCode.ABORTED: Meaning.TRANSIENT,
    grpc.StatusCode.OUT_OF_RANGE: Meaning.REFUSED,
    grpc.StatusCode.UNIMPLEMENTED: Meaning.OUTAGE,
    grpc.StatusCode.INTERNAL: Meaning.TRANSIENT,
    grpc.StatusCode.UNAVAILABLE: Meaning.TRANSIENT,
    grpc.StatusCode.DATA_LOSS: Meaning.OUTAGE,
}
# Of resumable uploads over HTTP, which we have none of; not in every release of the library.
OF_UPLOADS: Final = getattr(api, "ResumableTransferError", ())


def classes_of(module: ModuleType) -> list[type[Exception]]:
    """The exception classes that a module defines."""
    return [
        kind
        for kind in vars(module).values()
        if inspect.isclass(kind)
        and issubclass(kind, Exception)
        and kind.__module__ == module.__name__
    ]


def made(kind: type[Exception]) -> Exception:
    """An error of a class, which quotes a log's text."""
    if kind is api.RetryError:
        return api.RetryError(SECRET, ValueError(SECRET))  # type: ignore[no-untyped-call]
    return kind(SECRET)


def of_grpc(status: grpc.StatusCode) -> AioRpcError:
    """What gRPC raises for a status."""
    return AioRpcError(status, Metadata(), Metadata(), SECRET, SECRET)


@pytest.mark.parametrize(
    "kind", [kind for kind in classes_of(api) if issubclass(kind, ERRORS)], ids=lambda k: k.__name__
)
def test_every_error_of_a_call_stands_in_the_table_itself(kind: type[Exception]) -> None:
    if OF_UPLOADS and issubclass(kind, OF_UPLOADS):
        assert kind not in MEANINGS
        assert meaning_of(made(kind)) is Meaning.OUTAGE
        return
    assert kind in MEANINGS, f"{kind.__name__} would count as {meaning_of(made(kind))}"
    assert meaning_of(made(kind)) is MEANINGS[kind]


def test_what_is_no_error_of_a_call_is_not_raised_over_grpc() -> None:
    others = {kind.__name__ for kind in classes_of(api) if not issubclass(kind, ERRORS)}
    assert others <= {"AsyncRestUnsupportedParameterError"}


@pytest.mark.parametrize("kind", classes_of(auth), ids=lambda kind: kind.__name__)
def test_whatever_fails_with_credentials_is_an_outage(kind: type[Exception]) -> None:
    assert issubclass(kind, ERRORS)
    assert meaning_of(made(kind)) is Meaning.OUTAGE


def test_every_status_of_grpc_is_named_here() -> None:
    assert set(BY_STATUS) == set(grpc.StatusCode)


@pytest.mark.parametrize(("status", "meaning"), BY_STATUS.items(), ids=str)
def test_a_status_means_the_same_from_grpc_and_from_the_library(
    status: grpc.StatusCode, meaning: Meaning
) -> None:
    assert isinstance(of_grpc(status), ERRORS)
    assert meaning_of(of_grpc(status)) is meaning
    named: Any = api.from_grpc_status(status, SECRET)  # type: ignore[no-untyped-call]
    assert meaning_of(named) is meaning
    assert words_of(named) == words_of(of_grpc(status))


@pytest.mark.parametrize(
    "error",
    [
        *(made(kind) for kind in classes_of(api) if issubclass(kind, ERRORS)),
        *(made(kind) for kind in classes_of(auth)),
        *map(of_grpc, grpc.StatusCode),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_words_of_an_error_are_one_name_and_nothing_of_a_text(error: Exception) -> None:
    words = words_of(error)
    assert words.isidentifier()
    assert "555" not in words
