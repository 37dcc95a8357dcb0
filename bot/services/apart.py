"""One of many things is done apart from the others: a bug in it keeps none of them waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from bot.errors import VedetteError

T = TypeVar("T")


class Apart:
    """`failing` are the keys of what failed when it was done last."""

    def __init__(self) -> None:
        self.failing: set[Hashable] = set()

    async def do(self, key: Hashable, work: Awaitable[T], report: Callable[[Exception], None]) -> T | None:
        """Do one of many; None where that fails, which is reported once until it works again.

        An error of ours goes on: it concerns the others, too.
        """
        try:
            result = await work
        except VedetteError:
            raise
        except Exception as error:  # noqa: BLE001 - the border of one thing among many
            if key not in self.failing:
                report(error)
            self.failing.add(key)
            return None
        self.failing.discard(key)
        return result
