"""botocore's clients, on threads of their own: it knows no event loop.

botocore alone, since boto3 and aiobotocore cost a cold start another 100 ms (ADR 10). A call that
is cancelled goes on in its thread, and nobody hears of it: each of ours may be made twice.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from logweir.errors import Misconfigured
from logweir.settings import Settings

_CALLS_MAX: Final = 32  # at once, of each service
_EMULATORS_REGION: Final = "us-east-1"
_CONFIG: Final = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"total_max_attempts": 1, "mode": "standard"},  # we try again, by our own table
    max_pool_connections=_CALLS_MAX,
    parameter_validation=False,  # half of a small call's time; what is wrong AWS says too
)


class Client:
    """A service: ``await client("get_item", TableName=…)`` is botocore's answer, and its errors."""

    def __init__(self, make: Callable[[], Any], threads: int) -> None:
        """``make``: botocore's own client, which takes 20 ms; at its first use."""
        self._make = make
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="aws")

    @functools.cached_property
    def raw(self) -> Any:
        """botocore's own client."""
        return self._make()

    def warm_up(self) -> None:
        """Make it now."""
        _ = self.raw

    async def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Raises what botocore raises; ``calls`` makes it ours."""
        call = functools.partial(getattr(self.raw, operation), **parameters)
        loop = asyncio.get_running_loop()
        answer: dict[str, Any] = await loop.run_in_executor(self._threads, call)
        return answer

    def apart(self, threads: int) -> Client:
        """The same on other threads, for calls that take long."""
        return Client(lambda: self.raw, threads)

    def close(self) -> None:
        """Begin nothing more. What is under way ends by itself, by its timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Clients:
    """Both services, as the settings say where they are."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected to before it is used. Raises Misconfigured."""
        try:
            session = botocore.session.Session()
            region = settings.aws_region or session.get_config_variable("region")
            if settings.on_emulators:
                # Nobody's real credentials, since whoever listens there could use their signature.
                session.set_credentials("test", "test")
                region = region or _EMULATORS_REGION
            if region is None:
                raise Misconfigured(
                    "LOGWEIR_AWS_REGION, --aws-region: the aws back end needs a region"
                )
            self.sqs, self.dynamodb = (
                Client(
                    functools.partial(
                        session.create_client,
                        service,
                        region_name=region,
                        endpoint_url=settings.aws_endpoint or None,
                        config=_CONFIG,
                    ),
                    _CALLS_MAX,
                )
                for service in ("sqs", "dynamodb")
            )
            self.sqs.warm_up()  # what is wrong with the settings shows here
        except (BotoCoreError, ValueError) as error:
            raise Misconfigured(f"AWS cannot be used: {error}") from error

    def close(self) -> None:
        """Begin nothing more."""
        self.sqs.close()
        self.dynamodb.close()
