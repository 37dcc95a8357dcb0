"""The bot is killed with SIGKILL at every point of its code and started again: nothing lost, nothing doubled.

The points come from the code (`points.py`), so a new transaction, request or step with files is one by itself;
this fails when no story passes it. To add a case, add a line to a story in `stories.py`, or a story to `STORIES`.

In the test command each story is told once, and its bot killed at one new point after the other (a chapter
names steps to visit anew in it); then the stories are told with the database on a server, where the bot is
killed once at each commit and each send. With VEDETTE_KILL_MATRIX=full each story is also told anew, on both
engines, for every point it passes, up to `PASSAGES` times each, with that one kill alone; this takes hours.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.databases import ENGINES, PostgreSQL
from tests.kill.drive import Outcome, differs_on_a_server, is_a_servers, tell, tell_all
from tests.kill.mortal import NONE, Mortal
from tests.kill.points import NO_STEPS, ROOT, Unnamed, copy_of_the_bot, enumerate_steps, left_out, points
from tests.kill.stories import STORIES, Told, set_up

pytestmark = pytest.mark.timeout(900)
FULL = os.environ.get("VEDETTE_KILL_MATRIX") == "full"
PASSAGES = 3


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory, reference_data: Path) -> dict[str, Outcome]:
    """How every story went with the default database."""
    return asyncio.run(tell_all(STORIES, tmp_path_factory.mktemp("kill"), reference_data))


@pytest.fixture(scope="session")
def matrix_on_a_server(
    tmp_path_factory: pytest.TempPathFactory, reference_data: Path, postgresql: PostgreSQL
) -> dict[str, Outcome]:
    """How every story went on a database server."""
    folder = tmp_path_factory.mktemp("kill-on-a-server")
    return asyncio.run(tell_all(STORIES, folder, reference_data, postgresql))


def died_at(matrix: dict[str, Outcome]) -> set[str]:
    return {line.split("\t")[1] for outcome in matrix.values() for line in outcome.passed}


@pytest.mark.parametrize("name", STORIES)
def test_nothing_is_lost_or_doubled_in(matrix: dict[str, Outcome], name: str) -> None:
    if matrix[name].error is not None:
        raise matrix[name].error


@pytest.mark.parametrize("name", STORIES)
def test_nothing_is_lost_or_doubled_on_a_server_in(matrix_on_a_server: dict[str, Outcome], name: str) -> None:
    if matrix_on_a_server[name].error is not None:
        raise matrix_on_a_server[name].error


def test_the_bot_was_killed_at_every_commit_and_send_on_a_server(
    matrix_on_a_server: dict[str, Outcome],
) -> None:
    there = {point for point in points() if differs_on_a_server(point)}
    assert there - died_at(matrix_on_a_server) == set()
    assert sum(outcome.deaths for outcome in matrix_on_a_server.values()) >= len(there)


def test_the_bot_was_killed_at_every_point(matrix: dict[str, Outcome]) -> None:
    where = {
        f"{name} | {side}": step.where
        for name, step in enumerate_steps().items()
        for side in ("before", "after")
    }
    here = {point for point in points() if not is_a_servers(point)}
    assert {point: where[point] for point in sorted(here - died_at(matrix))} == {}
    assert sum(outcome.deaths for outcome in matrix.values()) >= len(here)


def test_no_request_changes_discord_without_being_a_step(matrix: dict[str, Outcome]) -> None:
    assert [request for outcome in matrix.values() for request in outcome.unnamed] == []


def server_of(engine: str, request: pytest.FixtureRequest) -> PostgreSQL | None:
    server: PostgreSQL | None = request.getfixturevalue("postgresql") if engine == "postgresql" else None
    return server


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_bot_that_did_not_look_would_be_caught(
    tmp_path: Path, reference_data: Path, request: pytest.FixtureRequest, engine: str
) -> None:
    """The oracle can fail: without the look into the channel a killed bot posts twice."""

    async def story(bot: Mortal, _: Path) -> None:
        async with bot.alive():
            await set_up(bot)

    delivery = "bot/discord/delivery.py"
    looks = {f"{delivery} _LOOK_BACK": "timedelta(days=-1000)", f"{delivery} _LOOK_AT_LEAST_AT": "0"}
    blind = Told(story=story, constants=looks)
    order = "alone 1 any\tbot/discord/delivery Delivery._post: channel.send | after"
    server = server_of(engine, request)
    outcome = await tell(blind, tmp_path / "blind", reference_data, order, server=server)
    assert outcome.deaths == 1
    with pytest.raises(AssertionError, match="posted 2 times"):
        raise outcome.error or RuntimeError("nobody noticed")


# --- The enumeration ---------------------------------------------------------------------------


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


if FULL:

    @pytest.mark.timeout(24 * 3600)
    @pytest.mark.parametrize("name", STORIES)
    @pytest.mark.parametrize("engine", ENGINES)
    async def test_each_kill_alone(
        tmp_path: Path, reference_data: Path, request: pytest.FixtureRequest, engine: str, name: str
    ) -> None:
        told, server = STORIES[name], server_of(engine, request)
        whole = await tell(told, tmp_path / "whole", reference_data, NONE, server=server)
        assert whole.error is None
        orders = [
            f"alone {number} {line}"
            for line, count in whole.passed.items()
            for number in range(1, min(count, PASSAGES) + 1)
        ]
        wrong = {}
        for number, order in enumerate(orders):
            outcome = await tell(told, tmp_path / str(number), reference_data, order, server=server)
            if outcome.error is not None:
                wrong[order] = outcome.error
        assert wrong == {}
