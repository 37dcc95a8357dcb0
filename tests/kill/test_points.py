"""The points are found in the code, whatever is written there, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.points import NO_STEPS, ROOT, Unnamed, copy_of_the_bot, enumerate_steps, left_out, points


def bot_with(folder: Path, code: str, room: str = "bot/discord") -> Path:
    """Give a house of one file."""
    for each in {room, "bot", "cogs"}:
        (folder / each).mkdir(parents=True, exist_ok=True)
    (folder / room / "new.py").write_text(code, "utf-8")
    return folder


NEW_CODE = """
class Room:
    async def step(self, database, channel, file, name):
        async with database.write("room.step") as conn:
            await conn.execute(name)
        await channel.send(name)
        file.replace(name)
        text = name.replace("a", "b")
"""


def test_new_code_has_points_by_itself(tmp_path: Path) -> None:
    house = bot_with(tmp_path / "house", NEW_CODE)
    there = {
        "room.step",
        "bot/discord/new Room.step: channel.send",
        "bot/discord/new Room.step: file.replace",
    }
    assert enumerate_steps(house).keys() == there
    copied = copy_of_the_bot(tmp_path / "copy", root=house) / "bot/discord/new.py"
    for step in there:
        assert f"'{step}'" in copied.read_text("utf-8")


@pytest.mark.parametrize("room", ["bot/discord", "bot/services", "cogs"])
@pytest.mark.parametrize(
    "line",
    [
        "os.replace(a, b)",
        "os.remove(a)",
        "with a.open('w') as file: pass",
        "with open(a, 'ab') as file: pass",
        "with a.open(mode='x') as file: pass",
        "shutil.copytree(a, b)",
        "subprocess.run(['pg_dump', a])",
        "await asyncio.create_subprocess_exec('pg_dump')",
        "async with self._storage.write('room.step') as conn: pass",
        "await conn.execute(text(f'CREATE DATABASE {a}'))",
        "await session.post(a, json={})",
        "async with self._session.request('PUT', a) as answer: pass",
        "await channel.send('x')",
        "await message.edit(content='x')",
    ],
)
def test_a_change_is_a_point_in_every_room_however_it_is_made(tmp_path: Path, line: str, room: str) -> None:
    house = bot_with(tmp_path, f"async def f(self, a, b, conn, session, channel, message):\n {line}", room)
    (step,) = enumerate_steps(house).values()
    assert step.where == f"{room}/new.py:2"


@pytest.mark.parametrize(
    "line",
    [
        "with a.open('rb') as file: pass",
        "with open(a) as file: pass",
        "b = a.replace('x', 'y')",
        "b = a.copy()",
        "a.remove(b)",
        "b = app_commands.rename(a='b')",
        "b = dataclasses.replace(a, b=1)",
        "await conn.execute(b)",
    ],
)
def test_what_changes_nothing_outside_is_no_point(tmp_path: Path, line: str) -> None:
    house = bot_with(tmp_path, f"async def f(a, b, conn):\n {line}")
    assert enumerate_steps(house) == {}


def test_every_exception_is_needed() -> None:
    assert left_out() == NO_STEPS.keys()


@pytest.mark.parametrize(
    "line",
    [
        "await asyncio.wait_for(channel.send('x'), 5)",
        "await asyncio.gather(channel.send('x'), channel.send('y'))",
        "task = asyncio.create_task(message.edit(content='x'))",
        "return channel.send('x')",
        "await asyncio.shield(session.post('x'))",
    ],
)
@pytest.mark.parametrize("room", ["bot/discord", "bot/services"])
def test_a_send_that_is_awaited_elsewhere_is_refused(tmp_path: Path, line: str, room: str) -> None:
    """Its point "after" would be passed before anything is sent."""
    with pytest.raises(Unnamed, match="awaited"):
        enumerate_steps(bot_with(tmp_path, f"async def f(channel, message, session):\n {line}", room))


def test_the_first_of_what_is_read_in_a_comprehension_is_a_step_of_its_own(tmp_path: Path) -> None:
    code = "async def f(channel):\n return [one async for one in channel.history()]"
    copied = copy_of_the_bot(tmp_path / "copy", root=bot_with(tmp_path / "house", code))
    assert "async for one in passages.iterated(" in (copied / "bot/discord/new.py").read_text("utf-8")


@pytest.mark.parametrize(
    "code",
    [
        "from shutil import rmtree",
        "from subprocess import *",
        "from os import replace",
        "import subprocess as programs",
        "async def f(self):\n await self._storage.write('a').__aenter__()",
        "async def f(stack, storage):\n await stack.enter_async_context(storage.write(f'a'))",
        "async def f(engine):\n async with engine.begin() as conn: pass",
        "async def f(engine):\n conn = await engine.connect()",
        "async def f(conn):\n await conn.commit()",
        "async def f(database, name):\n async with database.write(name): pass",
        "async def f(database):\n await database.write('a').__aenter__()",
        "async def f(database):\n async with database.write('a'): pass\n async with database.write('a'): pass",
    ],
)
def test_what_could_not_be_found_or_named_is_refused(tmp_path: Path, code: str) -> None:
    with pytest.raises(Unnamed):
        enumerate_steps(bot_with(tmp_path, code))


def test_the_bot_has_points() -> None:
    assert len(points(ROOT)) > 150
