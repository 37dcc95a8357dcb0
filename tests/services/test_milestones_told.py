"""Round numbers that players reach: told once ever, whatever happens to rounds, switches and the process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.services.milestones import Milestones
from bot.settings import GameServer
from bot.storage.round_tables import ignored_players, milestones, round_choices, rounds
from bot.storage.tables import guilds, outbox
from tests.kept_rounds import put_round
from tests.services.round_world import CHANNEL, FIRST, GUILD, SECOND, Crash, CrashingDatabase, RoundWorld

NOW = datetime(2026, 11, 21, 21, tzinfo=UTC)
NEWS_FOR = timedelta(hours=2)


class Table:
    """A database with two guilds: server `alpha` is of the first, `shared` of both."""

    def __init__(self, database):
        self.database = database
        servers = {
            name: GameServer(host="a.example", username="u", guild_ids=ids)
            for name, ids in {"alpha": (1,), "shared": (1, 2)}.items()
        }
        self.milestones = Milestones(servers=servers, news_for=NEWS_FOR)

    async def write(self, *statements):
        async with self.database.write("test.write") as conn:
            for statement in statements:
                await conn.execute(statement)

    async def history(self, players, *, server="alpha"):
        """What was played before anybody claimed anything."""
        async with self.database.write("test.history") as conn:
            return await put_round(conn, NOW - timedelta(days=9), players, server=server)

    async def play(self, players, *, ago=timedelta(minutes=5), **more):
        """Keep a new round as the import does; gives its id."""
        async with self.database.write("test.play") as conn:
            round_id = await put_round(conn, NOW - ago, players, **more)
            await self.come(conn, round_id)
        return round_id

    async def come(self, conn, round_id):
        query = select(rounds.c.file_id).where(rounds.c.id == round_id)
        await self.milestones.round_came(conn, (await conn.execute(query)).scalar_one(), NOW)

    async def claim_rest(self, server="alpha"):
        """Do what follows when all files of a look are in."""
        await self.milestones.claim_rest(self.database, server, NOW)

    async def said(self):
        async with self.database.read() as conn:
            rows = (await conn.execute(select(outbox).order_by(outbox.c.id))).mappings().all()
        return [(row["guild_id"], row["message"]["title"], row["message"]["body"]) for row in rows]

    async def claimed(self, guild_id=1):
        async with self.database.read() as conn:
            rows = await conn.execute(select(milestones).where(milestones.c.guild_id == guild_id))
            return sorted((row.guid, row.counter, row.threshold) for row in rows)


@pytest.fixture
async def table(database):
    table = Table(database)
    await table.write(
        *[insert(guilds).values(guild_id=number, rounds_channel_id=100 * number) for number in (1, 2)]
    )
    return table


async def test_a_round_that_reaches_numbers_is_told_in_one_message_for_each_player(table):
    await table.history({"A": {"kills": 95, "gibs": 49}, "B": {"kills": 10}, "C": {"kills": 99}})
    await table.play({"A": {"kills": 5, "gibs": 1, "name": "*star*"}, "B": {"kills": 5}, "C": {"kills": 2}})
    assert await table.said() == [
        (1, r"\*star\* reached 2 milestones", "🎯 100 kills\n🎯 50 gibs"),
        (1, "pC reached a milestone", "🎯 100 kills"),
    ]
    await table.play({guid: {"kills": 5} for guid in "ABC"})
    assert len(await table.said()) == 2


async def test_what_was_reached_long_ago_is_claimed_without_a_word(table):
    await table.history({"A": {"kills": 400, "team_seconds": 36_000}})
    await table.play({"A": {"kills": 1, "team_seconds": 600}})
    assert await table.said() == []
    assert await table.claimed() == [("A", "kills", 100), ("A", "team_seconds", 36_000)]


@pytest.mark.parametrize("more", [{"silent": True}, {"ago": NEWS_FOR + timedelta(seconds=1)}])
async def test_a_silent_or_old_round_claims_and_nothing_is_ever_said_of_it(table, more):
    await table.history({"A": {"kills": 95}})
    old = await table.play({"A": {"kills": 10}}, **more)
    await table.claim_rest()
    assert await table.claimed() == [("A", "kills", 100)]
    await table.write(update(rounds).where(rounds.c.id == old).values(counted=False))
    await table.play({"A": {"kills": 10}})
    assert await table.said() == []


async def test_a_guild_that_switched_them_off_hears_nothing_then_or_later(table):
    await table.write(insert(round_choices).values(guild_id=2, server="shared", milestones=False))
    await table.history({"A": {"kills": 95}}, server="shared")
    reached = await table.play({"A": {"kills": 10}}, server="shared")
    assert await table.claimed(2) == [("A", "kills", 100)]
    await table.write(
        update(round_choices).values(milestones=True),
        update(rounds).where(rounds.c.id == reached).values(counted=False),
    )
    await table.play({"A": {"kills": 10}}, server="shared")
    assert [guild_id for guild_id, _, _ in await table.said()] == [1]


async def test_totals_are_those_of_the_guilds_own_servers(table):
    await table.history({"A": {"kills": 95}}, server="alpha")
    await table.play({"A": {"kills": 10}}, server="shared")
    assert [guild_id for guild_id, _, _ in await table.said()] == [1]
    assert await table.claimed(2) == []


async def test_a_round_that_was_voided_and_restored_says_nothing_twice(table):
    await table.history({"A": {"kills": 95}})
    reached = await table.play({"A": {"kills": 10}})
    for counted in (False, True):
        await table.write(update(rounds).where(rounds.c.id == reached).values(counted=counted))
        await table.play({"A": {"kills": 1}})
    async with table.database.write("test.again") as conn:  # the file was corrected
        await table.come(conn, reached)
    assert len(await table.said()) == 1


async def test_what_is_claimed_for_everybody_is_what_each_has_reached(table):
    await table.write(insert(ignored_players).values(server="alpha", guid="IGNORED"))
    everybody = {"A": {"kills": 600, "gibs": 50}, "IGNORED": {"kills": 100}, "OMNIBOT0": {"kills": 100}}
    await table.history(everybody)
    await table.history({"A": {"kills": 400}, "B": {"kills": 100}}, server="shared")
    await table.claim_rest()
    expected = [
        ("A", "gibs", 50),
        *[("A", "kills", number) for number in (100, 500, 1000)],
        ("B", "kills", 100),
    ]
    assert await table.claimed() == expected
    assert await table.claimed(2) == []
    await table.claim_rest("shared")
    assert await table.claimed(2) == [("A", "kills", 100), ("B", "kills", 100)]
    assert await table.claimed() == expected
    assert await table.said() == []


async def test_bots_the_ignored_and_rounds_that_do_not_count_reach_nothing(table):
    await table.write(insert(ignored_players).values(server="alpha", guid="IGNORED"))
    players = {"OMNIBOT0": {"kills": 99}, "IGNORED": {"kills": 99}, "A": {"kills": 99}}
    await table.history(players)
    await table.play(players, counted=False)
    assert (await table.said(), await table.claimed()) == ([], [])
    await table.play({guid: {"kills": 1} for guid in players})
    assert [title for _, title, _ in await table.said()] == ["pA reached a milestone"]


async def test_what_a_script_does_not_count_is_not_reached_from_nothing(table):
    await table.history({"A": {"headshot_kills": None}})
    await table.play({"A": {"headshot_kills": 150}, "NEW": {"headshot_kills": 150}})
    assert [title for _, title, _ in await table.said()] == ["pNEW reached a milestone"]
    assert ("A", "headshot_kills", 100) in await table.claimed()


async def test_a_guild_that_removed_the_bot_is_left_alone(table):
    await table.write(update(guilds).where(guilds.c.guild_id == 1).values(left_at=NOW))
    await table.history({"A": {"kills": 95}})
    await table.play({"A": {"kills": 10}})
    assert (await table.said(), await table.claimed()) == ([], [])


# With the import.


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    return world


async def nearly_there(world):
    """Everybody who plays the first round lacks one round of ten."""
    async with world.database.write("test.history") as conn:
        for day in range(9):
            players = {guid: {} for guid in world.guids}
            await put_round(conn, world.clock.now() - timedelta(days=9 + day), players)


def told(rows):
    return sorted(row["event_key"] for row in rows if row["event_key"].startswith("milestone:"))


@pytest.mark.parametrize("committed", [False, True])
async def test_a_crash_around_the_import_tells_each_milestone_once(world, committed):
    world.guids = [line[:8] for line in world.real(FIRST).decode("latin-1").splitlines()[1:]]
    await nearly_there(world)
    world.restart(CrashingDatabase(world.database, "rounds.import", committed=committed))
    world.drop(FIRST)
    with pytest.raises(Crash):
        await world.run_for(10)
    world.restart()
    await world.run_for(10)
    world.drop(SECOND)
    await world.run_for(10)
    assert told(await world.rows(outbox)) == sorted(
        f"milestone:{GUILD}:{guid}:rounds:10" for guid in world.guids
    )


async def test_a_backfill_claims_and_says_nothing(world):
    world.guids = [line[:8] for line in world.real(FIRST).decode("latin-1").splitlines()[1:]]
    await nearly_there(world)
    world.drop(FIRST)
    await world.sync.poll_once("alpha", silent=True)
    await world.run_for(10)
    rows = await world.rows(milestones, "guid")
    assert {row["guid"] for row in rows if row["counter"] == "rounds"} == set(world.guids)
    assert told(await world.rows(outbox)) == []
