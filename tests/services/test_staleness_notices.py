"""Admins hear once that something has stood still for long, and in the same message that it is over."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.core.live.models import Answer
from bot.core.requester import Requester
from bot.discord.speech import Speaker
from bot.errors import BackupFailed, HostKeyChanged, SourceUnavailable
from bot.services.overrides import Overrides
from bot.services.staleness import LOOK_EVERY, Staleness
from bot.services.upkeep import Upkeep
from bot.settings import load_settings
from bot.storage import guilds, recordings, round_choices, sources
from bot.storage.engine import Database, storage_errors
from bot.storage.tables import outbox
from bot.texts import unpacked
from tests.clocks import ManualClock
from tests.databases import PROGRAMS
from tests.machines import ToldGauge, machine_of, retention_of
from tests.services.live_world import ADMIN, BY, CHANNEL, GUILD, LiveWorld

HOUR = timedelta(hours=1)
OTHERS = Requester(guild_id=2, user_id=43)
SERVER = f"""
ROUND_POLL_SECONDS=60
GAME_SERVERS__ALPHA__HOST=a.example
GAME_SERVERS__ALPHA__USERNAME=u
GAME_SERVERS__ALPHA__PASSWORD=secret
GAME_SERVERS__ALPHA__GUILD_IDS={GUILD},2
"""


class Unwritable:
    """A database that refuses every write while `broken`."""

    def __init__(self, database: Database) -> None:
        self.read, self._database = database.read, database
        self.broken = False
        self.why: Exception = sqlite3.OperationalError("database or disk is full")

    @asynccontextmanager
    async def write(self, name: str):
        with storage_errors(name):
            if self.broken:
                raise self.why
        async with self._database.write(name) as conn:
            yield conn


class World:
    """One guild whose admin is known, one followed account, one game server."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.database, self.clock, self.folder = database, clock, folder
        self.writes = Unwritable(database)
        self.lives = LiveWorld(database, clock)
        (folder / "test.env").write_text(SERVER)
        self.settings = load_settings(folder / "test.env")
        self.restart()

    def restart(self) -> None:
        self.upkeep = Upkeep(
            database=self.database, backup_folder=self.folder, backups_kept=1, clock=self.clock
        )
        self.gauge = ToldGauge()
        self.machine = machine_of(self.database, self.clock, self.gauge)
        self.retention = retention_of(self.database, self.clock, self.folder)
        self.staleness = Staleness(
            database=self.writes,
            announcements=self.lives.monitor._announcements,
            upkeep=self.upkeep,
            retention=self.retention,
            machine=self.machine,
            clock=self.clock,
            settings=self.settings,
        )

    async def follow(self, by: Requester = BY, channel: int = CHANNEL) -> None:
        await self.join(by.guild_id)
        self.lives.tiktok.add("ana", 1)
        await self.lives.watchlist.add(by, "ana", channel, None)

    async def join(self, guild_id: int) -> None:
        async with self.database.write("test.join") as conn:
            await guilds.joined(conn, guild_id, "UTC")

    async def leave(self, guild_id: int) -> None:
        async with self.database.write("test.leave") as conn:
            await guilds.left(conn, guild_id, self.clock.now())

    async def back_up(self, *, well: bool) -> None:
        """Make a backup, or fail to: a file stands where the folder should be."""
        folder = self.folder / "backups"
        self.upkeep._backup_folder = folder if well else self.folder / "test.env"
        if well:
            await self.upkeep.back_up()
            return
        with pytest.raises(BackupFailed):
            await self.upkeep.back_up()

    async def server(self, error: str = "") -> None:
        """The game server answers, or does not."""
        async with self.database.write("test.server") as conn:
            if error:
                await sources.record_failure(conn, "ssh:alpha", error, self.clock.now())
            else:
                await sources.record_ok(conn, "ssh:alpha", self.clock.now())

    async def pass_time(self, span: timedelta, *, lives: bool = True, server: bool = True) -> None:
        """Let time pass; what is alive succeeds every half hour."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            if lives:
                await self.lives.watchlist.check_now(BY, "ana")
            if server:
                await self.server()
            for _ in range(2):
                assert await self.staleness.step() == self.clock.now() + LOOK_EVERY
                self.clock.advance(900)

    async def plan_goes_on(self, span: timedelta) -> None:
        """Let time pass while the bot checks lives as it planned; the game server answers."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            await self.server()
            await self.lives.monitor.check_step()
            await self.staleness.step()
            self.clock.advance(600)

    async def notices(self, admin: int = ADMIN) -> list[tuple[str, str, int]]:
        """Title, text and revision of each notice to an admin, in the order in which they were put."""
        async with self.database.read() as conn:
            query = select(outbox).where(outbox.c.event_key.like("notice:%")).order_by(outbox.c.id)
            rows = (await conn.execute(query)).mappings().all()
        assert all(row["direct"] and row["guild_id"] in {GUILD, OTHERS.guild_id} for row in rows)
        rows = [row for row in rows if row["channel_id"] == admin]
        return [
            (_text(row["message"]["title"]), _text(row["message"]["body"]), row["revision"]) for row in rows
        ]


def _text(data: object) -> str:
    return str(unpacked(data))


@pytest.fixture
async def world(database: Database, clock: ManualClock, tmp_path: Path) -> World:
    world = World(database, clock, tmp_path)
    await world.follow()
    await world.server()
    return world


async def test_what_goes_on_is_not_talked_about(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.pass_time(30 * HOUR)
    assert await world.notices() == []
    assert caplog.records == []


async def test_checks_that_stand_still_are_told_once_and_their_return_in_the_same_message(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.services.staleness")
    await world.pass_time(HOUR)
    await world.pass_time(HOUR, lives=False)
    assert await world.notices() == []
    await world.pass_time(30 * HOUR, lives=False)
    ((title, said, revision),) = await world.notices()
    assert (title, revision) == ("No live check succeeds", 1)
    since = re.search(r"<t:\d+:f>", said)[0]
    await world.pass_time(HOUR)
    ((title, body, revision),) = await world.notices()
    assert (title, revision) == ("Live checks succeed again", 2)
    assert f"It stood still from {since} to" in body
    await world.pass_time(3 * HOUR, lives=False)
    assert len(await world.notices()) == 2
    lines = [record.getMessage() for record in caplog.records]
    assert [line.partition(":")[0] for line in lines] == ["live-checks"] * 3
    assert ["the admins are told" in line for line in lines] == [True, False, True]


async def test_unknown_answers_are_no_success(world: World) -> None:
    world.lives.tiktok.trouble = SourceUnavailable("no answer in time")
    report = await world.lives.watchlist.check_now(BY, "ana")
    assert report.answer is Answer.UNKNOWN
    world.lives.tiktok.trouble = None
    await world.pass_time(3 * HOUR, lives=False)
    assert len(await world.notices()) == 1


async def test_a_block_that_was_told_is_not_told_again(world: World) -> None:
    world.lives.tiktok.trouble = SourceUnavailable("HTTP 429", blocked=True)
    await world.lives.watchlist.check_now(BY, "ana")
    await world.pass_time(5 * HOUR, lives=False)
    assert [title for title, _, _ in await world.notices()] == ["TikTok does not answer; live checks pause"]


async def test_nobody_waits_for_checks_where_nobody_is_followed(world: World) -> None:
    await world.lives.watchlist.pause(BY, "ana", paused=True)
    await world.pass_time(5 * HOUR, lives=False)
    assert await world.notices() == []
    await world.lives.watchlist.pause(BY, "ana", paused=False)
    await world.pass_time(HOUR, lives=False)
    assert await world.notices() == []


async def test_who_froze_the_only_account_waits_for_nothing(world: World) -> None:
    overrides = Overrides(database=world.database, monitor=world.lives.monitor, clock=world.clock)
    world.lives.tiktok.trouble = SourceUnavailable("no answer in time")
    await world.lives.watchlist.check_now(BY, "ana")
    await overrides.freeze(BY, "ana", frozen=True)
    await world.plan_goes_on(6 * HOUR)
    assert await world.notices() == []


async def test_an_account_that_is_checked_once_a_day_may_be_silent_for_a_day(world: World) -> None:
    world.lives.restart(policy=None)
    overrides = Overrides(database=world.database, monitor=world.lives.monitor, clock=world.clock)
    await world.plan_goes_on(HOUR)
    await overrides.pin_interval(BY, "ana", timedelta(days=1))
    await world.plan_goes_on(HOUR)
    asked = len(world.lives.tiktok.asked)
    await world.pass_time(21 * HOUR, lives=False)
    assert await world.notices() == []
    await world.plan_goes_on(6 * HOUR)
    assert len(world.lives.tiktok.asked) == asked + 1
    assert await world.notices() == []
    await world.pass_time(14 * HOUR, lives=False)
    assert await world.notices() == []
    await world.pass_time(10 * HOUR, lives=False)  # the next one was due and is not made
    assert [title for title, _, _ in await world.notices()] == ["No live check succeeds"]


async def test_who_froze_the_account_hears_nothing_of_checks_others_wait_for(world: World) -> None:
    overrides = Overrides(database=world.database, monitor=world.lives.monitor, clock=world.clock)
    world.lives.tiktok.add("bea", 2)
    await world.join(OTHERS.guild_id)
    await world.lives.watchlist.add(OTHERS, "bea", 200, None)
    await overrides.freeze(OTHERS, "bea", frozen=True)
    await world.pass_time(HOUR)
    await world.pass_time(5 * HOUR, lives=False)
    assert len(await world.notices()) == 1
    assert await world.notices(OTHERS.user_id) == []


async def test_a_restart_neither_forgets_nor_ends_what_was_told(world: World) -> None:
    await world.pass_time(3 * HOUR, lives=False)
    world.restart()
    await world.pass_time(5 * HOUR, lives=False)
    ((title, _, revision),) = await world.notices()
    assert (title, revision) == ("No live check succeeds", 1)
    await world.pass_time(HOUR)
    ((title, _, _),) = await world.notices()
    assert title == "Live checks succeed again"


async def test_a_game_server_that_cannot_be_reached_for_long_is_told_with_the_reason(world: World) -> None:
    await world.server("alpha: no answer within 10 s")
    await world.pass_time(3 * HOUR, server=False)
    ((title, body, _),) = await world.notices()
    assert title == "The game server alpha has not been read for long"
    assert "no answer within 10 s" in body
    await world.pass_time(HOUR)
    ((title, _, revision),) = await world.notices()
    assert (title, revision) == ("The game server alpha is read again", 2)


async def test_a_game_server_that_was_switched_off_is_not_missed(world: World, database: Database) -> None:
    await world.server("alpha: no answer within 10 s")
    async with database.write("test.switch") as conn:
        for guild_id in (GUILD, OTHERS.guild_id):
            await round_choices.choose(conn, guild_id, "alpha", "monitoring", on=False)
    await world.pass_time(5 * HOUR, server=False)
    assert await world.notices() == []
    async with database.write("test.switch") as conn:
        await round_choices.choose(conn, GUILD, "alpha", "monitoring", on=True)
    await world.pass_time(3 * HOUR, server=False)
    ((title, _, _),) = await world.notices()
    assert title == "The game server alpha has not been read for long"


@pytest.mark.parametrize("policy", ["auto", "classic", "learned"])
async def test_a_server_that_a_policy_lets_rest_is_told_of_two_hours_after_a_look_failed(
    world: World, policy: str
) -> None:
    text = SERVER.replace("ROUND_POLL_SECONDS=60", f"GAME_SERVERS__ALPHA__ROUND_POLICY={policy}")
    (world.folder / "test.env").write_text(text)
    world.settings = load_settings(world.folder / "test.env")
    world.restart()
    sleep = 2 * HOUR if policy == "learned" else 21 * HOUR
    await world.pass_time(sleep, server=False)
    assert await world.notices() == []
    await world.server("alpha: no answer within 10 s")
    await world.pass_time(1.5 * HOUR, server=False)
    assert await world.notices() == []
    await world.pass_time(HOUR, server=False)
    ((title, _, _),) = await world.notices()
    assert title == "The game server alpha has not been read for long"


async def test_a_game_server_whose_admins_know_is_not_told_again(world: World, database: Database) -> None:
    from bot.core.rounds.notices import server_closed
    from bot.services.admin_notices import outage_key, tell_admins

    error, now = HostKeyChanged("a.example", "SHA256:x"), world.clock.now()
    await world.server(str(error))
    async with database.write("test.tell") as conn:
        key = outage_key("ssh:alpha", now)
        await tell_admins(conn, key, (GUILD,), server_closed("alpha", str(error)), now)
    await world.pass_time(5 * HOUR, server=False)
    assert [title for title, _, _ in await world.notices()] == ["The game server alpha cannot be read"]


@pytest.fixture
def with_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools that copy a database server are on this machine."""
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("with_tools")
async def test_backups_that_fail_are_told_and_one_night_without_is_not(world: World) -> None:
    await world.back_up(well=True)
    await world.pass_time(23 * HOUR)
    assert await world.notices() == []
    for _ in range(4):
        await world.back_up(well=False)
        await world.pass_time(HOUR)
    ((title, body, _),) = await world.notices()
    assert title == "My database is not backed up"
    assert "test.env" in body
    await world.back_up(well=True)
    await world.pass_time(HOUR)
    ((title, _, revision),) = await world.notices()
    assert (title, revision) == ("My database is backed up again", 2)


@pytest.mark.usefixtures("with_tools")
async def test_the_reasons_are_told_in_the_language_of_the_guild(world: World, database: Database) -> None:
    for _ in range(4):
        await world.back_up(well=False)
        await world.pass_time(HOUR)
    world.writes.broken, world.writes.why = True, TimeoutError()
    await world.pass_time(HOUR, lives=False, server=False)
    world.writes.broken = False
    await world.staleness.step()
    async with database.read() as conn:
        told = (await conn.execute(select(outbox.c.message).order_by(outbox.c.id))).scalars().all()
    backup, stuck = [Speaker(language="id").say(unpacked(message["body"])) for message in told]
    assert "tidak ada cadangan yang dibuat di" in backup
    assert "staleness.look: server basis data tidak menjawab tepat waktu" in stuck


async def test_a_database_that_could_not_be_written_for_minutes_is_told_when_it_can(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.services.staleness")
    await world.staleness.step()
    world.writes.broken = True
    broken_at: datetime = world.clock.now()
    for _ in range(10):
        await world.staleness.step()
        world.clock.advance(60)
    world.writes.broken = False
    await world.staleness.step()
    await world.staleness.step()
    ((title, body, _),) = await world.notices()
    assert title == "My database could not be written"
    assert "disk is full" in body
    assert f"<t:{int(broken_at.timestamp())}:f>" in body
    down, back = [record.getMessage() for record in caplog.records]
    assert "cannot be written" in down
    assert back == "The database can be written again"


async def test_a_database_that_stumbles_for_a_moment_is_not_talked_about(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.writes.broken = True
    await world.staleness.step()
    world.writes.broken = False
    world.clock.advance(60)
    await world.staleness.step()
    assert await world.notices() == []
    assert caplog.records == []


# --- More than one guild -----------------------------------------------------------------------


async def test_each_guild_is_told_once_and_reads_that_it_is_over(world: World) -> None:
    await world.follow(OTHERS, 200)
    await world.pass_time(HOUR)
    await world.pass_time(5 * HOUR, lives=False)
    for admin in (ADMIN, OTHERS.user_id):
        ((title, _, revision),) = await world.notices(admin)
        assert (title, revision) == ("No live check succeeds", 1)
    await world.pass_time(HOUR)
    for admin in (ADMIN, OTHERS.user_id):
        ((title, _, revision),) = await world.notices(admin)
        assert (title, revision) == ("Live checks succeed again", 2)


async def test_a_guild_that_follows_nobody_hears_of_no_lives_but_of_its_game_server(world: World) -> None:
    await world.follow(OTHERS, 200)
    await world.lives.watchlist.pause(OTHERS, "ana", paused=True)
    await world.pass_time(3 * HOUR, lives=False, server=False)
    assert {title for title, _, _ in await world.notices()} == {
        "No live check succeeds",
        "The game server alpha has not been read for long",
    }
    ((title, _, _),) = await world.notices(OTHERS.user_id)
    assert title == "The game server alpha has not been read for long"


async def test_a_guild_that_removed_the_bot_hears_nothing(world: World) -> None:
    await world.follow(OTHERS, 200)
    await world.leave(OTHERS.guild_id)
    await world.pass_time(3 * HOUR, lives=False, server=False)
    assert await world.notices(OTHERS.user_id) == []
    assert len(await world.notices()) == 2


async def test_who_is_admin_of_two_guilds_is_told_though_one_removed_the_bot(
    world: World, database: Database
) -> None:
    """One direct message is for both; it must not be kept back for the guild that is gone."""
    same = Requester(guild_id=OTHERS.guild_id, user_id=ADMIN)
    await world.follow(same, 200)
    await world.leave(GUILD)
    await world.pass_time(3 * HOUR, server=False, lives=False)
    async with database.read() as conn:
        told = (
            (await conn.execute(select(outbox).where(outbox.c.event_key.like("notice:%")))).mappings().all()
        )
    assert {row["guild_id"] for row in told} == {OTHERS.guild_id}
    assert len(told) == 2


async def test_when_the_last_guild_left_nobody_waits_until_one_comes_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.leave(GUILD)
    await world.pass_time(30 * HOUR, lives=False)
    assert await world.notices() == []
    assert caplog.records == []
    await world.join(GUILD)
    await world.pass_time(HOUR, lives=False)
    assert await world.notices() == []
    await world.pass_time(2 * HOUR, lives=False)
    assert [title for title, _, _ in await world.notices()] == ["No live check succeeds"]


# --- What begins later, and restarts -----------------------------------------------------------


async def test_what_is_expected_later_has_its_time_from_then(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """The bot has run for a day when the first account is followed."""
    world = World(database, clock, tmp_path)
    await world.pass_time(24 * HOUR, lives=False)
    await world.follow()
    await world.pass_time(HOUR, lives=False)
    assert await world.notices() == []
    await world.pass_time(2 * HOUR, lives=False)
    ((title, body, _),) = await world.notices()
    assert title == "No live check succeeds"
    assert f"<t:{int((clock.now() - 3 * HOUR).timestamp())}:f>" in body


async def test_a_bot_that_is_started_again_and_again_still_tells(world: World) -> None:
    for _ in range(4):
        await world.pass_time(HOUR, lives=False)
        world.restart()
    ((title, _, _),) = await world.notices()
    assert title == "No live check succeeds"


async def test_a_bot_that_was_off_for_a_day_does_not_take_that_for_silence(world: World) -> None:
    await world.pass_time(HOUR)
    world.clock.advance(24 * 3600)
    world.restart()
    await world.pass_time(HOUR, lives=False, server=False)
    assert await world.notices() == []
    await world.pass_time(2 * HOUR, lives=False, server=False)
    assert len(await world.notices()) == 2


@pytest.mark.usefixtures("with_tools")
async def test_a_restart_between_failing_backups_neither_repeats_nor_ends_the_notice(world: World) -> None:
    for _ in range(3):
        await world.back_up(well=False)
        await world.pass_time(HOUR)
    assert len(await world.notices()) == 1
    world.restart()
    await world.pass_time(3 * HOUR)
    await world.back_up(well=False)
    await world.pass_time(3 * HOUR)
    ((title, _, revision),) = await world.notices()
    assert (title, revision) == ("My database is not backed up", 1)
    await world.back_up(well=True)
    await world.pass_time(HOUR)
    ((title, _, revision),) = await world.notices()
    assert (title, revision) == ("My database is backed up again", 2)


async def test_each_time_the_database_was_stuck_is_told_to_every_guild(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "bot.services.staleness")
    await world.follow(OTHERS, 200)
    for _ in range(2):
        world.writes.broken = True
        for _ in range(20):
            await world.staleness.step()
            world.clock.advance(60)
        world.writes.broken = False
        await world.pass_time(HOUR)
    for admin in (ADMIN, OTHERS.user_id):
        told = [(title, revision) for title, _, revision in await world.notices(admin)]
        assert told == [("My database could not be written", 1)] * 2
    assert len(caplog.records) == 2


async def test_silence_while_the_database_was_stuck_is_told_as_well(world: World) -> None:
    """Nothing could be written, so no check could succeed; both are true and each is said once."""
    await world.staleness.step()
    world.writes.broken = True
    for _ in range(180):
        await world.staleness.step()
        world.clock.advance(60)
    world.writes.broken = False
    await world.pass_time(HOUR, lives=False)
    titles = [title for title, _, _ in await world.notices()]
    assert sorted(titles) == ["My database could not be written", "No live check succeeds"]


async def test_lives_that_nobody_records_are_told_once_and_that_it_is_over(world: World) -> None:
    await world.follow()
    world.lives.restart(record_lives=True)
    world.lives.tiktok.go_live("ana")
    await world.lives.watchlist.check_now(BY, "ana")
    world.clock.speed = 600.0
    for _ in range(20):
        await world.staleness.step()
        world.clock.advance(60)
    assert await world.notices() == [], "in a fast world the machine has its seconds to start the recorder"
    world.clock.speed = 1.0
    await world.staleness.step()
    ((title, _, revision),) = await world.notices()
    assert (title, revision) == ("Lives are not recorded", 1)
    async with world.database.write("test.claimed") as conn:
        await recordings.claim(conn, "a", world.clock.now(), most=1)
    await world.staleness.step()
    assert [title for title, *_ in await world.notices()] == ["Lives are recorded again"]
