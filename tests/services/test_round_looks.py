"""When servers are looked at: each by its own policy, with what the game itself answers and what was played."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.core.rounds.looking import Answer
from bot.errors import SourceUnavailable
from bot.storage import leases
from bot.storage.round_tables import round_files, rounds
from tests.clocks import ManualClock
from tests.services.round_world import CHANNEL, FIRST, GUILD, LATER, OTHER_CHANNEL, OTHER_GUILD, RoundWorld

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOBODY, GAME = Answer(playing=0, map_name="supply"), Answer(playing=6, map_name="supply")


@dataclass
class Game:
    """Implements `bot.ports.GameQuery`."""

    clock: ManualClock
    answer: Answer | None = NOBODY
    asked: list[datetime] = field(default_factory=list)

    async def ask(self) -> Answer | None:
        self.asked.append(self.clock.now())
        return self.answer


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL)
    await world.join(OTHER_GUILD, OTHER_CHANNEL)
    return world


def watch(world: RoundWorld, *, alpha: str = "learned", beta: str = "learned") -> Game:
    """Let a process begin that goes by policies; alpha's game is asked."""
    game = Game(world.clock)
    world.restart(poll_every=None, policies=(alpha, beta), queries={"alpha": game})
    return game


async def played_before(world: RoundWorld, days: int) -> None:
    """Let a round have been imported on each of the days before."""
    async with world.database.write("test.rounds") as conn:
        for day in range(1, days + 1):
            at = world.clock.now() - day * DAY
            same = {"server": "alpha", "id": day}
            await conn.execute(
                round_files.insert().values(
                    **same,
                    name=f"{day}",
                    size=1,
                    modified_at=at,
                    state="imported",
                    first_seen_at=at,
                    listed_at=at,
                    silent=True,
                )
            )
            await conn.execute(
                rounds.insert().values(
                    **same,
                    file_id=day,
                    map="supply",
                    round=1,
                    ended_at=at,
                    imported_at=at,
                    winner_side=1,
                    defender_side=1,
                    flags=[],
                    counted=True,
                )
            )


async def test_while_nobody_plays_the_folder_is_left_alone_for_half_an_hour(world):
    game = watch(world)
    await world.run_for(3600)
    assert world.folder.listings == 3
    assert {after - before for before, after in zip(game.asked, game.asked[1:], strict=False)} == {5 * MINUTE}


async def test_a_game_server_that_does_not_answer_is_looked_at_every_ten_minutes(world):
    watch(world).answer = None
    await world.run_for(3600)
    assert 6 <= world.folder.listings <= 12


async def test_people_in_teams_bring_a_round_within_two_minutes(world):
    game = watch(world)
    await world.run_for(1800)
    game.answer = GAME
    await world.run_for(310)
    world.drop(FIRST)
    before = world.clock.now()
    await world.run_for(120)
    (round_,) = await world.rounds()
    assert round_["imported_at"] - before < 2 * MINUTE
    assert len(await world.posts()) == 1


async def test_a_map_that_changes_brings_the_round_within_seconds(world):
    game = watch(world)
    game.answer = GAME
    await world.run_for(600)
    world.drop(FIRST)
    game.answer = Answer(playing=0, map_name="goldrush")
    last_look, asked = world.folder.listings, len(game.asked)
    while len(game.asked) == asked and world.folder.listings == last_look:
        world.clock.advance(max(0.0, (await world.sync.step("alpha") - world.clock.now()) / SECOND))
    told_at = world.clock.now()
    await world.run_for(30)
    (round_,) = await world.rounds()
    assert round_["imported_at"] - told_at < 10 * SECOND


async def test_classic_sleeps_until_the_ramp_up_and_asks_nobody(world):
    game = watch(world, alpha="classic")
    world.clock.advance(9 * HOUR / SECOND)  # 7:00 in Paris, in winter
    await world.run_for(11 * 3600)
    assert world.folder.listings == 6
    assert game.asked == []
    (status,) = await world.sync.status(["alpha"])
    assert status.next_check_at == datetime.fromisoformat("2025-10-27T19:30+01:00")


async def test_two_servers_have_their_own_policies_and_troubles(world):
    watch(world, alpha="classic", beta="learned")
    world.folder.trouble = SourceUnavailable("alpha: no answer within 10 s")
    due = {server: await world.sync.step(server) - world.clock.now() for server in ("alpha", "beta")}
    assert due["alpha"] == 5 * MINUTE
    world.drop(LATER, folder=world.other_folder)
    await world.run_for(700, "beta")
    assert [round_["server"] for round_ in await world.rounds()] == ["beta"]
    alpha, beta = await world.sync.status(["alpha", "beta"])
    assert (alpha.error != "", beta.error) == (True, "")


@pytest.mark.parametrize("days", [19, 20])
async def test_classic_gives_way_to_learned_when_twenty_game_days_are_known(world, days):
    await played_before(world, days)
    watch(world, alpha="auto")
    world.clock.advance(15 * HOUR / SECOND)  # in the early afternoon: classic sleeps soon
    before = world.folder.listings
    await world.run_for(4 * 3600)
    assert (world.folder.listings - before <= 7) == (days < 20)


async def test_a_clock_that_is_set_back_does_not_let_the_bot_sleep_on(world):
    game = watch(world)
    await world.run_for(3600)
    world.clock.advance(-5 * HOUR / SECOND)
    game.asked.clear()
    due = await world.sync.step("alpha")
    assert due - world.clock.now() <= 5 * MINUTE
    await world.run_for(1800)
    assert len(game.asked) >= 6


async def test_a_restart_looks_at_once(world):
    watch(world, alpha="classic")
    world.clock.advance(9 * HOUR / SECOND)
    await world.run_for(2 * 3600)
    world.drop(FIRST)
    watch(world, alpha="classic")
    await world.run_for(10)
    assert len(await world.rounds()) == 1


async def test_a_server_that_another_program_looks_at_is_left_to_it_until_its_lease_ends(world):
    watch(world, alpha="classic", beta="classic")
    world.drop(FIRST)
    async with world.database.write("test.take") as conn:
        now = world.clock.now()
        assert await leases.take(conn, "alpha", "another", now, now + 5 * MINUTE)
    await world.run_for(200)
    await world.run_for(1, "beta")
    assert (world.folder.listings, world.other_folder.listings) == (0, 1)
    await world.run_for(150)
    assert len(await world.rounds()) == 1
