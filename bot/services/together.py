"""Small pieces of work that many wait to have written, in as few transactions as there are turns for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from bot.storage.engine import Connection

AT_ONCE = 25
"""So many share a transaction: others want to write too."""

T = TypeVar("T")
Work = Callable[[Connection], Awaitable[Any]]
"""What is done in a transaction."""
_ENOUGH = 2
"""So many that fail alone are the database's fault."""
_Waiting = tuple[Work, "asyncio.Future[Any]"]


class Together:
    """Does what came to wait during one transaction all in the next one, in the order of asking.

    `commit` does some works in one transaction and gives what each gave.
    """

    def __init__(self, commit: Callable[[Sequence[Work]], Awaitable[Sequence[Any]]]) -> None:
        self._commit = commit
        self._waiting: deque[_Waiting] = deque()
        self._turn = asyncio.Lock()

    async def do(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Give what `work` gives, once it is committed; raise what it raises."""
        mine = (work, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        try:
            async with self._turn:
                while not mine[1].done():
                    await self._do_some()
        finally:
            if mine in self._waiting:  # it was cut off
                self._waiting.remove(mine)
        result: T = mine[1].result()
        return result

    async def _do_some(self) -> None:
        some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        try:
            await self._do_all(some)
        finally:  # where one was cut off, the others still want what was not written
            self._waiting.extendleft(one for one in reversed(some) if not one[1].done())

    async def _do_all(self, some: Sequence[_Waiting]) -> None:
        try:
            results = await self._commit([work for work, _ in some])
        except Exception as error:  # noqa: BLE001 - it is raised to who waits for it
            if len(some) == 1:
                _fail(some[0], error)
            else:
                await self._do_each(some)
        else:
            for (_, done), result in zip(some, results, strict=True):
                done.set_result(result)

    async def _do_each(self, some: Sequence[_Waiting]) -> None:
        """Do alone what failed together: what cannot be done keeps no other from it, unless nothing can be."""
        errors: list[BaseException] = []
        for one in some:
            if len(errors) < _ENOUGH:
                await self._do_all([one])
            else:
                _fail(one, errors[-1])
            if (error := one[1].exception()) is not None:
                errors.append(error)


def _fail(one: _Waiting, error: BaseException) -> None:
    one[1].set_exception(error)
    one[1].exception()  # who was cut off asks for it no more
