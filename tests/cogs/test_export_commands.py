"""`/export`, as admins use it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert

from bot.discord import files
from bot.storage.tables import subscriptions
from tests.exporter import CONTENT
from tests.kept_streams import START, keep_live

pytest_plugins = ("tests.discord_room.conftest",)


@pytest.fixture
async def room(open_room):
    async with open_room("cogs.exports") as room:
        async with room.database.write("test.put") as conn:
            await keep_live(conn, started_at=START, minutes=3)
            given = {"account_id": 1, "guild_id": room.guild_id, "channel_id": 7, "created_by": 1}
            await conn.execute(insert(subscriptions).values(**given, created_at=START))
        yield room


async def said(room, name="export stream", /, **options):
    return (await room.command(name, **options or {"live": "1"}))["response"]


async def test_what_fits_is_attached_for_the_admin_alone(room):
    answer = await said(room)
    assert answer["ephemeral"]
    (attached,) = answer["attachments"]
    assert (attached["filename"], attached["size"]) == ("vedette_ana_2026-03-01.xlsx", len(CONTENT))
    assert "with care" in answer["content"]
    # 10 MiB may be uploaded; a part of that is the request itself.
    assert room.exporter.most_bytes == [10 * 1024 * 1024 - 256 * 1024]


async def test_what_is_too_large_is_named_with_its_place_and_size(room):
    room.exporter.size = 12_345_678
    answer = await said(room, "export range", **{"from": "2026-03-01", "to": "2026-03-02", "format": "csv"})
    assert answer["attachments"] == []
    assert "data/exports/vedette_all_2026-03-01_2026-03-02.csv`: 12.3 MB" in answer["content"]
    assert "too large" in answer["content"]


async def test_a_long_export_says_how_far_it_is(room):
    room.exporter.says, room.exporter.may_end = (123_456,), asyncio.Event()
    started = await room.ask(room.server.command, "export stream", {"live": "1"})
    await room.until(lambda: files.PROGRESS_SECONDS in room.clock.slept)
    room.clock.advance(files.PROGRESS_SECONDS)
    shown = await room.ask(room.server.answer, started)
    assert "123,456 rows so far" in shown["response"]["content"]
    room.exporter.may_end.set()

    async def done():
        return (await room.ask(room.server.answer, started))["response"]["attachments"]

    await room.until_async(done)


async def test_what_kept_an_export_from_being_written_is_a_hint(room):
    room.exporter.trouble = "the disk is full"
    assert "the disk is full" in (await said(room))["content"]
