"""What `/status` knows of the game servers of a guild."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.rounds.files import FileRecord, FileState
from bot.discord.reports import status_report
from bot.ports import SignLimit
from bot.services.health import Health
from bot.settings import load_settings
from bot.storage import rounds, sources
from bot.storage.engine import Database
from tests.clocks import ManualClock
from tests.machines import machine_of
from tests.services.stream_world import StreamWorld

GUILD = 1


@pytest.fixture
def health(database: Database, clock: ManualClock, tmp_path: Path) -> Health:
    file = tmp_path / ".env"
    server = "GAME_SERVERS__{0}__HOST=h\nGAME_SERVERS__{0}__USERNAME=u\nGAME_SERVERS__{0}__GUILD_IDS={1}\n"
    file.write_text(server.format("main", GUILD) + server.format("other", 2), "utf-8")
    return Health(
        database=database, machine=machine_of(database, clock), clock=clock, settings=load_settings(file)
    )


async def test_a_server_shows_when_it_was_looked_at_and_what_could_not_be_imported(
    health: Health, database: Database, clock: ManualClock
) -> None:
    async with database.write("test.listing") as conn:
        await sources.record_ok(conn, "ssh:main", clock.now())
        record = FileRecord(
            state=FileState.FAILED,
            size=9,
            modified_at=clock.now(),
            listed_at=clock.now() - timedelta(days=3),
            reason="the 33-field layout",
            tries=1,
        )
        seen = {"bad-round-1.txt": record}
        await rounds.save_files(conn, "main", seen, now=clock.now(), silent=True)
    status = await health.snapshot(GUILD)
    (server,) = status.servers
    assert server.listed_at == clock.now()
    (shown,) = [field.value for field in status_report(status).fields if field.name == "Rounds"]
    assert r"not imported: bad\-round\-1.txt: the 33\-field layout" in shown


async def test_the_server_of_another_guild_is_not_shown(
    health: Health, database: Database, clock: ManualClock
) -> None:
    async with database.write("test.listing") as conn:
        await sources.record_ok(conn, "ssh:other", clock.now())
    status = await health.snapshot(GUILD)
    assert "other" not in str(status_report(status).to_json())


async def test_a_server_named_like_another_source_hides_only_itself(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    server = "GAME_SERVERS__{0}__HOST=h\nGAME_SERVERS__{0}__USERNAME=u\nGAME_SERVERS__{0}__GUILD_IDS=2\n"
    file.write_text(server.format("tiktok"), "utf-8")
    async with database.write("test.answers") as conn:
        for name in ("tiktok", "ssh:tiktok", "ssh:gone"):
            await sources.record_ok(conn, name, clock.now())
    status = await Health(
        database=database, machine=machine_of(database, clock), clock=clock, settings=load_settings(file)
    ).snapshot(GUILD)
    assert [source.name for source in status.sources] == ["tiktok"]


async def test_it_shows_what_is_recorded_and_how_many_connections_are_left(
    health: Health, database: Database, clock: ManualClock
) -> None:
    world = StreamWorld(database, clock)
    world.source.limits = (SignLimit(window="day", most=100, remaining=40, resets_at=None),)
    live = await world.go_live()
    await world.is_recorded(live)
    await world.go_live("bea")
    status = await health.snapshot(GUILD)
    (shown,) = [field.value for field in status_report(status).fields if field.name == "Recordings"]
    assert shown.splitlines() == [
        "`@ana`: recording",
        "`@bea`: no recorder has it yet",
        "connections left today: 39 of 100",
    ]
    elsewhere = status_report(await health.snapshot(2)).to_json()
    assert "ana" not in str(elsewhere)
