"""Posts a flood's requests over HTTP, on connections that stay open."""

from __future__ import annotations

import errno
import json
from types import TracebackType
from typing import Final, Self

import aiohttp

from logweir.envelope import Source
from logweir.errors import InvalidId
from logweir.ids import LogId
from logweir.verify.flood import Reply
from logweir.verify.traffic import Request

_ANSWER_SECONDS_MAX: Final = 30.0
_TELL_THE_ID: Final = (202, 503)  # a 503 tells under which id to send it again


class Poster:
    """Sends requests to one URL; every failure becomes a Reply."""

    def __init__(self, url: str, connections: int) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def __call__(self, request: Request) -> Reply:
        """The answer, or the kind of the failure."""
        headers, body = _encoded(request)
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                raw = await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Reply(failure=_kind(error))
        return Reply(status=status, log=_log_id(raw) if status in _TELL_THE_ID else None)


def _encoded(request: Request) -> tuple[dict[str, str], bytes]:
    if request.source is Source.JSON:
        members = {"tenant_id": request.tenant, "text": request.text}
        if request.log is not None:
            members["log_id"] = request.log
        return {"Content-Type": "application/json"}, json.dumps(members).encode()
    headers = {"Content-Type": "text/plain", "X-Tenant-ID": request.tenant}
    if request.log is not None:
        headers["X-Log-ID"] = request.log
    return headers, request.text.encode()


def _log_id(raw: bytes) -> LogId | None:
    try:
        answer = json.loads(raw)
        return LogId(answer["log_id"])
    except (ValueError, KeyError, TypeError, InvalidId):  # whoever answers there
        return None


def _kind(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {_ANSWER_SECONDS_MAX:.0f} s"
    number = error.errno if isinstance(error, OSError) else None
    name = errno.errorcode.get(number or 0)
    return f"{type(error).__name__} {name}" if name else type(error).__name__
