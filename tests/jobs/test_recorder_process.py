"""The recorder as a real process on a real socket: what becomes of it, of its bot and of what it records."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bot.clock import SystemClock
from bot.jobs.recorder_process import HUNG, IDLE, RecorderProcess
from bot.logs import TO_PARENT
from bot.services.recording_control import RecordingControl
from bot.storage.engine import Database
from tests.clocks import ManualClock
from tests.services.stream_world import StreamWorld
from tests.standins import ROOT, StandIn, running
from tools.sandbox.scene import until

pytestmark = pytest.mark.timeout(300)
COMMAND = (sys.executable, "-m", "bot", "record", "--holder")
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""A process takes seconds to start; what only it can show needs no second engine."""
COMMENT = {"kind": "comment", "user": "fan", "text": "hi"}
ROSES = {"kind": "gift", "user": "fan", "gift": "Rose", "count": 5}
A_BOT = """
import asyncio, sys
from bot.clock import SystemClock
from bot.jobs.recorder_process import RecorderProcess
from bot.services.recording_control import RecordingControl
from bot.storage.engine import Database

async def main():
    control = RecordingControl(Database.open(sys.argv[1]))
    command = (sys.executable, "-m", "bot", "record", "--holder")
    recorder = RecorderProcess(
        control=control, command=command, clock=SystemClock(), changed=asyncio.Event(), told=[]
    )
    await recorder.step()
    print(recorder.process_id, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def tiktok() -> Iterator[StandIn]:
    with running("tiktok") as tiktok:
        yield tiktok


@pytest.fixture
def signed(tiktok: StandIn, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A platform of no accounts, and the settings a child inherits."""
    tiktok.control("DELETE", "accounts")
    settings = {
        "DATA_FOLDER": str(tmp_path / "data"),
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "SIGN_API_URL": tiktok.facts["sign"],
        "PYTHONPATH": str(ROOT),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tiktok


@pytest.fixture
async def world(signed: StandIn, database: Database) -> StreamWorld:
    """Ana is live in the stand-in, and wanted."""
    signed.control("POST", "accounts", {"handle": "ana"})
    room = signed.control("POST", "accounts/ana/live", {"viewers": 12})["room_id"]
    world = StreamWorld(database, SystemClock())
    await world.go_live(room_id=int(room))
    return world


@pytest.fixture
async def recorder(world: StreamWorld) -> AsyncIterator[RecorderProcess]:
    recorder = looked_after(world)
    yield recorder
    await recorder.close()


def looked_after(world: StreamWorld, clock: Any = None) -> RecorderProcess:
    return RecorderProcess(
        control=RecordingControl(world.database),
        command=COMMAND,
        clock=clock or SystemClock(),
        changed=asyncio.Event(),
        told=[asyncio.Event()],
    )


async def is_recorded(world: StreamWorld, **totals: int) -> None:
    async def counted() -> bool:
        row = await world.row()
        return row["state"] == "recording" and totals.items() <= row.items()

    await until(counted, f"it was recorded: {totals}")


async def is_given_back(world: StreamWorld) -> bool:
    return (await world.row())["holder"] == ""


def lives(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def has_ended(process_id: int, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while lives(process_id):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)  # noqa: TID251 - other processes need real time
    except TimeoutError:
        return False
    return True


@on_sqlite
async def test_a_live_is_recorded_by_a_process_of_its_own_that_outlives_no_need(
    signed: StandIn, world: StreamWorld, recorder: RecorderProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert recorder.process_id is None
    await recorder.step()
    await is_recorded(world)
    signed.control("POST", "rooms/ana/events", [COMMENT, COMMENT, ROSES])
    await is_recorded(world, comments=2, gifts=5, diamonds=5)
    signed.control("POST", "accounts/ana/end", {})
    await until(lambda: has_seen_the_end(world), "the end was seen")
    assert recorder._told[0].is_set()
    assert "@ana: connected to room" in caplog.text
    process_id = recorder.process_id
    await recorder.close()
    assert not lives(process_id)
    assert await is_given_back(world)


@on_sqlite
@pytest.mark.parametrize("answers", [True, False])
async def test_only_one_that_answers_no_bell_is_killed_as_hung(
    world: StreamWorld, caplog: pytest.LogCaptureFixture, *, answers: bool
) -> None:
    reads = "for line in sys.stdin: sys.stdout.write(line); sys.stdout.flush()"
    code = f"import sys, time\n{reads if answers else 'time.sleep(600)'}"
    clock = ManualClock()
    recorder = RecorderProcess(
        control=RecordingControl(world.database),
        command=(sys.executable, "-c", code),
        clock=clock,
        changed=asyncio.Event(),
        told=[asyncio.Event()],
    )
    try:
        await recorder.step()
        for _ in range(2):
            if answers:
                await recorder._told[0].wait()
                recorder._told[0].clear()
            clock.advance(HUNG.total_seconds())
            await recorder.step()
        assert ("it is killed" in caplog.text) is not answers
        if not answers:
            await recorder._changed.wait()
            assert recorder._child.returncode != 0
    finally:
        await recorder.close()


async def has_seen_the_end(world: StreamWorld) -> bool:
    return (await world.row())["ended_seen_at"] is not None


@on_sqlite
async def test_one_that_is_killed_is_replaced_and_goes_on_in_the_same_live(
    signed: StandIn, world: StreamWorld, recorder: RecorderProcess, caplog: pytest.LogCaptureFixture
) -> None:
    await recorder.step()
    await is_recorded(world)
    signed.control("POST", "rooms/ana/events", [COMMENT, ROSES])
    await is_recorded(world, comments=1, gifts=5)
    killed = recorder.process_id
    os.kill(killed, signal.SIGKILL)
    await recorder._changed.wait()
    come_back_at = await recorder.step()
    assert "The recorder ended" in caplog.text
    assert await is_given_back(world)
    assert 0 < (come_back_at - SystemClock().now()).total_seconds() <= 1
    await until(lambda: started_again(recorder), "there was another")
    await is_recorded(world, connections=2)
    signed.control("POST", "rooms/ana/events", [COMMENT])
    await is_recorded(world, comments=2, gifts=5, diamonds=5, people=1)


async def started_again(recorder: RecorderProcess) -> bool:
    await recorder.step()
    return recorder.process_id is not None


async def test_two_processes_never_record_one_room(
    signed: StandIn, world: StreamWorld, recorder: RecorderProcess
) -> None:
    other = looked_after(world)
    await asyncio.gather(recorder.step(), other.step())
    try:
        await is_recorded(world)
        for number in range(1, 6):
            signed.control("POST", "rooms/ana/events", [COMMENT])
            await is_recorded(world, comments=number, connections=1)
        assert len([one for one in signed.control("GET", "sockets") if one["open"]]) == 1
    finally:
        await other.close()


@on_sqlite
async def test_a_recorder_ends_within_five_seconds_of_a_bot_that_was_killed(
    signed: StandIn, world: StreamWorld
) -> None:
    url = world.database.url.render_as_string(hide_password=False)
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", A_BOT, url, stdout=asyncio.subprocess.PIPE
    )
    process_id = int(await bot.stdout.readline())
    await is_recorded(world)
    signed.control("POST", "rooms/ana/events", [COMMENT])
    bot.kill()
    assert await has_ended(process_id, 5)
    await bot.wait()
    row = await world.row()
    assert (row["holder"], row["comments"]) == ("", 1)


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@on_sqlite
async def test_told_to_stop_it_saves_gives_back_and_ends_cleanly(
    world: StreamWorld, recorder: RecorderProcess
) -> None:
    await recorder.step()
    await is_recorded(world)
    os.kill(recorder.process_id, signal.SIGTERM)
    await recorder._changed.wait()
    assert recorder._child.returncode == 0
    assert await is_given_back(world)


@on_sqlite
async def test_nothing_to_record_for_ten_minutes_ends_it_and_nothing_at_all_starts_none(
    database: Database, clock: ManualClock
) -> None:
    world = StreamWorld(database, clock)
    recorder = RecorderProcess(
        control=RecordingControl(database),
        command=(sys.executable, "-c", "import sys; sys.stdin.read()"),
        clock=clock,
        changed=asyncio.Event(),
        told=[],
    )
    await recorder.step()
    assert recorder.process_id is None
    live = await world.go_live()
    await recorder.step()
    assert recorder.process_id is not None
    await world.ends(live)
    clock.advance(IDLE.total_seconds() - 1)
    await recorder.step()
    assert recorder.process_id is not None
    clock.advance(1)
    await recorder.step()
    assert recorder.process_id is None


@on_sqlite
async def test_one_that_keeps_dying_is_started_later_and_later_and_told_of_once(
    database: Database, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    world = StreamWorld(database, clock)
    await world.go_live()
    changed = asyncio.Event()
    line = logging.Formatter(TO_PARENT).format(
        logging.LogRecord("bot.recorder", logging.ERROR, "", 0, "it broke", None, None)
    )
    recorder = RecorderProcess(
        control=RecordingControl(database),
        command=(sys.executable, "-c", f"import sys; sys.exit({line!r})"),
        clock=clock,
        changed=changed,
        told=[],
    )
    pauses = []
    for _ in range(6):
        await recorder.step()
        await changed.wait()
        changed.clear()
        pauses.append((await recorder.step() - clock.now()).total_seconds())
        clock.advance(pauses[-1])
    assert pauses == [1, 5, 15, 60, 300, 300]
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert {record.message for record in caplog.records if record.name == "bot.recorder"} == {"it broke"}
