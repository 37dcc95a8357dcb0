"""Work that shares transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bot.errors import StorageError
from bot.services.together import AT_ONCE, Together, Work
from bot.storage.engine import Connection


class Ledger:
    """What was committed, a transaction after the other; each waits until it may."""

    def __init__(self) -> None:
        self.committed: list[list[Any]] = []
        self.may = asyncio.Event()
        self.fails = False

    async def commit(self, works: Sequence[Work]) -> list[Any]:
        await self.may.wait()
        if self.fails:
            raise StorageError("disk full")
        done = [await work(None) for work in works]
        self.committed.append(done)
        return done


def give(number: int) -> Work:
    async def work(_: Connection) -> int:
        return number

    return work


async def begun(together: Together, count: int, first: int = 0) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(together.do(give(number))) for number in range(first, first + count)]
    for _ in range(3):
        await asyncio.sleep(0)  # noqa: TID251 - the tasks come to their turn
    return tasks


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def together(ledger: Ledger) -> Together:
    return Together(ledger.commit)


async def test_one_alone_has_a_transaction_of_its_own(ledger: Ledger, together: Together) -> None:
    ledger.may.set()
    assert [await together.do(give(number)) for number in range(3)] == [0, 1, 2]
    assert ledger.committed == [[0], [1], [2]]


async def test_what_waited_shares_the_next_one_in_its_order(ledger: Ledger, together: Together) -> None:
    tasks = await begun(together, AT_ONCE + 3)
    ledger.may.set()
    assert await asyncio.gather(*tasks) == list(range(AT_ONCE + 3))
    assert [len(one) for one in ledger.committed] == [1, AT_ONCE, 2]
    assert [one for some in ledger.committed for one in some] == list(range(AT_ONCE + 3))


async def test_a_failure_is_everybodys_and_the_next_ones_begin_anew(
    ledger: Ledger, together: Together
) -> None:
    tasks = await begun(together, 3)
    ledger.fails = True
    ledger.may.set()
    assert {str(error) for error in await asyncio.gather(*tasks, return_exceptions=True)} == {"disk full"}
    ledger.fails = False
    assert await together.do(give(7)) == 7
    assert ledger.committed == [[7]]


async def test_one_that_cannot_be_done_keeps_no_other_from_it(ledger: Ledger, together: Together) -> None:
    async def wrong(_: Connection) -> int:
        raise StorageError("no such row")

    tasks = await begun(together, 3)
    tasks.insert(2, asyncio.create_task(together.do(wrong)))
    ledger.may.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(one) for one in found] == ["0", "1", "no such row", "2"]
    assert sorted(one for some in ledger.committed for one in some) == [0, 1, 2]


async def test_who_is_cut_off_takes_nobody_along(ledger: Ledger, together: Together) -> None:
    first, *others = await begun(together, 1) + await begun(together, 4, first=1)
    first.cancel()
    others[1].cancel()
    await asyncio.wait([first, others[1]])
    ledger.may.set()
    assert await asyncio.gather(others[0], *others[2:]) == [1, 3, 4]
    assert [one for some in ledger.committed for one in some] == [1, 3, 4]
