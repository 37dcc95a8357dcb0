"""A game server that its admins have switched off, and on again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.rounds.looking import Answer
from bot.storage import guilds, leases, round_choices
from tests.services.round_world import (
    BY,
    CHANNEL,
    FIRST,
    GUILD,
    LATER,
    OTHER_CHANNEL,
    OTHER_GUILD,
    SECOND,
    RoundWorld,
)

HOUR = 3600


class Game:
    """Implements `bot.ports.GameQuery`; somebody plays."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self) -> Answer | None:
        self.asked += 1
        return Answer(playing=6, map_name="supply", time_limit=10.0)


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL)
    await world.join(OTHER_GUILD, OTHER_CHANNEL)
    await world.start_watching()
    return world


async def switch(world, what, *, on, guild=GUILD, server="alpha"):
    async with world.database.write("test.switch") as conn:
        await round_choices.choose(conn, guild, server, what, on=on)
    world.sync.changed[server].set()


async def test_a_server_that_is_off_is_neither_listed_nor_asked(world):
    game = Game()
    world.restart(poll_every=None, policies=("learned", "learned"), queries={"alpha": game})
    await switch(world, "monitoring", on=False)
    before, others = world.folder.listings, world.other_folder.listings
    await world.run_for(6 * HOUR)
    await world.run_for(60, "beta")
    assert (world.folder.listings, game.asked) == (before, 0)
    assert world.other_folder.listings > others
    mine, theirs = await world.sync.status(["alpha", "beta"])
    assert (mine.off, mine.next_check_at) == (True, None)
    assert not theirs.off
    assert theirs.next_check_at is not None


async def test_what_was_played_meanwhile_is_imported_at_once_and_posted_as_after_a_restart(world):
    await switch(world, "monitoring", on=False)
    world.drop(FIRST, LATER)
    await world.run_for(1.5 * HOUR)
    assert await world.rounds() == []
    await switch(world, "monitoring", on=True)
    await world.run_for(10)
    assert {row["map"] for row in await world.rounds()} == {"etl_adlernest", "supply"}
    (post,) = await world.posts()
    assert "Supply" in str(post["message"])
    (mine,) = await world.sync.status(["alpha"])
    assert not mine.off


async def test_a_policy_that_sleeps_looks_at_once_when_the_server_is_switched_on(world):
    world.restart(poll_every=None, policies=("classic", "classic"))
    world.clock.advance(10 * HOUR)  # 07:00: this policy sleeps until the evening
    await world.run_for(10)
    await switch(world, "monitoring", on=False)
    await world.run_for(HOUR)
    before = world.folder.listings
    await switch(world, "monitoring", on=True)
    await world.run_for(1)
    assert world.folder.listings == before + 1


async def test_a_file_that_waits_while_the_switch_goes_to_and_fro_is_imported_once(world):
    world.drop(FIRST)
    await world.sync.step("alpha")  # seen, and not yet known to rest
    await switch(world, "monitoring", on=False)
    await world.run_for(30)
    assert world.folder.fetched == []
    await switch(world, "monitoring", on=True)
    await switch(world, "monitoring", on=False)
    await world.run_for(30)
    await switch(world, "monitoring", on=True)
    await world.run_for(30)
    assert world.folder.fetched == [FIRST]
    assert len(await world.posts()) == 1


async def test_a_sync_by_hand_reads_a_server_that_is_off_and_posts_nothing_there(world):
    await switch(world, "monitoring", on=False)
    world.clock.auto = True
    world.drop(FIRST)
    (poll,) = await world.sync.sync(BY, "alpha")
    assert poll.imported == 1
    assert await world.posts() == []


@pytest.mark.parametrize("what", ["posts", "monitoring"])
async def test_a_guild_that_wants_no_posts_gets_none_and_another_one_does(world, what):
    async with world.database.write("test.choose") as conn:
        await round_choices.choose(conn, GUILD, "alpha", what, on=False)
        both = (GUILD, OTHER_GUILD)
        assert await round_choices.targets(conn, both, "alpha", "posts") == ((OTHER_GUILD, OTHER_CHANNEL),)
        assert await round_choices.targets(conn, both, "beta", "posts") == (
            (GUILD, CHANNEL),
            (OTHER_GUILD, OTHER_CHANNEL),
        )


@pytest.mark.parametrize(
    ("guild_ids", "off", "gone", "watched"),
    [
        ((), (), (), True),
        ((1,), (), (), True),
        ((1,), (1,), (), False),
        ((1, 2), (1,), (), True),
        ((1, 2), (1, 2), (), False),
        ((1, 2), (1,), (2,), False),  # nobody of the other is there any more
        ((1, 9), (1,), (), False),  # the bot was never in the other
        ((9,), (), (), True),
        ((1,), (2,), (), True),  # a stranger's choice
    ],
)
async def test_a_server_is_watched_while_one_of_its_guilds_wants_it(world, guild_ids, off, gone, watched):
    async with world.database.write("test.choose") as conn:
        for guild_id in off:
            await round_choices.choose(conn, guild_id, "alpha", "monitoring", on=False)
        for guild_id in gone:
            await guilds.left(conn, guild_id, world.clock.now())
        assert await round_choices.is_watched(conn, guild_ids, "alpha") is watched
        assert await round_choices.is_watched(conn, guild_ids, "beta")


async def test_a_switch_leaves_the_others_as_they_were(world):
    async with world.database.write("test.choose") as conn:
        await round_choices.choose(conn, GUILD, "alpha", "posts", on=False)
        await round_choices.choose(conn, GUILD, "alpha", "monitoring", on=False)
        await round_choices.choose(conn, GUILD, "alpha", "posts", on=True)
        chosen = await round_choices.choices(conn, GUILD, "alpha")
    assert chosen == round_choices.RoundChoices(monitoring=False)


async def test_programs_beside_the_bot_leave_it_alone_too_and_learn_soon_that_it_is_on(world):
    await switch(world, "monitoring", on=False)
    now = world.clock.now()
    async with world.database.write("test.lease") as conn:
        assert await leases.take(conn, "alpha", "another", now, now + timedelta(minutes=5))
    assert await world.sync.step("alpha") - now == timedelta(minutes=1)


async def test_the_second_half_played_while_it_was_off_finds_its_first(world):
    world.drop(FIRST)
    await world.run_for(10)
    await switch(world, "monitoring", on=False)
    world.drop(SECOND)
    await world.run_for(60)
    await switch(world, "monitoring", on=True)
    await world.run_for(10)
    first, second = await world.rounds()
    assert second["partner_round_id"] == first["id"]
