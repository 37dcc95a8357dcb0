"""Every case of the table, one after the other on one running bot; after a case that failed, on a new one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.bench import Bench, Case, opened
from tests.faults.rounds import Supply
from tests.faults.table import CASES

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


class Benches:
    """Opens a bench where there is none."""

    def __init__(self, factory: pytest.TempPathFactory, supply: Supply) -> None:
        self._factory = factory
        self._supply = supply
        self._stack = AsyncExitStack()
        self._bench: Bench | None = None

    async def current(self) -> Bench:
        if self._bench is None:
            folder = self._factory.mktemp("faults")
            self._bench = await self._stack.enter_async_context(opened(folder, self._supply))
        return self._bench

    async def close(self) -> None:
        self._bench = None
        await self._stack.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def benches(tmp_path_factory: pytest.TempPathFactory, reference_data: Path) -> AsyncIterator[Benches]:
    benches = Benches(tmp_path_factory, Supply(reference_data / "etlegacy"))
    yield benches
    await benches.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_fault_ends_in_the_right_state_and_words(benches: Benches, case: Case) -> None:
    try:
        await (await benches.current()).run(case)
    except BaseException:
        await benches.close()
        raise
