"""Which lives an export is about, and how many exports there may be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from bot.core.requester import Requester
from bot.core.streams.export import ExportFormat, file_name
from bot.errors import ExportFailed, InputRefused, LimitReached, NothingThere
from bot.services.exports import Exports
from bot.storage import stream_exports
from bot.storage.stream_tables import contributions, stream_minutes
from bot.storage.tables import guilds, subscriptions
from tests.clocks import ManualClock
from tests.exporter import FakeExporter
from tests.kept_posts import keep_profile
from tests.kept_streams import MINUTE, START, keep_live

XLSX = ExportFormat.XLSX
DAY = timedelta(days=1)
HERE, THERE = 1, 2
BY = Requester(guild_id=HERE, user_id=9)


@pytest.fixture
def exporter() -> FakeExporter:
    return FakeExporter()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START + 4 * DAY)


@pytest.fixture
async def exports(database, clock, exporter) -> Exports:
    """A guild in Jakarta that follows Ana, and one that follows Ben."""
    async with database.write("test.keep") as conn:
        await conn.execute(insert(guilds).values(guild_id=HERE, time_zone="Asia/Jakarta"))
        for number in range(3):
            await keep_live(conn, started_at=START + number * DAY, minutes=3)
        await keep_live(conn, handle="ben", minutes=3)
        for account_id, guild_id in ((1, HERE), (2, THERE)):
            given = {"account_id": account_id, "guild_id": guild_id, "channel_id": 7, "created_by": 1}
            await conn.execute(insert(subscriptions).values(**given, paused=True, created_at=START))
    return Exports(
        database=database,
        exporter=exporter,
        clock=clock,
        default_time_zone="UTC",
        usd_per_diamond=0.005,
    )


async def ids(database, order) -> list[int]:
    return [live.live_id async for page in stream_exports.lives_in_order(database, order) for live in page]


async def test_days_are_those_of_the_guild_and_both_are_included(database, exports):
    # Ana's lives began at 01:00 in Jakarta, on the 2nd, 3rd and 4th of March.
    order = await exports.of_range(BY, None, "2026-03-02", "2026-03-03", XLSX)
    assert order.since == datetime(2026, 3, 1, 17, tzinfo=UTC)
    assert (order.zone, order.name) == ("Asia/Jakarta", "vedette_all_2026-03-02_2026-03-03")
    assert await ids(database, order) == [1, 2]
    assert await ids(database, await exports.of_range(BY, None, None, None, XLSX)) == [1, 2, 3]


async def test_nobody_gets_what_another_server_follows(database, exports):
    assert await ids(database, await exports.of_range(BY, "@ana", None, None, XLSX)) == [1, 2, 3]
    with pytest.raises(NothingThere, match="ben"):
        await exports.of_range(BY, "ben", None, None, XLSX)
    with pytest.raises(NothingThere, match="not recorded"):
        await exports.of_live(BY, "4", XLSX)
    assert [live.live_id for live in await exports.lives(HERE, "", 25)] == [3, 2, 1]
    assert [live.handle for live in await exports.lives(THERE, "@BE", 25)] == ["ben"]
    assert await exports.lives(HERE, "ben", 25) == ()


async def test_one_live_is_meant_by_its_number(database, exports):
    order = await exports.of_live(BY, "2", XLSX)
    assert await ids(database, order) == [2]
    assert order.name == "vedette_ana_2026-03-03"


@pytest.mark.parametrize("chosen", ["ana", "", "-1", "٣", "9" * 40])
async def test_what_is_no_suggestion_is_refused(exports, chosen):
    with pytest.raises(InputRefused, match="suggestions"):
        await exports.of_live(BY, chosen, XLSX)


@pytest.mark.parametrize(
    ("first", "last", "hint"),
    [
        ("yesterday", None, "2026-12-31"),
        ("0001-01-01", None, "2026-12-31"),
        (None, "9999-12-31", "2026-12-31"),
        ("2026-03-03", "2026-03-02", "before"),
    ],
)
async def test_days_that_are_none_are_refused(exports, first, last, hint):
    with pytest.raises(InputRefused, match=hint):
        await exports.of_range(BY, None, first, last, XLSX)


async def test_days_without_a_live_are_told(exports):
    with pytest.raises(NothingThere, match="No live"):
        await exports.of_range(BY, None, "2026-03-10", "2026-03-11", XLSX)


async def test_a_profile_is_exported_by_those_who_watch_its_posts(database, exports):
    async with database.write("test.watch") as conn:
        kept = await keep_profile(conn, handle="ana", guild_id=HERE)
        await keep_profile(conn, handle="ben", guild_id=THERE)
    order = await exports.of_profile(BY, "@Ana", XLSX)
    assert (order.account_id, order.zone, order.name) == (
        kept.account_id,
        "Asia/Jakarta",
        "vedette_posts_ana_2026-03-06",
    )
    with pytest.raises(NothingThere, match="ben"):
        await exports.of_profile(BY, "ben", XLSX)
    with pytest.raises(InputRefused, match="handle"):
        await exports.of_profile(BY, "no handle!", XLSX)
    assert await exports.profiles(HERE, "@A", 25) == ("ana",)
    assert await exports.profiles(HERE, "ben", 25) == ()


async def write(exports, order) -> None:
    await exports.write(order, most_bytes=10**6, told=lambda _: None)


async def test_one_export_at_a_time_for_a_server_and_two_in_all(exports, exporter, clock):
    exporter.may_end = asyncio.Event()
    mine = await exports.of_range(BY, None, None, None, XLSX)
    theirs = await exports.of_range(Requester(guild_id=THERE, user_id=1), None, None, None, XLSX)
    running = [asyncio.create_task(write(exports, order)) for order in (mine, theirs)]
    await asyncio.wait(running, timeout=0)
    assert len(exporter.orders) == 2
    with pytest.raises(LimitReached, match="for this server"):
        await write(exports, mine)
    with pytest.raises(LimitReached, match="other servers"):
        await write(exports, replace(mine, guild_id=3))
    exporter.may_end.set()
    await asyncio.gather(*running)
    await write(exports, mine)
    assert len(exporter.orders) == 3


async def test_a_failed_export_does_not_stand_in_the_way_of_the_next(exports, exporter):
    order = await exports.of_range(BY, None, None, None, XLSX)
    exporter.trouble = "no space"
    with pytest.raises(ExportFailed):
        await write(exports, order)
    exporter.trouble = ""
    await write(exports, order)


async def test_long_lives_are_read_page_by_page_and_completely(database, exports):
    order = await exports.of_live(BY, "1", XLSX)
    more = stream_exports.ROWS_AT_ONCE + 7
    async with database.write("test.more") as conn:
        people = [
            {"live_id": 1, "person_id": number, "account_id": 1, "first_at": START, "last_at": START}
            for number in range(more)
        ]
        await conn.execute(insert(contributions), people)
        rows = [{"live_id": 1, "minute": START + (10 + number) * MINUTE} for number in range(more)]
        await conn.execute(insert(stream_minutes), rows)
        known = (
            await conn.execute(select(contributions.c.person_id).where(contributions.c.live_id == 1))
        ).all()
    (live,) = [live async for page in stream_exports.lives_in_order(database, order) for live in page]
    pages = [page async for page in stream_exports.contributions_of(database, live)]
    assert [len(page) for page in pages] == [stream_exports.ROWS_AT_ONCE, 7 + 12]
    read = [row.person_id for page in pages for row in page]
    assert (read, len(read)) == (sorted({row.person_id for row in known}), more + 12)
    minutes = [row.minute async for page in stream_exports.minutes_of(database, live, order) for row in page]
    assert len(minutes) == len(set(minutes)) == more + 3
    assert minutes == sorted(minutes)


@pytest.mark.parametrize("pages_of", [1, 2])
async def test_lives_that_began_at_once_are_all_there_once(database, exports, monkeypatch, pages_of):
    monkeypatch.setattr(stream_exports, "LIVES_AT_ONCE", pages_of)
    order = await exports.of_range(BY, None, None, None, XLSX)
    assert await ids(database, replace(order, guild_id=None)) == [1, 4, 2, 3]


def test_a_file_is_named_so_that_every_system_takes_it():
    assert file_name("../a.b\n=É", START, START + DAY) == "vedette_.._a.b____2026-03-01_2026-03-02"
