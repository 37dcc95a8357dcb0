"""Special days: whose they are, and that plans and people know of them at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import holidays
import pytest

from bot.errors import NothingThere
from bot.services.special_days import public_holidays
from bot.storage import predictions as table
from bot.storage.engine import Database
from tests.clocks import ManualClock
from tests.services.live_world import BY, GUILD
from tests.services.oracle import DAY, HOUR, Oracle


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> Oracle:
    return Oracle(database, clock)


async def told(world: Oracle, handle: str = "ana") -> str:
    factors = (await world.predictions.account(GUILD, handle)).factors
    assert factors is not None
    return factors.event


async def test_special_days_are_the_guilds_own_and_its_countrys(world: Oracle) -> None:
    await world.follow("ana", "bea")
    party = await world.overrides.add_event(BY, date(2026, 12, 24), "Ana's  party", "ana")
    assert (party.name, party.handle) == ("Ana's party", "ana")
    await world.overrides.choose_country(BY, "id")
    days = await world.overrides.events(GUILD)
    assert [day.day for day in days] == sorted(day.day for day in days)
    assert party in days
    assert date(2027, 8, 17) in {day.day for day in days if day.id is None}
    assert await world.overrides.events(2) == ()
    with pytest.raises(NothingThere):
        await world.overrides.remove_event(replace(BY, guild_id=2), party.id)
    await world.overrides.remove_event(BY, party.id)
    assert party not in await world.overrides.events(GUILD)


async def test_a_special_day_is_told_as_soon_as_it_is_added_and_no_longer_than_it_stands(
    world: Oracle,
) -> None:
    await world.follow("ana", "bea")
    party = await world.overrides.add_event(BY, world.clock.now().date(), "Ana's party", "ana")
    assert [await told(world, "ana"), await told(world, "bea")] == ["Ana's party", ""]
    await world.overrides.remove_event(BY, party.id)
    assert await told(world, "ana") == ""


async def test_a_special_day_outlives_a_night_and_a_restart(world: Oracle) -> None:
    await world.follow("ana")
    await world.overrides.add_event(BY, world.clock.now().date(), "Fair")
    await world.scores.night()
    assert await told(world) == "Fair"
    world.restart()
    await world.monitor.replan_step()
    assert await told(world) == "Fair"


async def test_a_public_holiday_is_told_by_its_name(world: Oracle) -> None:
    await world.follow("ana")
    world.wait(timedelta(days=34, hours=-8))  # it is noon of 25 December
    await world.overrides.choose_country(BY, "FR")
    assert await told(world) == public_holidays("FR", 2026, 2026)[date(2026, 12, 25)]


async def test_a_country_the_library_dropped_has_no_holidays_and_stops_nothing(
    world: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.follow("ana")
    await world.overrides.choose_country(BY, "FR")
    await world.overrides.add_event(BY, world.clock.now().date(), "Fair")
    monkeypatch.setattr(holidays, "list_supported_countries", lambda **_: {"ID": []})

    def dropped(*_: object, **__: object) -> None:
        raise NotImplementedError("Country FR not available")

    monkeypatch.setattr(holidays, "country_holidays", dropped)
    world.wait(HOUR)
    await world.monitor.replan_step()
    await world.log.step()
    assert await told(world) == "Fair"
    assert [event.name for event in await world.overrides.events(GUILD)] == ["Fair"]
    async with world.database.read() as conn:
        assert len(await table.load(conn, [1], world.clock.now() - DAY, world.clock.now() + DAY)) == 1
