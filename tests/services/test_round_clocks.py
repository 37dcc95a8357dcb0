"""Rounds through the sync where clocks, zones, midnight and replayed maps could mix them up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.rounds.files import parse_name
from bot.services.round_book import RoundBook
from tests.services.round_world import BY, CHANNEL, FIRST, GUILD, LATER, SECOND, RoundWorld

START = datetime(2025, 10, 19, 19, 0, tzinfo=UTC)


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    return world


def ends(world: RoundWorld, name: str, *, offset: timedelta, error: timedelta = timedelta()) -> None:
    """Let a round end now on a server so far from UTC, whose clock is wrong by `error`."""
    said = world.clock.now() + error
    named = f"{said + offset:%Y-%m-%d-%H%M%S}{name[17:]}"
    world.folder.put(named, world.real(name), said.replace(microsecond=0))


@pytest.mark.parametrize("hours", [-10, 2, 5.5, 13])
async def test_a_server_in_another_zone_than_is_set_is_told_at_the_right_time(world, hours):
    ended_at = world.clock.now()
    ends(world, FIRST, offset=timedelta(hours=hours))
    await world.run_for(300)
    (round_,) = await world.rounds()
    assert round_["ended_at"] == ended_at
    (post,) = await world.posts()
    assert f"<t:{int(ended_at.timestamp())}:" in str(post["message"]["fields"])


@pytest.mark.parametrize("error", [timedelta(minutes=-90), timedelta(minutes=7), timedelta(days=3)])
async def test_a_server_whose_clock_is_wrong_is_told_once_and_its_halves_meet(world, error):
    ends(world, FIRST, offset=timedelta(), error=error)
    await world.run_for(272)
    ends(world, SECOND, offset=timedelta(), error=error)
    await world.run_for(600)
    first, second = await world.rounds()
    assert second["partner_round_id"] == first["id"]
    assert len(await world.posts()) == 2


async def test_rounds_of_a_server_whose_clock_is_days_slow_are_kept_though_not_told(world):
    """They look just like files that were put back from a backup, of which no channel wants to hear."""
    ends(world, FIRST, offset=timedelta(), error=-timedelta(days=3))
    await world.run_for(60)
    assert len(await world.rounds()) == 1
    assert await world.posts() == []


async def test_a_clock_that_is_put_right_between_the_halves_leaves_two_rounds(world):
    ends(world, FIRST, offset=timedelta(), error=timedelta(hours=2))
    await world.run_for(272)
    ends(world, SECOND, offset=timedelta())
    await world.run_for(600)
    assert [row["partner_round_id"] for row in await world.rounds()] == [None, None]
    assert len(await world.posts()) == 2


async def test_an_evening_with_a_map_played_three_times_goes_over_midnight(database, reference_data):
    """Two of the first halves of te_escape2 have the very same time, and so the same limit for the second."""
    world = RoundWorld(database, reference_data / "etlegacy", at=START)
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    folder = reference_data / "etlegacy"
    names = [
        path.name for path in sorted(folder.iterdir()) if "2025-10-19-2126" < path.name < "2025-10-20-01"
    ]
    assert len(names) == 24
    for name in names:
        world.drop(name)
        await world.run_for(5)
    rows = await world.rounds()
    of_file = {row["id"]: name for name, row in (await world.files()).items()}
    by_id = {row["id"]: of_file[row["file_id"]] for row in rows}
    pairs = {by_id[row["id"]]: by_id[row["partner_round_id"]] for row in rows if row["partner_round_id"]}
    halves = [name for name in names if parse_name(name).round == 2]
    assert pairs == {second: names[names.index(second) - 1] for second in halves}
    assert len(halves) == 12
    assert sum("te_escape2" in name for name in halves) == 3
    assert len(await world.posts()) == 24


async def test_a_round_from_a_clock_a_year_ahead_is_not_the_last_one_for_a_year(world):
    ends(world, LATER, offset=timedelta(), error=timedelta(days=365))
    await world.run_for(60)
    world.drop(FIRST)
    await world.run_for(60)
    assert "Adlernest" in (await world.sync.last(BY, None)).title
    (evening,) = await RoundBook(database=world.database, clock=world.clock).evening(("alpha",), None, "UTC")
    assert "2025-10-26" in evening.title
