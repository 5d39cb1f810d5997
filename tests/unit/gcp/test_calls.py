"""Calls of Google's: which errors are tried again, for how long, and what becomes of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import pytest

pytest.importorskip("google.api_core", reason="comes with the extra gcp")

from google.api_core import exceptions as api
from google.auth.exceptions import RefreshError
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from logweir.backends.gcp.calls import Exists, Missing, confirmed, patiently
from logweir.errors import BrokerUnavailable, Refused, StoreUnavailable, Unavailable
from logweir.pipeline import patience

SECRET = "User 555-0199"


def api_error(kind: type[api.GoogleAPICallError]) -> Exception:
    """An error of the library's."""
    return kind(SECRET)


class Call:
    """Raises what it is given, in turn; then it returns its number. The last one may go on."""

    def __init__(self, errors: Iterable[BaseException], *, always: BaseException | None = None):
        self.errors = list(errors)
        self.always = always
        self.times: list[float] = []

    async def __call__(self) -> int:
        self.times.append(time.monotonic())
        if len(self.times) <= len(self.errors):
            raise self.errors[len(self.times) - 1]
        if self.always is not None:
            raise self.always
        return len(self.times)


async def test_what_a_call_returns_comes_back() -> None:
    call = Call([])
    assert await patiently(call, StoreUnavailable, seconds=0) == 1


async def test_a_transient_error_is_tried_again_until_it_works() -> None:
    errors = [api_error(api.ServiceUnavailable), api_error(api.Aborted), grpc_error()]
    call = Call(errors)
    assert await patiently(call, StoreUnavailable, seconds=5) == 4
    waits = [after - before for before, after in zip(call.times, call.times[1:], strict=False)]
    for wait, longest in zip(waits, (0.05, 0.1, 0.2), strict=True):
        assert longest / 2 <= wait < longest + 0.1


@pytest.mark.parametrize("unavailable", [StoreUnavailable, BrokerUnavailable])
async def test_no_try_begins_later_than_the_time_says(unavailable: type[Unavailable]) -> None:
    call = Call([], always=api_error(api.ServiceUnavailable))
    began = time.monotonic()
    with pytest.raises(unavailable, match=r"^ServiceUnavailable$"):
        await patiently(call, unavailable, seconds=0.5)
    assert len(call.times) > 3
    assert call.times[-1] - began < 0.5 + 0.02
    assert time.monotonic() - began < 0.6


async def test_a_thousand_errors_that_come_at_once_make_few_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "_BACKOFF_SECONDS_MAX", 0.2)
    call = Call(api_error(api.ResourceExhausted) for _ in range(1000))
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await patiently(call, StoreUnavailable, seconds=1)
    assert time.monotonic() - began < 1.1
    assert len(call.times) < 20


async def test_with_no_time_there_is_one_try() -> None:
    call = Call([], always=grpc_error())
    with pytest.raises(BrokerUnavailable):
        await patiently(call, BrokerUnavailable, seconds=0)
    assert len(call.times) == 1


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (api_error(api.PermissionDenied), StoreUnavailable),
        (api_error(api.FailedPrecondition), StoreUnavailable),
        (RefreshError(SECRET), StoreUnavailable),  # type: ignore[no-untyped-call]
        (api_error(api.AlreadyExists), Exists),
        (api_error(api.NotFound), Missing),
        (api_error(api.InvalidArgument), Refused),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_what_is_not_transient_is_told_at_once(
    error: Exception, raised: type[Exception]
) -> None:
    call = Call([], always=error)
    with pytest.raises(raised) as told:
        await patiently(call, StoreUnavailable, seconds=60)
    assert len(call.times) == 1
    assert str(told.value) == type(error).__name__


@pytest.mark.parametrize("error", [ValueError("ours"), TimeoutError(), KeyError("x"), OSError()])
async def test_what_is_not_google_s_passes_as_it_is(error: Exception) -> None:
    call = Call([api_error(api.Aborted)], always=error)
    with pytest.raises(type(error)) as raised:
        await patiently(call, StoreUnavailable, seconds=60)
    assert raised.value is error


async def test_a_caller_that_is_cancelled_ends_the_try() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def call() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(patiently(call, StoreUnavailable, seconds=60))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_caller_that_is_cancelled_between_two_tries_ends_the_waiting() -> None:
    call = Call([], always=api_error(api.ServiceUnavailable))
    task = asyncio.create_task(patiently(call, StoreUnavailable, seconds=60))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(call.times) == 1


async def test_a_confirmed_call_returns_as_any_other() -> None:
    call = Call([api_error(api.ServiceUnavailable)])
    assert await confirmed(call, BrokerUnavailable, seconds=1, what="topic t") == 2


async def test_a_confirmed_call_names_what_is_missing_and_what_to_look_at() -> None:
    call = Call([], always=api_error(api.NotFound))
    with pytest.raises(BrokerUnavailable) as raised:
        await confirmed(call, BrokerUnavailable, seconds=60, what="topic t")
    assert str(raised.value) == "there is no topic t: is it deployed?"
    assert len(call.times) == 1


@pytest.mark.parametrize("kind", [api.InvalidArgument, api.AlreadyExists, api.DataLoss])
async def test_to_a_confirmed_call_every_error_is_an_outage(
    kind: type[api.GoogleAPICallError],
) -> None:
    with pytest.raises(BrokerUnavailable, match=f"^{kind.__name__}$"):
        await confirmed(
            Call([], always=api_error(kind)), BrokerUnavailable, seconds=60, what="topic t"
        )


def grpc_error() -> AioRpcError:
    """What gRPC itself raises."""
    return AioRpcError(StatusCode.UNAVAILABLE, Metadata(), Metadata(), SECRET, SECRET)
