"""A batch of SQS's messages: all are worked on at the same time, and what must come again is told.

Ack ─────────────────────────────────────────────────────▶ deleted by Lambda
Retry(after) ──────▶ hidden for so long ─────────────────▶ returned, and delivered again then
out of time ───────▶ cancelled ──▶ hidden no more ───────▶ returned, and delivered again at once
failed, unread ──────────────────────────────────────────▶ returned; when its visibility is over
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, assert_never

import structlog

from logweir.entrypoints.lambdas.records import Record, read_records
from logweir.entrypoints.logs import blame
from logweir.errors import Misconfigured
from logweir.pipeline.consume import Ack, Consumer, Retry
from logweir.settings import Settings

_log = structlog.get_logger()

# The end of an invocation: two seconds for what is cancelled to end, two to hide no more what it
# was, and one to answer.
MARGIN_SECONDS: Final = 5.0
_STEP_SECONDS: Final = 2.0

# A function ends after 900 s. A minute of that is for waiting, for the store, and for the end of a
# long text.
CHUNK_SECONDS_MAX: Final = 840

Hide = Callable[[str, str, float], Awaitable[None]]


def check_settings(settings: Settings) -> None:
    """Raises Misconfigured where a function cannot work as they say."""
    if not 0 < settings.chunk_seconds <= CHUNK_SECONDS_MAX:
        raise Misconfigured(
            f"LOGWEIR_CHUNK_SECONDS: must be above 0, and {CHUNK_SECONDS_MAX} at most, since a"
            f" function ends after 900 s; it is {settings.chunk_seconds:g}"
        )


class Batches:
    """Works on one batch after the other."""

    def __init__(self, consumer: Consumer, hide: Hide | None, chunk_seconds: float) -> None:
        """``hide``: a message, by its queue and its receipt, for so many seconds from now."""
        self._consumer = consumer
        self._hide = hide
        self._seconds_wanted = chunk_seconds + MARGIN_SECONDS
        self._was_short = False

    async def work_on(self, event: object, seconds_left: float) -> dict[str, Any]:
        """Lambda's answer: what of the batch is to be delivered again. Raises NotSqs."""
        records = read_records(event)
        self._look_at(seconds_left)
        tasks = {asyncio.create_task(self._bring_on(record)): record for record in records}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(0.0, seconds_left - MARGIN_SECONDS))
            if late:
                await self._cut_off({task: tasks[task] for task in late})
        again = dict.fromkeys(record.id for task, record in tasks.items() if not _is_done(task))
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in again]}

    async def _bring_on(self, record: Record) -> bool:
        """Is it done?"""
        if record.delivery is None:
            _log.error("record_unreadable", message=record.id)
            return False
        try:
            verdict = await self._consumer.consume(record.delivery)
        except Exception as error:  # noqa: BLE001  # a bug must not take the others along
            _log.error("consume_failed", **blame(error))
            return False
        match verdict:
            case Ack():
                return True
            case Retry(after_seconds):
                await self._hide_for(record, after_seconds)
                return False
            case _:
                assert_never(verdict)

    async def _cut_off(self, late: dict[asyncio.Task[bool], Record]) -> None:
        _log.warning("cut_off", messages=len(late))
        await _cancel(late)
        again = [record for task, record in late.items() if not task.done() or task.cancelled()]
        hiding = [asyncio.create_task(self._hide_for(record, 0)) for record in again]
        if hiding:
            _, unfinished = await asyncio.wait(hiding, timeout=_STEP_SECONDS)
            for task in unfinished:
                task.cancel()

    async def _hide_for(self, record: Record, seconds: float) -> None:
        """Where it fails, the message only comes later."""
        if self._hide is None:
            return
        try:
            await self._hide(record.queue, record.handle, seconds)
        except Exception as error:  # noqa: BLE001
            _log.warning("hide_failed", **blame(error))

    def _look_at(self, seconds_left: float) -> None:
        if seconds_left < self._seconds_wanted and not self._was_short:
            self._was_short = True
            _log.error(
                "timeout_too_short",
                seconds=seconds_left,
                wanted=self._seconds_wanted,
                reason="chunks of LOGWEIR_CHUNK_SECONDS cannot end in the function's time",
            )


async def _cancel(tasks: Collection[asyncio.Task[bool]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_STEP_SECONDS)


def _is_done(task: asyncio.Task[bool]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None and task.result()
