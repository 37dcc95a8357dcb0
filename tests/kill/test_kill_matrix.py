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
from tests.kill.drive import Outcome, differs_on_a_server, tell, tell_all
from tests.kill.mortal import NONE, Mortal
from tests.kill.points import ROOT, Unnamed, copy_of_the_bot, enumerate_steps, points
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
    assert {point: where[point] for point in sorted(points() - died_at(matrix))} == {}
    assert sum(outcome.deaths for outcome in matrix.values()) >= len(points())


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
    looks = {f"{delivery} _LOOK_AT": "0"}
    blind = Told(story=story, constants=looks)
    order = "alone 1 any\tbot/discord/delivery Delivery._post: channel.send | after"
    server = server_of(engine, request)
    outcome = await tell(blind, tmp_path / "blind", reference_data, order, server=server)
    assert outcome.deaths == 1
    with pytest.raises(AssertionError, match="posted 2 times"):
        raise outcome.error or RuntimeError("nobody noticed")


# --- The enumeration ---------------------------------------------------------------------------


def bot_with(folder: Path, code: str) -> Path:
    """Give a house of one file, in the Discord room."""
    for room in ("bot/discord", "cogs"):
        (folder / room).mkdir(parents=True)
    (folder / "bot/discord/new.py").write_text(code, "utf-8")
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


@pytest.mark.parametrize(
    "code",
    [
        "async def f(database, name):\n async with database.write(name): pass",
        "async def f(database):\n await database.write('a').__aenter__()",
        "async def f(database):\n async with database.write('a'): pass\n async with database.write('a'): pass",
    ],
)
def test_a_transaction_without_a_name_of_its_own_is_refused(tmp_path: Path, code: str) -> None:
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
