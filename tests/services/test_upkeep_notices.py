"""Admins hear once that the machine is too small, or that archives fail, and in the same message that it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.core.announcements import Message
from bot.core.machine import GIB
from bot.errors import ArchiveFailed
from bot.services.announcements import Announcements
from bot.services.staleness import Staleness
from bot.services.upkeep import Upkeep
from bot.settings import load_settings
from bot.storage import guilds
from bot.storage.engine import Database
from bot.storage.stream_tables import recordings
from bot.storage.tables import outbox
from tests.clocks import ManualClock
from tests.kept_streams import keep_live
from tests.machines import WELL, ToldGauge, machine_of, retention_of
from tests.services.live_world import BY, GUILD


class World:
    """One guild whose admin is known, and what looks after the machine."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.database, self.clock, self.archive = database, clock, folder / "archive"
        self.gauge = ToldGauge()
        self.machine = machine_of(database, clock, self.gauge)
        self.retention = retention_of(database, clock, folder)
        self.staleness = Staleness(
            database=database,
            announcements=Announcements(database, clock),
            upkeep=Upkeep(database=database, backup_folder=folder, backups_kept=1, clock=clock),
            retention=self.retention,
            machine=self.machine,
            clock=clock,
            settings=load_settings(folder / "no.env"),
        )

    async def pass_time(self, hours: float) -> None:
        for _ in range(round(hours * 4)):
            await self._record()
            await self.machine.step()
            await self.staleness.step()
            self.clock.advance(900)

    async def _record(self) -> None:
        """Hold what is recorded, as a recorder at work does."""
        until = self.clock.now() + timedelta(seconds=5)
        async with self.database.write("test.lease") as conn:
            await conn.execute(update(recordings).values(holder="recorder", leased_until=until))

    async def notices(self) -> list[Message]:
        async with self.database.read() as conn:
            query = select(outbox.c.message).where(outbox.c.event_key.like("notice:%")).order_by(outbox.c.id)
            return [Message.from_json(row) for row in (await conn.execute(query)).scalars()]


@pytest.fixture
async def world(database: Database, clock: ManualClock, tmp_path: Path) -> World:
    async with database.write("test.guild") as conn:
        await guilds.joined(conn, GUILD, "UTC")
        await guilds.choose(conn, BY, {}, clock.now())
    return World(database, clock, tmp_path)


async def test_a_machine_that_stays_short_of_something_is_told_once_and_when_it_is_over(world: World) -> None:
    async with world.database.write("test.recording") as conn:
        await keep_live(conn, going_on=True, minutes=1)
    world.gauge.reading = replace(WELL, disk_free=GIB // 2)
    await world.pass_time(1.5)
    assert await world.notices() == []
    await world.pass_time(5)
    (notice,) = await world.notices()
    assert notice.title == "My machine is too small for this"
    assert "the machine is short of disk space" in notice.body
    assert "Make room" in notice.body
    world.gauge.reading = WELL
    await world.pass_time(0.25)
    (notice,) = await world.notices()
    assert notice.title == "My machine has enough of everything again"


async def test_archives_that_cannot_be_made_are_told_after_two_hours(world: World) -> None:
    async with world.database.write("test.live") as conn:
        await keep_live(conn, started_at=world.clock.now() - timedelta(days=91))
    world.archive.write_text("no folder")
    for hours in (1.5, 1):
        with pytest.raises(ArchiveFailed):
            await world.retention.night()
        assert await world.notices() == []
        await world.pass_time(hours)
    (notice,) = await world.notices()
    assert notice.title == "Old details of lives and posts cannot be archived"
    assert "nothing is deleted" in notice.body
    world.archive.unlink()
    await world.retention.night()
    await world.pass_time(0.25)
    (notice,) = await world.notices()
    assert notice.title == "Old details of lives and posts are archived again"
