"""Group commit: many callers' operations in one transaction, so that they share one fsync."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

import apsw

from logweir.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")
Read = TypeVar("Read")


class GroupCommit(Generic[Item, Result]):
    """Runs ``write(connection, items)`` in a transaction for all the items that came meanwhile.

    While one transaction runs, new items wait and go into the next one together. ``run`` returns
    after the fsync. A failure of the disk fails the whole group with ``unavailable`` and closes
    the file; the next group opens it again, so service resumes by itself.

    The executor must run one call at a time for one GroupCommit: the connection is not shared.

    An item fails alone where ``write`` puts an exception in its place among the results.
    """

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        write: Callable[[apsw.Connection, Sequence[Item]], Sequence[Result | Exception]],
        unavailable: type[Unavailable],
        executor: Executor,
    ) -> None:
        self._connect = connect
        self._write = write
        self._unavailable = unavailable
        self._executor = executor
        # Kept, since Python 3.11 asks for it by a system call, and this is on the way of each log.
        self._loop = asyncio.get_running_loop()
        self._connection: apsw.Connection | None = None
        self._waiting: dict[asyncio.Future[Result], Item] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Is nothing waiting or under way?"""
        return self._task is None

    async def run(self, item: Item) -> Result:
        """Return the item's result once it is on the disk."""
        done: asyncio.Future[Result] = self._loop.create_future()
        self._waiting[done] = item
        if self._task is None:
            self._task = self._loop.create_task(self._run_groups())
        try:
            return await done
        finally:
            # Who gives up while the disk hangs must not pile up, nor be written later.
            self._waiting.pop(done, None)

    async def read(self, query: Callable[[apsw.Connection], Read]) -> Read:
        """Run a query between two groups, without the lock that a transaction takes."""
        try:
            return await self._loop.run_in_executor(self._executor, self._query, query)
        except (apsw.Error, OSError) as error:
            raise self._translated(error) from error

    async def close(self) -> None:
        """Close the file, after what is under way. It is opened again if it is used again."""
        while self._task is not None:
            await self._task
        await self._loop.run_in_executor(self._executor, self._close)

    async def _run_groups(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, {}
            results: Sequence[Result | Exception]
            try:
                results = await self._loop.run_in_executor(
                    self._executor, self._commit, list(group.values())
                )
            except Exception as error:  # noqa: BLE001  # each caller gets it
                results = [self._translated(error)] * len(group)
            for done, result in zip(group, results, strict=True):
                if done.done():  # its caller was cancelled; what is committed stays committed
                    continue
                if isinstance(result, Exception):
                    done.set_exception(result)
                else:
                    done.set_result(result)
        self._task = None

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _query(self, query: Callable[[apsw.Connection], Read]) -> Read:
        if self._connection is None:
            self._connection = self._connect()
        return query(self._connection)

    def _commit(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            results = self._write(self._connection, items)
            self._connection.execute("COMMIT")
        except BaseException:
            # After a failed fsync nothing that SQLite has in memory can be trusted any more.
            broken, self._connection = self._connection, None
            broken.close(True)
            raise
        return results

    def _translated(self, error: Exception) -> Exception:
        if isinstance(error, apsw.Error | OSError):
            return self._unavailable(f"{type(error).__name__}: {error}")
        return error
