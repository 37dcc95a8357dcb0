from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.charts import process
from bot.charts.process import IDLE_SECONDS, QUEUE_LIMIT, ProcessChartRenderer
from bot.core.charts import Bar, BarChart, BarGroup, ChartSpec
from bot.errors import ChartFailed
from tests.clocks import ManualClock

SPEC = BarChart(title="t", value_axis="v", groups=(BarGroup(name="g", bars=(Bar(label="b", value=1),)),))
ROOT = Path(process.__file__).parents[2]
PNG = b"\x89PNG\r\n"
ORPHAN = """
import asyncio
from bot.charts.process import ProcessChartRenderer
from bot.clock import SystemClock

async def main():
    renderer = ProcessChartRenderer(SystemClock())
    await renderer.warm_up()
    print(*renderer._pool._processes, flush=True)
    await asyncio.Event().wait()

if __name__ == "__main__":
    asyncio.run(main())
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadly(ChartSpec):
    """Kills the process that receives it."""

    def __reduce__(self):
        return os._exit, (1,)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def renderer(clock: ManualClock) -> AsyncIterator[ProcessChartRenderer]:
    renderer = ProcessChartRenderer(clock)
    yield renderer
    await renderer.close()


def child(renderer: ProcessChartRenderer):
    (process_,) = renderer._pool._processes.values()
    return process_


async def ended(process_) -> bool:
    """Tell whether the child is gone; its exit code may be taken by the pool's own thread, so its id is looked at."""
    for _ in range(400):
        try:
            os.kill(process_.pid, 0)
        except ProcessLookupError:
            return True
        await asyncio.to_thread(process_.join, 0.05)
    return False


async def test_one_child_draws_all_charts(renderer):
    assert renderer._pool is None
    await renderer.warm_up()
    first = child(renderer)
    assert (await renderer.render(SPEC)).startswith(PNG)
    assert child(renderer) is first


async def test_killed_child_is_replaced(renderer):
    await renderer.render(SPEC)
    first = child(renderer)
    os.kill(first.pid, signal.SIGKILL)
    assert (await renderer.render(SPEC)).startswith(PNG)
    assert child(renderer) is not first


async def test_child_killed_while_many_wait_costs_no_chart(renderer):
    await renderer.warm_up()
    first = child(renderer)
    os.kill(first.pid, signal.SIGSTOP)
    charts = [asyncio.ensure_future(renderer.render(SPEC)) for _ in range(3)]
    await asyncio.wait(charts, timeout=0)
    os.kill(first.pid, signal.SIGKILL)
    assert all(png.startswith(PNG) for png in await asyncio.gather(*charts))


async def test_chart_that_kills_every_child_fails_alone(renderer):
    with pytest.raises(ChartFailed, match="twice"):
        await renderer.render(Deadly(title="", value_axis=""))
    assert (await renderer.render(SPEC)).startswith(PNG)


async def test_chart_nobody_can_draw_fails_and_the_child_lives(renderer):
    await renderer.warm_up()
    first = child(renderer)
    with pytest.raises(ChartFailed, match="no way to draw"):
        await renderer.render(ChartSpec(title="", value_axis=""))
    assert child(renderer) is first


async def test_child_that_hangs_is_given_up(renderer, clock):
    await renderer.warm_up()
    stuck = child(renderer)
    os.kill(stuck.pid, signal.SIGSTOP)
    chart = asyncio.ensure_future(renderer.render(SPEC))
    while process.LONGEST_DRAWING_SECONDS not in await clock.asleep():
        await asyncio.wait([chart], timeout=0)
    clock.advance(process.LONGEST_DRAWING_SECONDS)
    with pytest.raises(ChartFailed, match="60 s"):
        await chart
    assert await ended(stuck)
    assert (await renderer.render(SPEC)).startswith(PNG)


async def test_queue_has_a_limit(renderer):
    answers = await asyncio.gather(
        *(renderer.render(SPEC) for _ in range(QUEUE_LIMIT + 1)), return_exceptions=True
    )
    assert sum(isinstance(answer, bytes) for answer in answers) == QUEUE_LIMIT
    assert isinstance(answers[-1], ChartFailed)


async def test_idle_child_ends_and_comes_back_when_needed(renderer, clock):
    await renderer.render(SPEC)
    first = child(renderer)
    await clock.asleep()
    clock.advance(IDLE_SECONDS - 1)
    await renderer.render(SPEC)
    assert child(renderer) is first
    await clock.asleep()
    clock.advance(IDLE_SECONDS)
    assert await ended(first)
    assert (await renderer.render(SPEC)).startswith(PNG)


async def test_worn_child_is_replaced(renderer, monkeypatch):
    monkeypatch.setattr(process, "CHARTS_PER_CHILD", 2)
    await renderer.render(SPEC)
    first = child(renderer)
    await renderer.render(SPEC)
    assert await ended(first)
    assert (await renderer.render(SPEC)).startswith(PNG)


async def test_interrupt_from_the_keyboard_does_not_end_the_child(renderer):
    await renderer.warm_up()
    first = child(renderer)
    os.kill(first.pid, signal.SIGINT)
    assert (await renderer.render(SPEC)).startswith(PNG)
    assert child(renderer) is first


async def test_closing_ends_the_child_and_refuses_more(renderer):
    await renderer.warm_up()
    first = child(renderer)
    await renderer.close()
    assert await ended(first)
    with pytest.raises(ChartFailed):
        await renderer.render(SPEC)


def test_child_does_not_outlive_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(ORPHAN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as parent:
        orphan = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        assert select.select([orphan], [], [], 30)[0]
    finally:
        os.close(orphan)


def test_only_the_child_loads_the_drawing_library():
    code = "import sys, bot.charts.process; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
