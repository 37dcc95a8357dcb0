"""Rounds made anew: by a start of a version that reads files differently, on request, and after a second thought."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import delete, text, update

from bot.core.rounds.files import FileKind, file_kind
from bot.core.rounds.folder import FolderFile, read_folder
from bot.errors import NothingThere
from bot.services import round_rebuild
from bot.storage import raw_rounds
from bot.storage import rounds as store
from bot.storage.engine import Database
from bot.storage.migrate import SCRIPTS, upgrade
from bot.storage.round_tables import round_players, rounds
from bot.storage.tables import notes, outbox
from tests.core.rounds.samples import content, header, roster
from tests.services.round_world import (
    CHANNEL,
    FIRST,
    GUILD,
    LATER,
    SECOND,
    Crash,
    CrashingDatabase,
    RoundWorld,
)
from tools.rebuild_rounds import rebuild

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
PARIS = "Europe/Paris"
R1 = content(header(1, "10:00", "7:30"), *roster(f22=7.5))
R2 = content(
    header(2, "7:30", "5:00"), *roster(rounds=1, guns=(60, 190, 9, 9, 8), f0=1900, f1=1900, f22=12.5)
)


class WatchedDatabase:
    """Notes the names of the transactions that were written."""

    def __init__(self, database: Database) -> None:
        self.read = database.read
        self.written: list[str] = []
        self._database = database

    @asynccontextmanager
    async def write(self, name: str):
        self.written.append(name)
        async with self._database.write(name) as conn:
            yield conn


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    return world


async def made_by_an_older_version(world: RoundWorld) -> None:
    async with world.database.write("test.older") as conn:
        await conn.execute(delete(notes))
        await conn.execute(delete(round_players))
        await conn.execute(update(rounds).values(counted=False, partner_round_id=None))


async def derived(world: RoundWorld) -> dict:
    async with world.database.read() as conn:
        return dict(await raw_rounds.derived_rows(conn))


# --- The first start of a new version ------------------------------------------------------------------


@pytest.fixture
async def migrated(database_url, tmp_path, reference_data, monkeypatch):
    """A database of schema 0003 with the rounds of every real file, brought up to this version."""

    def to_0003(connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")

    monkeypatch.setenv("PATH", str(tmp_path))  # without pg_dump there is no backup of a server to wait for
    at = int(NOW.timestamp() * 1e6)
    old = Database.open(database_url, migrating=True)
    async with old.write("test.0003") as conn:
        await conn.run_sync(to_0003)
        for number, path in enumerate(sorted((reference_data / "etlegacy").iterdir()), start=1):
            if file_kind(path.name) is not FileKind.ROUND:
                continue
            row = {"id": number, "name": path.name, "at": at, "content": path.read_bytes(), "no": False}
            await conn.execute(
                text(
                    "INSERT INTO round_files (id, server, name, state, size, modified_at, first_seen_at, "
                    "listed_at, silent, content) VALUES (:id, 'alpha', :name, 'imported', 1, :at, :at, :at, :no, "
                    ":content)"
                ),
                row,
            )
            await conn.execute(
                text(
                    "INSERT INTO rounds (id, file_id, server, map, round, ended_at, imported_at, winner_side, "
                    "defender_side, flags, counted) VALUES (:id, :id, 'alpha', 'x', 1, :at, :at, 0, 0, '[]', :no)"
                ),
                row,
            )
    await old.close()
    await upgrade(database_url, tmp_path / "backups", NOW, keep=1)
    database = Database.open(database_url)
    yield database
    await database.close()


async def test_rounds_of_before_a_migration_are_made_anew_at_the_first_start(
    migrated, reference_data, caplog
):
    caplog.set_level("INFO")
    world = RoundWorld(migrated, reference_data / "etlegacy", at=NOW)
    await world.join(GUILD, CHANNEL)
    await world.sync.step("alpha")
    files = [
        FolderFile(name=row["name"], content=row["content"], modified_at=row["modified_at"])
        for row in (await world.files()).values()
    ]
    expected = {one.file: one.resolved for one in read_folder(files, ZoneInfo("UTC")).rounds}
    assert len(expected) == 57
    names = {row["id"]: name for name, row in (await world.files()).items()}
    for row in await world.rounds():
        resolved = expected[names[row["file_id"]]]
        players = await world.players(row["id"])
        assert {guid: player["damage_given"] for guid, player in players.items()} == {
            player.guid: player.damage_given for player in resolved.players
        }
        assert (row["counted"], row["ended_at"]) == (resolved.counted, resolved.ended_at)
        assert (row["map"], row["limit_seconds"]) == (resolved.map, resolved.limit_seconds)
    assert await world.posts() == []
    assert "57 stored round(s) made anew" in caplog.text


async def test_a_start_of_the_same_version_makes_nothing_anew(world):
    world.drop(FIRST, SECOND)
    await world.run_for(30)
    watched = WatchedDatabase(world.database)
    world.restart(watched)
    await world.sync.step("alpha")
    assert "rounds.renew" not in watched.written


@pytest.mark.parametrize("committed", [False, True])
async def test_who_is_killed_while_rounds_are_made_anew_goes_on_from_there(
    world, monkeypatch, reference_data, committed
):
    for path in sorted((reference_data / "etlegacy").glob("2025-10-*.txt")):
        world.folder.put(path.name, path.read_bytes())
    await world.run_for(30)
    before = await derived(world)
    monkeypatch.setattr(round_rebuild, "AT_ONCE", 10)
    await made_by_an_older_version(world)
    world.restart(CrashingDatabase(world.database, "rounds.renew", committed=committed, nth=3))
    with pytest.raises(Crash):
        await world.sync.step("alpha")
    watched = WatchedDatabase(world.database)
    world.restart(watched)
    await world.sync.step("alpha")
    parts = -(-len(before) // 10)
    assert parts - 4 <= watched.written.count("rounds.renew") <= parts - 2
    assert await derived(world) == before
    assert all(post["revision"] == 1 for post in await world.posts())


async def test_a_bug_over_some_rounds_keeps_no_server_from_being_watched(world, monkeypatch, caplog):
    world.drop(FIRST, SECOND)
    await world.run_for(30)
    await made_by_an_older_version(world)

    def fail(*_: object) -> None:
        raise ValueError("a number nobody thought of")

    monkeypatch.setattr(round_rebuild, "place", fail)
    world.restart()
    world.drop(LATER)
    await world.run_for(30)
    assert len(await world.rounds()) == 3
    assert "nobody thought of" in caplog.text


# --- On request ------------------------------------------------------------------------------------------


async def test_a_round_is_made_anew_with_its_partner_and_its_message(world):
    world.drop(FIRST, SECOND)
    await world.run_for(30)
    before = await derived(world)
    await made_by_an_older_version(world)
    (_, told) = await world.posts()
    async with world.database.write("test.misread") as conn:
        misread = {**told["message"], "title": "misread"}
        await conn.execute(update(outbox).where(outbox.c.id == told["id"]).values(message=misread))
    await world.announcements.due()
    done = await world.sync.rebuild.reimport("alpha", SECOND, world.clock.now())
    assert (done.rounds, done.changed) == (2, 2)
    assert await derived(world) == before
    (_, second) = await world.posts()
    assert (second["message"]["title"][:20], second["revision"]) == ("Adlernest · round 2 ", 2)
    await asyncio.wait_for(world.announcements.wait(), 10)
    with pytest.raises(NothingThere):
        await world.sync.rebuild.reimport("alpha", "no such file", world.clock.now())
    with pytest.raises(NothingThere):
        await world.sync.rebuild.reimport("beta", FIRST, world.clock.now())


async def test_a_file_can_be_fetched_again_from_the_server(world):
    world.drop(FIRST)
    await world.run_for(30)
    assert world.folder.fetched == [FIRST]
    async with world.database.write("test.fetch_again") as conn:
        assert await store.fetch_again(conn, "alpha", FIRST)
        assert not await store.fetch_again(conn, "alpha", SECOND)
    await world.run_for(60)
    assert world.folder.fetched == [FIRST, FIRST]
    assert len(await world.rounds()) == 1
    assert (await world.files())[FIRST]["state"] == "imported"


# --- One rule for time -----------------------------------------------------------------------------------

COPIED = datetime(2025, 7, 1, 21, 46, 2, tzinfo=UTC)  # 15 minutes after the second was written
RESTORED = {
    # By chance its stamp tells of an offset of 45 minutes, until a file of another map is there to give it away.
    "2025-07-01-223100-battery-round-1.txt": (R1.replace(b"supply", b"battery"), COPIED),
    "2025-07-01-232300-supply-round-1.txt": (R1, COPIED),
    "2025-07-01-233100-supply-round-2.txt": (R2, COPIED),
    "2025-10-26-025500-goldrush-round-1.txt": (R1.replace(b"supply", b"goldrush"), COPIED),
    "2025-10-26-020500-goldrush-round-2.txt": (R2.replace(b"supply", b"goldrush"), COPIED),
    "2025-10-26-024500-radar-round-1.txt": (R1.replace(b"supply", b"radar"), COPIED),
    "2025-10-26-030000-radar-round-2.txt": (R2.replace(b"supply", b"radar"), COPIED),
    "2025-11-01-210000-supply-round-1.txt": (
        R1.replace(b"someone", b"another"),
        datetime(2025, 11, 1, 12, 0, 1, tzinfo=UTC),
    ),
}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_restored_folder_comes_out_as_the_tool_reads_it(database, reference_data, order, at_once):
    world = RoundWorld(database, reference_data / "etlegacy", at=NOW)
    world.restart(zone=PARIS)
    for name, (data, at) in list(RESTORED.items())[::order]:
        world.folder.put(name, data, at)
        if not at_once:
            await world.run_for(10)
    await world.run_for(20)
    files = [FolderFile(name=name, content=data, modified_at=at) for name, (data, at) in RESTORED.items()]
    folder = read_folder(files, ZoneInfo(PARIS))
    names = {row["id"]: name for name, row in (await world.files()).items()}
    stored = await world.rounds()
    of_id = {row["id"]: names[row["file_id"]] for row in stored}
    assert [(names[row["file_id"]], row["ended_at"], row["counted"]) for row in stored] == [
        (one.file, one.resolved.ended_at, one.resolved.counted) for one in folder.rounds
    ]
    assert [of_id.get(row["partner_round_id"]) for row in stored] == [
        one.resolved.partner_key for one in folder.rounds
    ]
    done = await rebuild(database, {"alpha": PARIS}, NOW + timedelta(days=1), dry_run=False)
    assert (done.rounds, done.changed) == (8, 0)


class EventfulDatabase:
    """Lets something else happen just before a named transaction begins."""

    def __init__(self, database: Database, name: str, happens) -> None:
        self.read = database.read
        self._database = database
        self._name = name
        self._happens = happens

    @asynccontextmanager
    async def write(self, name: str):
        if name == self._name:
            await self._happens()
        async with self._database.write(name) as conn:
            yield conn


async def test_a_round_1_that_comes_while_its_round_2_is_made_anew_is_still_its_round_1(world):
    looks = []

    async def the_loop_looks() -> None:
        looks.append(asyncio.create_task(world.sync.poll_once("alpha")))
        await asyncio.wait(looks, timeout=0.5)  # it must not get as far as the import before its turn

    world.drop(SECOND)
    await world.run_for(60)
    world.restart(EventfulDatabase(world.database, "rounds.renew", the_loop_looks))
    world.folder.put(FIRST, world.real(FIRST))
    await world.sync.poll_once("alpha")
    world.clock.advance(5)
    await world.sync.rebuild.reimport("alpha", SECOND, world.clock.now())
    await asyncio.gather(*looks)
    first, second = await world.rounds()
    assert second["partner_round_id"] == first["id"]
    assert second["flags"] == []
