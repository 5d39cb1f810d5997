"""An HTTP event -> the answer that Lambda sends, by the same ``Ingest`` as on a server."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

import structlog

from logweir.clock import Clock
from logweir.entrypoints.deadline import Deadline
from logweir.entrypoints.http import check_whole
from logweir.entrypoints.ingest import Answer, Ingest
from logweir.entrypoints.lambdas.events import NotHttp, Request, read_request
from logweir.entrypoints.logs import blame
from logweir.errors import Rejection
from logweir.limits import Limits
from logweir.pipeline.accept import Opening
from logweir.pipeline.admission import Admission
from logweir.pipeline.inflate import Coding
from logweir.pipeline.plan import Planner
from logweir.reasons import Reason

_log = structlog.get_logger()

# What a function needs at its end, to answer before it is cut off.
_MARGIN_SECONDS: Final = 1.0
_REPLACED: Final = "\ufffd".encode()


class Requests:
    """Answers one at a time, as Lambda asks."""

    def __init__(
        self, planner: Planner, clock: Clock, limits: Limits, admission: Admission | None = None
    ) -> None:
        """Without ``admission`` unfinished work has no bound."""
        self._ingest = Ingest(planner, clock, limits, admission)
        self._publish_seconds_max = limits.publish_seconds_max

    async def answer(self, event: object, seconds_left: float) -> dict[str, Any]:
        """What Lambda sends, whatever the event is; within ``seconds_left``."""
        try:
            request = read_request(event)
        except NotHttp as error:
            _log.error("event_refused", reason=str(error))
            return _bare(HTTPStatus.BAD_REQUEST, f"This event is no HTTP request: {error}.")
        try:
            answer = await self._take(request, seconds_left - _MARGIN_SECONDS)
        except Exception as error:  # noqa: BLE001  # a bug: Lambda would print the error's words
            _log.error("request_failed", **blame(error))
            return _bare(HTTPStatus.INTERNAL_SERVER_ERROR, "Send it again, with the same log_id.")
        if answer.reason is not None:
            _log.info("refused", reason=answer.reason.code, status=answer.status)
        return _told(answer)

    async def _take(self, request: Request, seconds: float) -> Answer:
        ingest = self._ingest
        try:
            # Lambda gives a sandbox one request at a time, and bounds how many there are.
            opening = ingest.open(request.method, request.path, request.headers, 1)
            _check(request, opening)
        except Rejection as rejection:
            return ingest.refuse(rejection)
        publishing = Deadline(min(self._publish_seconds_max, seconds))
        return await ingest.take(opening, request.body, publishing)


def _check(request: Request, opening: Opening) -> None:
    """Raises Rejection where the body is not what was sent."""
    if not request.was_text:
        check_whole(request.body, opening.content_length)
    elif opening.coding is Coding.IDENTITY and opening.content_length != len(request.body):
        # The platform puts U+FFFD, three bytes, for what is not UTF-8; nothing else tells of it.
        if opening.content_length is not None and _REPLACED in request.body:
            raise Rejection(Reason.INVALID_UTF8, "Send UTF-8.")
        check_whole(request.body, opening.content_length)


def _told(answer: Answer) -> dict[str, Any]:
    return {
        "statusCode": answer.status,
        "headers": {name.decode(): value.decode() for name, value in answer.headers},
        "body": answer.body.decode(),
        "isBase64Encoded": False,
    }


def _bare(status: HTTPStatus, detail: str) -> dict[str, Any]:
    """A problem that no client of the route can meet, and that has no reason of ours."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return _told(
        Answer(
            status, ((b"content-type", b"application/problem+json"),), json.dumps(problem).encode()
        )
    )
