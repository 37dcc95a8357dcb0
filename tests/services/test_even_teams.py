"""Who is there: by the game server's own word, else by the round that has just been."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.rounds.looking import Answer
from bot.core.rounds.rating import Rating
from bot.storage import ratings as store
from bot.storage.round_tables import round_players
from tests.services.round_world import FIRST, SECOND, RoundWorld


class Game:
    """Implements `bot.ports.GameQuery`; without names it does not answer."""

    def __init__(self, *names: str, answers: bool = True) -> None:
        self.answer = Answer(playing=None, names=names) if answers else None

    async def ask(self) -> Answer | None:
        return self.answer


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.start_watching()
    return world


async def teams(world, *servers: str, **games: Game):
    world.restart(queries=games)
    return await world.balance.teams(servers or ("alpha",))


def named(message) -> list[str]:
    """The lines of both teams."""
    return sorted(line.replace("\\", "") for field in message.fields for line in field.value.split("\n"))


async def play(world, *names: str, **more) -> list[dict]:
    """Let real rounds end on alpha; give the players of the last of them."""
    world.drop(*names, **more)
    await world.run_for(130)
    (*_, last) = await world.rounds()
    return list((await world.players(last["id"])).values())


async def rate(world, **ratings: Rating) -> None:
    async with world.database.write("test.ratings") as conn:
        await store.replace_all(conn, ratings)


async def test_who_is_there_is_known_by_the_newest_name(world):
    players = await play(world, FIRST, SECOND)
    guid, name = players[0]["guid"], players[0]["name"]
    await rate(world, **{guid: Rating(mean=40, deviation=2, maps=10)})
    told = await teams(world, alpha=Game(f"^1{name}", "^7stranger", "[BOT]Fritz"))
    assert named(told) == sorted([f"{name} · 34.0", "stranger · new"])
    assert told.body == "2 players are on alpha now."


async def test_an_old_name_is_nobodys(world):
    players = await play(world, FIRST, SECOND)
    guid, name = players[0]["guid"], players[0]["name"]
    await rate(world, **{guid: Rating(mean=40, deviation=2, maps=10)})
    async with world.database.write("test.rename") as conn:
        (last,) = [row for row in await world.rounds() if row["round"] == 2]
        renamed = round_players.update().where(
            round_players.c.guid == guid, round_players.c.round_id == last["id"]
        )
        await conn.execute(renamed.values(name="renamed"))
    told = await teams(world, alpha=Game(name, "renamed"))
    assert named(told) == sorted([f"{name} · new", "renamed · 34.0"])


async def test_two_people_with_one_name_are_two(world):
    players = await play(world, FIRST, SECOND)
    guid, name = players[0]["guid"], players[0]["name"]
    await rate(world, **{guid: Rating(mean=40, deviation=2, maps=10)})
    told = await teams(world, alpha=Game(name, name, "x", "x"))
    assert named(told) == sorted([f"{name} · 34.0", f"{name} · new", "x · new", "x · new"])


async def test_the_last_round_tells_where_the_server_does_not(world):
    players = await play(world, FIRST, SECOND)
    for games in ({}, {"alpha": Game(answers=False)}):
        told = await teams(world, **games)
        assert named(told) == sorted(f"{player['name']} · new" for player in players)
        assert "alpha does not say who is there." in told.body
        assert f"{len(players)} players were in the last round, which ended <t:" in told.body


async def test_a_round_of_more_than_two_hours_ago_tells_nothing(world):
    await play(world, FIRST, SECOND)
    (*_, last) = await world.rounds()
    age = world.clock.now() - last["ended_at"]
    world.clock.advance((timedelta(hours=2) - age).total_seconds())
    assert (await teams(world)).fields
    world.clock.advance(1)
    told = await teams(world)
    assert told.fields == ()
    assert "alpha does not say who is there, and its last round is too long ago." in told.body


async def test_an_empty_server_is_believed(world):
    await play(world, FIRST, SECOND)
    told = await teams(world, alpha=Game())
    assert told.fields == ()
    assert told.body.startswith("0 players are on alpha now.")


async def test_of_several_servers_it_is_the_fullest(world):
    games = {"alpha": Game("a", "b"), "beta": Game("c", "d", "e")}
    told = await teams(world, "alpha", "beta", **games)
    assert told.body == "3 players are on beta now."
    told = await teams(world, "alpha", "beta", alpha=Game("a", "b"))
    assert told.body == "2 players are on alpha now."


async def test_a_round_that_has_just_been_counts_more_than_an_empty_server(world):
    players = await play(world, FIRST, SECOND)
    told = await teams(world, "alpha", "beta", beta=Game())
    assert f"{len(players)} players were in the last round" in told.body
    told = await teams(world, "beta", beta=Game())
    assert told.body.startswith("0 players are on beta now.")
