"""A gather's document and the stats file of another script: one round, whichever comes first."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from bot.core.rounds.files import parse_name
from bot.storage.round_tables import voided_rounds
from tests.core.rounds.samples import content, header, roster
from tests.services.round_world import BY, CHANNEL, GUILD, Crash, CrashingDatabase, RoundWorld
from tools.rebuild_rounds import rebuild

FIRST, SECOND = (
    f"gamestats-7-2024-12-05-{at}.json" for at in ("205654-supply-round-1", "210743-supply-round-2")
)
STATS = "2024-12-05-210746-supply-round-2.txt"
OF_STATS = content(header(2), *roster(rounds=1))


@pytest.fixture
async def world(database, reference_data):
    now = datetime(2024, 12, 5, 20, 8, tzinfo=UTC)
    world = RoundWorld(database, reference_data / "etlegacy", at=now)
    world.match = json.loads((reference_data / "etlegacy" / "1733415574.json").read_bytes())["match"]
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    return world


def put_gather(world: RoundWorld, *names: str) -> None:
    for name in names:
        number = (FIRST, SECOND).index(name)
        document = json.dumps(world.match["rounds"][number]["round_data"]).encode()
        world.folder.put(name, document, parse_name(name).wall_clock.replace(tzinfo=UTC) - timedelta(hours=1))


def put_stats(world: RoundWorld) -> None:
    world.folder.put(STATS, OF_STATS, datetime(2024, 12, 5, 20, 7, 46, tzinfo=UTC))


def titles(posts: list[dict]) -> list[str]:
    return [post["message"]["title"] for post in posts]


async def test_rounds_of_a_gather_are_posted_like_any_other(world):
    put_gather(world, FIRST, SECOND)
    await world.run_for(60)
    first, second = await world.rounds()
    assert second["partner_round_id"] == first["id"]
    assert second["ended_at"] == datetime(2024, 12, 5, 20, 7, 43, tzinfo=UTC)
    assert len(await world.players(second["id"])) == 12
    assert [title.startswith("Supply · round") for title in titles(await world.posts())] == [True, True]
    last = await world.sync.last(BY, None)
    assert "round 2" in last.title


async def test_a_stats_file_that_comes_later_takes_the_round_and_its_message(world):
    put_gather(world, FIRST, SECOND)
    await world.run_for(60)
    before = await world.rounds()
    async with world.database.write("test.void") as conn:
        await conn.execute(
            insert(voided_rounds).values(
                file_id=before[1]["file_id"], voided_by=1, voided_at=world.clock.now()
            )
        )
    put_stats(world)
    await world.run_for(60)
    after = await world.rounds()
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert len(await world.players(after[1]["id"])) == 4
    assert len(await world.posts()) == 2
    assert [post["revision"] for post in await world.posts()] == [1, 2]
    files = await world.files()
    assert (files[SECOND]["state"], files[SECOND]["reason"]) == ("ignored", f"the same round as {STATS}")
    (void,) = await world.rows(voided_rounds, "file_id")
    assert (void["file_id"], after[1]["counted"]) == (files[STATS]["id"], False)
    done = await rebuild(world.database, {}, world.clock.now(), dry_run=False)
    assert (done.rounds, done.changed) == (2, 0)
    (status,) = await world.sync.status(["alpha"])
    assert status.troubles == ()


@pytest.mark.parametrize("together", [True, False])
async def test_a_gather_that_comes_after_the_stats_file_changes_nothing(world, together):
    put_stats(world)
    if not together:
        await world.run_for(60)
    put_gather(world, SECOND)
    await world.run_for(60)
    (round_,) = await world.rounds()
    files = await world.files()
    assert round_["file_id"] == files[STATS]["id"]
    assert files[SECOND]["reason"] == f"the same round as {STATS}"
    (post,) = await world.posts()
    assert post["revision"] == 1


@pytest.mark.parametrize("committed", [False, True])
async def test_a_death_while_the_round_is_taken_over_leaves_one_round_and_one_message(world, committed):
    put_gather(world, SECOND)
    await world.run_for(60)
    put_stats(world)
    world.restart(CrashingDatabase(world.database, "rounds.import", committed=committed))
    with pytest.raises(Crash):
        await world.run_for(60)
    world.restart()
    await world.run_for(60)
    assert len(await world.rounds()) == 1
    (post,) = await world.posts()
    assert post["revision"] == 2
