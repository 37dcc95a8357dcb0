"""What people look up: evenings by local date, and maps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import InputRefused, NothingThere
from bot.services.round_book import RoundBook
from tests.core.rounds import decoder
from tests.services.round_world import GUILD, RoundWorld

ALPHA = ("alpha",)
BOTH = ("alpha", "beta")
# Two evenings began on 2025-10-26, one of them in the morning of the zone of Auckland a day later.
SUPPLY = ["2025-10-26-191725-supply-round-1.txt", "2025-10-26-192624-supply-round-2.txt"]
ADLERNEST = ["2025-10-26-213907-etl_adlernest-round-1.txt", "2025-10-26-214340-etl_adlernest-round-2.txt"]


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy", at=datetime(2025, 10, 26, 17, 0, tzinfo=UTC))
    await world.join(GUILD, None)
    await world.start_watching()
    world.drop(*SUPPLY)
    await world.run_for(5)
    world.drop(*ADLERNEST)
    await world.run_for(5)
    return world


@pytest.fixture
def book(world) -> RoundBook:
    return RoundBook(database=world.database, clock=world.clock)


async def test_two_evenings_of_a_date_are_two_and_each_can_be_named(book):
    messages = await book.evening(ALPHA, "2025-10-26", "UTC")
    assert ["1 map · 2 rounds" in one.body for one in messages] == [True, True]
    first, second = await book.recent(ALPHA, "UTC")
    assert first > second
    assert await book.evening(ALPHA, second, "UTC") == messages[:1]
    assert await book.evening(ALPHA, f" {first} ", "UTC") == messages[1:]


async def test_the_date_is_that_of_the_zone(book):
    with pytest.raises(NothingThere):
        await book.evening(ALPHA, "2025-10-27", "Europe/Berlin")
    assert len(await book.evening(ALPHA, "2025-10-27", "Pacific/Auckland")) == 2
    assert [one[:10] for one in await book.recent(ALPHA, "Pacific/Auckland")] == ["2025-10-27"] * 2


async def test_without_a_date_it_is_the_one_that_runs_and_then_the_last(book, world):
    (running,) = await book.evening(BOTH, None, "UTC")
    assert "so far" in running.body
    assert running.footer == "alpha"
    world.clock.advance(3600)
    (over,) = await book.evening(BOTH, None, "UTC")
    assert "so far" not in over.body
    assert over.title == running.title
    expected = decoder.scores({name: world.real(name) for name in ADLERNEST}, ADLERNEST)[ADLERNEST[1]]
    assert over.title.endswith(f"Team A {expected[0]} - {expected[1]} Team B")


async def test_evenings_of_two_servers_are_never_one(book, world):
    for name in ADLERNEST:
        world.other_folder.put(name, world.real(name))
    await world.run_for(20, "beta")
    messages = await book.evening(BOTH, None, "UTC")
    assert [one.footer for one in messages] == ["alpha", "beta"]
    assert len(await book.evening(BOTH, "2025-10-26", "UTC")) == 3


@pytest.mark.parametrize("when", ["yesterday", "2025-13-01", "2025-10-26 25:00", "", "26.10.2025"])
async def test_what_is_no_date_is_a_hint(book, when):
    with pytest.raises(InputRefused):
        await book.evening(ALPHA, when, "UTC")


@pytest.mark.parametrize("when", ["0001-01-01", "9999-12-31", "2025-10-20"])
async def test_a_day_without_rounds_is_a_hint(book, when):
    with pytest.raises(NothingThere):
        await book.evening(ALPHA, when, "Europe/Berlin")


async def test_nothing_is_known_of_a_server_without_rounds(book):
    assert await book.recent(("beta",), "UTC") == ()
    assert await book.maps(("beta",)) == ()
    with pytest.raises(NothingThere):
        await book.evening(("beta",), None, "UTC")
    with pytest.raises(NothingThere):
        await book.map(("beta",), "supply")


@pytest.mark.parametrize("name", ["etl_adlernest", "ETL_Adlernest", " adlernest "])
async def test_a_map_is_found_by_its_name_and_by_what_people_call_it(book, name):
    (message,) = await book.map(BOTH, name)
    assert message.title == "Adlernest"
    assert "2 counted rounds" in message.body


async def test_the_maps_are_those_that_were_played_the_most_played_first(book, world):
    assert await book.maps(BOTH) == ("etl_adlernest", "supply")
    late = "2025-10-26-222414-supply-round-2.txt"
    world.drop(late)
    await world.run_for(5)
    assert await book.maps(BOTH) == ("supply", "etl_adlernest")
    with pytest.raises(NothingThere):
        await book.map(BOTH, "no such map")


async def test_an_evening_of_long_ago_is_told_as_it_was(book, world):
    before = await book.evening(ALPHA, "2025-10-26", "UTC")
    world.clock.advance(timedelta(days=400).total_seconds())
    after = await book.evening(ALPHA, "2025-10-26", "UTC")
    assert [one.title for one in after] == [one.title for one in before]
    assert len(await book.recent(ALPHA, "UTC")) == 2
