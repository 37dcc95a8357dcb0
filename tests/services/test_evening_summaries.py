"""The summary of an evening: put once when it is over, and true for as long as it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from bot.services.evenings import Evenings
from bot.settings import GameServer
from bot.storage.round_tables import evening_posts, round_choices
from bot.storage.tables import guilds, outbox
from tests.core.rounds import decoder
from tests.services.round_world import (
    CHANNEL,
    GUILD,
    OTHER_CHANNEL,
    OTHER_GUILD,
    Crash,
    CrashingDatabase,
    RoundWorld,
)
from tests.services.test_round_telling import english, play

NIGHT = datetime(2025, 10, 26, 17, 30, tzinfo=UTC)
GAP = timedelta(minutes=60)
FIRST_MAP = ["2025-10-26-191725-supply-round-1.txt", "2025-10-26-192624-supply-round-2.txt"]
SECOND_MAP = ["2025-10-26-194208-adlernest-round-1.txt", "2025-10-26-195201-adlernest-round-2.txt"]
ABORTED = "2025-10-26-200001-etl_sp_delivery-round-2.txt"
THIRD_MAP = ["2025-10-26-201727-etl_sp_delivery-round-1.txt", "2025-10-26-203013-etl_sp_delivery-round-2.txt"]
# Of another day: between the early and the late ones nothing begins for an hour without the bridge.
EARLY = ["2025-10-19-212643-etl_adlernest-round-1.txt", "2025-10-19-213135-etl_adlernest-round-2.txt"]
BRIDGE = ["2025-10-19-220533-etl_sp_delivery-round-1.txt", "2025-10-19-221033-etl_sp_delivery-round-2.txt"]
LATE = ["2025-10-19-223859-te_escape2-round-1.txt", "2025-10-19-224215-te_escape2-round-2.txt"]


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy", at=NIGHT)
    await world.join(GUILD, CHANNEL)
    await world.join(OTHER_GUILD, OTHER_CHANNEL)
    await world.start_watching()
    return world


@pytest.fixture
async def bridged(database, reference_data):
    """A world on the day of `EARLY`, `BRIDGE` and `LATE`."""
    world = RoundWorld(database, reference_data / "etlegacy", at=datetime(2025, 10, 19, 21, 0, tzinfo=UTC))
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    return world


def watch(world: RoundWorld, database=None, guild_ids=(GUILD,)) -> Evenings:
    servers = {"alpha": GameServer(host="a.example", username="u", guild_ids=guild_ids)}
    return Evenings(
        database=database or world.database,
        servers=servers,
        announcements=world.announcements,
        clock=world.clock,
        post_max_age=timedelta(hours=2),
    )


async def summaries(world: RoundWorld) -> list[dict]:
    return [row for row in await world.rows(outbox) if row["event_key"].startswith("evening:")]


async def let_pass(world: RoundWorld, evenings: Evenings, minutes: float) -> None:
    """Take the steps of the loop as they fall due."""
    end = world.clock.now() + timedelta(minutes=minutes)
    while (now := world.clock.now()) <= end:
        due = await evenings.step()
        assert due > now
        world.clock.advance((min(due, end + timedelta(seconds=1)) - now).total_seconds())


def title(post: dict) -> str:
    return english(post["message"]["title"])


def facts(post: dict) -> str:
    return english(post["message"]["body"])


async def test_an_evening_is_told_once_an_hour_after_its_last_round_with_the_score_of_the_bytes(world):
    evenings = watch(world)
    names = [*FIRST_MAP, *SECOND_MAP, ABORTED, *THIRD_MAP]
    for name in names:
        await play(world, name)
        await evenings.step()
        assert await summaries(world) == []
    last = decoder.written(names[-1])
    await let_pass(world, evenings, (last + GAP - world.clock.now()).total_seconds() / 60 - 0.1)
    assert await summaries(world) == []
    await let_pass(world, evenings, 0.3)
    (post,) = await summaries(world)
    assert (post["guild_id"], post["channel_id"]) == (GUILD, CHANNEL)
    counted = [name for name in names if name != ABORTED]
    expected = decoder.scores({name: world.real(name) for name in counted}, counted)
    score = expected[counted[-1]]
    assert title(post) == f"Evening of 2025-10-26 · Team A {score[0]} - {score[1]} Team B"
    assert "4 maps · 7 rounds · 1 round not counted" in facts(post)
    await let_pass(world, evenings, 300)
    assert [one["revision"] for one in await summaries(world)] == [1]


async def test_each_guild_reads_the_date_of_its_own_zone_and_who_switched_it_off_reads_nothing(world):
    async with world.database.write("test.choose") as conn:
        await conn.execute(
            update(guilds).where(guilds.c.guild_id == OTHER_GUILD).values(time_zone="Pacific/Kiritimati")
        )
        await conn.execute(guilds.insert().values(guild_id=3, rounds_channel_id=300))
        await conn.execute(insert(round_choices).values(guild_id=3, server="alpha", evenings=False))
    evenings = watch(world, guild_ids=(GUILD, OTHER_GUILD, 3))
    await play(world, *FIRST_MAP)
    await let_pass(world, evenings, 70)
    told = {post["channel_id"]: title(post)[:21] for post in await summaries(world)}
    assert told == {CHANNEL: "Evening of 2025-10-26", OTHER_CHANNEL: "Evening of 2025-10-27"}


async def test_an_evening_of_rounds_that_do_not_count_is_not_told(world):
    evenings = watch(world)
    await play(world, ABORTED)
    await let_pass(world, evenings, 240)
    assert await summaries(world) == []


async def test_a_backfill_is_not_told(world):
    for name in FIRST_MAP:
        world.folder.put(name, world.real(name))
    world.restart()
    async with world.database.write("test.silence") as conn:
        await conn.exec_driver_sql("DELETE FROM sources")
    world.drop(*FIRST_MAP)
    await world.run_for(10)
    assert len(await world.rounds()) == 2
    await let_pass(world, watch(world), 240)
    assert await summaries(world) == []


@pytest.mark.parametrize(("hours", "told"), [(2.9, 1), (3.1, 0)])
async def test_an_evening_that_ended_while_the_bot_was_away_is_told_unless_it_is_old(world, hours, told):
    await play(world, *FIRST_MAP)
    ended_at = decoder.written(FIRST_MAP[-1])
    world.clock.advance((ended_at + timedelta(hours=hours) - world.clock.now()).total_seconds())
    await watch(world).step()
    assert len(await summaries(world)) == told


@pytest.mark.parametrize("committed", [False, True])
async def test_a_process_that_dies_while_it_tells_an_evening_tells_it_once(world, committed):
    await play(world, *FIRST_MAP)
    world.clock.advance(3700)
    with pytest.raises(Crash):
        await watch(world, CrashingDatabase(world.database, "evenings.tell", committed=committed)).step()
    for _ in range(3):
        await watch(world).step()
    (post,) = await summaries(world)
    kept = await world.rows(evening_posts, "round_id")
    assert {row["event_key"] for row in kept} == {post["event_key"]}
    assert len(kept) == 2


async def test_a_late_round_edits_the_summary(world):
    evenings = watch(world)
    await play(world, *FIRST_MAP, *SECOND_MAP[1:])
    await let_pass(world, evenings, 62)
    (before,) = await summaries(world)
    assert "Team A 2 - 0 Team B" in title(before)
    await play(world, SECOND_MAP[0])
    await let_pass(world, evenings, 200)
    (after,) = await summaries(world)
    assert (after["id"], after["revision"]) == (before["id"], 2)
    assert "2 maps · 4 rounds" in facts(after)
    assert title(after) != title(before)


async def two_evenings(world: RoundWorld, evenings: Evenings) -> list[dict]:
    for names in (EARLY, LATE):
        await play(world, *names)
        await let_pass(world, evenings, 62)
    return await summaries(world)


async def test_a_file_that_bridges_two_evenings_makes_one_summary_of_them_and_no_third(bridged):
    evenings = watch(bridged)
    first, second = await two_evenings(bridged, evenings)
    assert [facts(one).split(" · ", 1)[1] for one in (first, second)] == ["1 map · 2 rounds"] * 2
    await play(bridged, BRIDGE[1])  # alone it bridges already
    await play(bridged, BRIDGE[0])
    await let_pass(bridged, evenings, 200)
    whole, other = await summaries(bridged)
    assert (whole["id"], other["id"]) == (first["id"], second["id"])
    assert "3 maps · 6 rounds" in facts(whole)
    assert title(other) == "This evening went on"
    names = [*EARLY, *BRIDGE, *LATE]
    score = decoder.scores({name: bridged.real(name) for name in names}, names)[LATE[1]]
    assert f"Team A {score[0]} - {score[1]} Team B" in title(whole)


async def test_the_other_summary_tells_the_evening_where_people_deleted_the_older_one(bridged):
    evenings = watch(bridged)
    first, _ = await two_evenings(bridged, evenings)
    async with bridged.database.write("test.delete") as conn:
        gone = {"delivered_revision": 1, "state": "delivered", "message_id": None}
        await conn.execute(update(outbox).where(outbox.c.id == first["id"]).values(**gone))
    await play(bridged, *BRIDGE)
    _, other = await summaries(bridged)
    assert "3 maps · 6 rounds" in facts(other)


async def test_an_evening_that_is_parted_has_a_summary_for_each_part_and_the_first_keeps_its_own(bridged):
    evenings = watch(bridged)
    await play(bridged, *EARLY, *BRIDGE, *LATE)
    await let_pass(bridged, evenings, 62)
    (before,) = await summaries(bridged)
    assert "3 maps · 6 rounds" in facts(before)
    for name in BRIDGE:  # their time was wrong by three hours
        later = decoder.written(name) + timedelta(hours=3)
        bridged.folder.put(name, bridged.real(name), later)
    await bridged.run_for(20)
    await let_pass(bridged, evenings, 300)
    parts = await summaries(bridged)
    assert parts[0]["id"] == before["id"]
    assert [facts(one).split(" · ", 1)[1] for one in parts] == ["1 map · 2 rounds"] * 3


async def test_an_evening_that_goes_on_after_its_summary_edits_it(world):
    evenings = watch(world)
    await play(world, *FIRST_MAP)
    await let_pass(world, evenings, 62)
    (before,) = await summaries(world)
    # Both halves of the next map belong to the evening: they began within the hour.
    late = decoder.written(FIRST_MAP[1]) + timedelta(minutes=66)
    name = f"{late:%Y-%m-%d-%H%M%S}-adlernest-round-1.txt"
    world.folder.put(name, world.real(SECOND_MAP[0]), late)
    await world.run_for(20)
    await let_pass(world, evenings, 200)
    (after,) = await summaries(world)
    assert (after["id"], after["revision"]) == (before["id"], 2)
    assert "3 rounds" in facts(after)


async def test_midnight_and_the_change_of_clocks_end_no_evening(world):
    """In Europe it was midnight at 22:00 UTC, and at 01:00 UTC clocks were set back."""
    async with world.database.write("test.choose") as conn:
        await conn.execute(update(guilds).values(time_zone="Europe/Berlin"))
    base = datetime(2025, 10, 26, 0, 0, tzinfo=UTC)
    fresh = RoundWorld(world.database, world.real_files, at=base - timedelta(hours=4))
    evenings = watch(fresh)
    for minutes, name in zip((-170, -115, -60, -5, 50), [*FIRST_MAP, *THIRD_MAP, ABORTED], strict=True):
        at = base + timedelta(minutes=minutes)
        moved = f"{at:%Y-%m-%d-%H%M%S}{name[17:]}"
        fresh.folder.put(moved, fresh.real(name), at)
        fresh.clock.advance((at + timedelta(seconds=5) - fresh.clock.now()).total_seconds())
        await fresh.run_for(5)
    await let_pass(fresh, evenings, 70)
    (post,) = await summaries(fresh)
    assert title(post).startswith("Evening of 2025-10-25")
    assert "5 rounds" in facts(post)
