"""``send``: post one log to a running gateway."""

from __future__ import annotations

import asyncio
import json as jsonlib
import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from logweir.entrypoints.cli.access import Tenant, log_id, tenant_id
from logweir.entrypoints.cli.inputs import File, read_input
from logweir.entrypoints.cli.output import Json, one_line, print_json, print_line
from logweir.entrypoints.exits import Code, Usage, complain
from logweir.errors import Unavailable
from logweir.ids import LogId, TenantId
from logweir.settings import load
from logweir.verify.target import ingest_url

if TYPE_CHECKING:
    import aiohttp

_AGAIN: Final = (429, 503)
_BACKOFF_SECONDS: Final = 0.2
_PAUSE_SECONDS_MAX: Final = 30.0
_REQUEST_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the gateway said: the members of its answer, and when it wants to be asked again."""

    status: int
    members: dict[str, Any]
    retry_after_seconds: float = 0.0


def send(
    tenant: Tenant,
    file: File = None,
    name: Annotated[
        str | None, typer.Option("--log-id", metavar="ID", help="Else a random one is made.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json-body/--text", help="Send it as JSON, or as it is.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The gateway (by LOGWEIR_HOST and _PORT if not given)."),
    ] = None,
    tries: Annotated[int, typer.Option(min=1, max=100, help="While it is unavailable.")] = 5,
    json: Json = False,
) -> None:
    """Send a log to a running gateway, and print its tenant and log id.

    While the gateway cannot be reached or answers 429 or 503 it is sent again under the same log
    id, so that it is stored once. Exit code 1: it was refused; 4: unknown, send it again.
    """
    whose = tenant_id(tenant)
    log = LogId.random() if name is None else log_id(name)
    target = ingest_url(url or load(os.environ).url)
    headers, body = _request(whose, log, read_input(file), as_json)
    reply = asyncio.run(_post(target, headers, body, tries, log))
    if reply.status == 202:
        ids = f"{whose} {log}"
        print_json(reply.members) if json else print_line(ids)
        return
    if json:
        print_json(reply.members)
    again = f" Send it again with --log-id {log}." if reply.status in _AGAIN else ""
    complain(_refusal(reply) + again)
    raise typer.Exit(Code.UNAVAILABLE if reply.status in _AGAIN else Code.NEGATIVE)


def _request(
    tenant: TenantId, log: LogId, body: bytes, as_json: bool
) -> tuple[dict[str, str], bytes]:
    if not as_json:
        return {"Content-Type": "text/plain", "X-Tenant-ID": tenant, "X-Log-ID": log}, body
    try:
        members = {"tenant_id": tenant, "log_id": log, "text": body.decode()}
    except UnicodeDecodeError as error:
        raise Usage(f"the log is not UTF-8: the first bad byte is at {error.start}") from None
    return {"Content-Type": "application/json"}, jsonlib.dumps(members, ensure_ascii=False).encode()


async def _post(url: str, headers: dict[str, str], body: bytes, tries: int, log: LogId) -> Reply:
    """The last answer. Raises Unavailable where there is none."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS_MAX)
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
        for attempt in range(1, tries + 1):
            pause = _BACKOFF_SECONDS * 2.0 ** (attempt - 1) * (0.5 + random.random())
            try:
                reply = await _post_once(session, url, body)
            except (aiohttp.ClientError, TimeoutError) as error:
                what = f"{url} does not answer: {_failure(error)}"
                if attempt == tries:
                    raise Unavailable(f"{what}. Send it again with --log-id {log}.") from None
            else:
                if reply.status not in _AGAIN or attempt == tries:
                    return reply
                what = _refusal(reply)
                pause = max(pause, reply.retry_after_seconds)
            pause = min(pause, _PAUSE_SECONDS_MAX)
            complain(f"{what}; trying again in {pause:.1f} s")
            await asyncio.sleep(pause)
    raise AssertionError("unreachable")


async def _post_once(session: aiohttp.ClientSession, url: str, body: bytes) -> Reply:
    async with session.post(url, data=body, allow_redirects=False) as response:
        raw = await response.read()
        try:
            members = jsonlib.loads(raw)
        except ValueError:
            members = None
        if not isinstance(members, dict):  # a proxy's page, say
            members = {"status": response.status, "detail": one_line(raw.decode(errors="replace"))}
        after = response.headers.get("Retry-After", "")
        return Reply(response.status, members, float(after) if after.isdecimal() else 0.0)


def _failure(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else type(error).__name__


def _refusal(reply: Reply) -> str:
    """Problem details, in a line."""
    members = reply.members
    words = [f"{reply.status} {members.get('reason', '')}".strip()]
    words += [str(members[name]) for name in ("title", "detail") if name in members]
    numbers = [f"{name} {members[name]}" for name in ("limit", "actual") if name in members]
    line = " ".join(words) + (f" ({', '.join(numbers)})" if numbers else "")
    return one_line(line, 1000)
