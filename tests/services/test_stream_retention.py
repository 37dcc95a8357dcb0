"""Old details leave the database through proven archives; totals and leaderboards never change."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table, func, insert, select

from bot.core.streams.models import StreamMinute
from bot.errors import ArchiveFailed, StorageError
from bot.services.machine import Machine
from bot.services.stream_retention import StreamRetention
from bot.storage import archive, stream_retention
from bot.storage.backup import make_backup, verify_backup
from bot.storage.engine import Database, sqlite_url
from bot.storage.stream_reading import minutes_of
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    database_sizes,
    recordings,
    stream_archives,
    stream_comments,
    stream_gifts,
    stream_minutes,
)
from bot.storage.tables import metadata
from tests.clocks import ManualClock
from tests.kept_streams import KeptLive, keep_live
from tests.machines import posts_of

KEPT_FOR_EVER = (recordings, contributions, contribution_gifts)
DAY = timedelta(days=1)
COUNTS = ("comments", "likes", "gifts", "diamonds", "follows", "shares", "joins", "connected_seconds")


def rows_in(file: Path) -> list[dict[str, object]]:
    """Read an archive as whoever has the file alone does."""
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


class World:
    """A retention whose nights a test calls."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.database, self.clock, self.folder = database, clock, folder / "archive"
        self.restart()

    def restart(self) -> None:
        self.machine = Machine(database=self.database, folder=self.folder, clock=self.clock)
        self.retention = StreamRetention(
            database=self.database,
            archive_folder=self.folder,
            posts=posts_of(self.database, self.clock, self.folder),
            machine=self.machine,
            clock=self.clock,
            details_days=90,
            comments_days=30,
        )

    async def live(self, days_ago: float, **given: object) -> KeptLive:
        started_at = self.clock.now() - days_ago * DAY
        async with self.database.write("test.live") as conn:
            return await keep_live(conn, started_at=started_at, **given)

    async def rows(self, table: Table) -> list[tuple[object, ...]]:
        async with self.database.read() as conn:
            query = select(table).order_by(*table.primary_key)
            return [tuple(row) for row in await conn.execute(query)]

    async def count(self, table: Table) -> int:
        async with self.database.read() as conn:
            return (await conn.execute(select(func.count()).select_from(table))).scalar_one()

    async def minutes(self, live: KeptLive) -> list[StreamMinute]:
        async with self.database.read() as conn:
            return list(await minutes_of(conn, live.live_id))

    def archived(self) -> Counter[str]:
        """Count the rows in all archives, by table and live; each row at most once."""
        found, seen = Counter(), set()
        for file in sorted(self.folder.glob("lives-*.jsonl.gz")):
            for row in rows_in(file):
                key = (row["table"], row["live_id"], row.get("minute"), row.get("id"))
                assert key not in seen, "archived twice"
                seen.add(key)
                found[row["table"], row["live_id"]] += 1
        return found


@pytest.fixture
def world(database: Database, clock: ManualClock, tmp_path: Path) -> World:
    return World(database, clock, tmp_path)


async def test_details_leave_and_everything_people_compare_stays(world: World) -> None:
    old = [await world.live(91, handle="ana"), await world.live(91, handle="bea", seed=2)]
    older = await world.live(95, handle="ana", seed=3)
    young = await world.live(89, handle="ana", seed=4)
    kept = [await world.rows(table) for table in KEPT_FOR_EVER]
    details = {
        (table.name, live.live_id): sum(row[names.index("live_id")] == live.live_id for row in rows)
        for table in (stream_minutes, stream_gifts)
        for names in [[column.name for column in table.c]]
        for rows in [await world.rows(table)]
        for live in (*old, older, young)
    }
    await world.retention.night()
    assert [await world.rows(table) for table in KEPT_FOR_EVER] == kept
    for live in (*old, older):
        assert await world.minutes(live) == []
        assert world.archived()["stream_gifts", live.live_id] == details["stream_gifts", live.live_id] > 0
        assert world.archived()["stream_minutes", live.live_id] > 0
    assert await world.count(stream_gifts) == details["stream_gifts", young.live_id] > 0
    assert await world.minutes(young)
    assert ("stream_minutes", young.live_id) not in world.archived()
    assert sorted(file.name for file in world.folder.iterdir()) == [
        f"lives-{live.started_at:%Y-%m-%d}.jsonl.gz" for live in (older, old[0])
    ]
    await world.retention.night()  # nothing is done twice
    assert await world.count(stream_archives) == 2


async def test_minutes_are_summed_after_thirty_days_without_losing_anything(world: World) -> None:
    old, young = await world.live(31, minutes=300), await world.live(29, handle="bea")
    before = await world.minutes(old)
    await world.retention.night()
    after = await world.minutes(old)
    assert {row.minutes for row in after} == {5}
    for name in (*COUNTS, "viewer_seconds", "watched_seconds"):
        assert sum(getattr(row, name) for row in after) == sum(getattr(row, name) for row in before), name
    assert max(row.viewers_max for row in after) == max(row.viewers_max for row in before)
    assert {row.minutes for row in await world.minutes(young)} == {1}
    await world.retention.night()
    assert await world.minutes(old) == after


async def test_a_live_thinned_in_part_goes_on_in_the_other_length(world: World) -> None:
    """Killed between two parts, then started on a machine that is short of something."""
    old = await world.live(31, minutes=500)
    before = await world.minutes(old)
    async with world.database.write("test.thin") as conn:
        assert await stream_retention.thin(conn, old.live_id, 5)
    async with world.database.write("test.thin") as conn:
        while await stream_retention.thin(conn, old.live_id, 10):
            pass
    after = await world.minutes(old)
    assert {row.minutes for row in after} == {5, 10}
    assert sum(row.likes for row in after) == sum(row.likes for row in before)
    ends = [row.minute + row.minutes * timedelta(minutes=1) for row in after]
    assert all(end <= row.minute for end, row in zip(ends, after[1:], strict=False))


async def test_a_live_that_goes_on_is_left_alone(world: World) -> None:
    live = await world.live(91, going_on=True)
    await world.retention.night()
    assert len(await world.minutes(live)) == 90
    assert world.archived() == Counter()


@pytest.mark.parametrize("trouble", ["full disk", "other bytes", "fewer rows"])
async def test_an_export_that_fails_keeps_the_data(
    world: World, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    live = await world.live(91)
    gifts = await world.count(stream_gifts)
    with monkeypatch.context() as patched:
        BREAK[trouble](patched)
        with pytest.raises(StorageError):
            await world.retention.night()
    assert await world.minutes(live)
    assert await world.count(stream_gifts) == gifts
    assert await world.count(stream_archives) == 0
    assert list(world.folder.glob("*")) == list(world.folder.glob("lives-*.gz")) == []
    assert world.retention.failing is not None
    assert "lives-" in world.retention.failing.reason
    await world.retention.night()
    assert world.retention.failing is None
    assert await world.count(stream_gifts) == 0


def _full_disk(patched: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise OSError(28, "No space left on device")

    patched.setattr(archive, "flush", refuse)


def _other_bytes(patched: pytest.MonkeyPatch) -> None:
    """The disk gives back other rows than it was given."""
    whole = archive._parts

    def changed(file: Path):
        for part in whole(file):
            yield part.replace(b"1", b"2")

    patched.setattr(archive, "_parts", changed)


def _fewer_rows(patched: pytest.MonkeyPatch) -> None:
    """A bug in what reads the details leaves some out."""
    whole = stream_retention.details

    async def less(conn, live_ids):
        async for table, rows in whole(conn, live_ids):
            yield table, rows[:-1]

    patched.setattr(stream_retention, "details", less)


BREAK: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "full disk": _full_disk,
    "other bytes": _other_bytes,
    "fewer rows": _fewer_rows,
}


class Dead(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("after", ["publish", "keep_archive", "delete_some", "close_archive"])
async def test_whoever_is_killed_goes_on_and_archives_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    live = await world.live(91)
    gifts = await world.count(stream_gifts)
    owner = archive.ArchiveWriter if after == "publish" else stream_retention
    monkeypatch.setattr(stream_retention, "AT_ONCE", 7)
    whole, calls = getattr(owner, after), []

    def die(*given: object, **named: object) -> object:
        calls.append(given)
        if len(calls) > 2 or after != "delete_some":
            raise Dead
        return whole(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(owner, after, die)
        with pytest.raises(Dead):
            await world.retention.night()
    world.restart()
    await world.retention.night()
    assert await world.minutes(live) == []
    assert world.archived()["stream_gifts", live.live_id] == gifts
    assert await world.count(stream_gifts) == 0
    assert await world.count(stream_archives) == 1


async def test_what_a_damaged_archive_still_left_in_the_database_is_archived_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    live = await world.live(91)
    gifts = await world.count(stream_gifts)
    with monkeypatch.context() as patched:
        patched.setattr(stream_retention, "delete_some", _die)
        with pytest.raises(Dead):
            await world.retention.night()
    (file,) = world.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    await world.retention.night()
    assert "damaged" in caplog.text
    second = file.with_name(file.name.replace(".jsonl", "-2.jsonl"))
    assert sum(row["table"] == "stream_gifts" for row in rows_in(second)) == gifts
    assert await world.count(stream_gifts) == 0
    assert await world.minutes(live) == []


async def _die(*_: object) -> None:
    raise Dead


async def test_comments_go_after_their_own_time_and_into_no_archive(world: World) -> None:
    live = await world.live(40)
    row = {"live_id": live.live_id, "person_id": 7, "words": "hello"}
    async with world.database.write("test.comments") as conn:
        for number, age in enumerate((31, 29)):
            at = world.clock.now() - age * DAY
            await conn.execute(insert(stream_comments).values(**row, message_id=number, at=at))
    await world.retention.night()
    assert [found[1] for found in await world.rows(stream_comments)] == [1]
    assert not world.folder.exists()


async def test_the_file_becomes_smaller_once_much_of_it_is_free(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if world.database.embedded_file is None:
        assert await world.database.free_space() is None  # PostgreSQL's autovacuum does it
        return
    monkeypatch.setattr("bot.core.sizes.LEAST_FREE", 20_000)
    for number in range(9):
        await world.live(91 + number, handle=f"a{number}", minutes=600)
    before = await world.database.free_space()
    await world.retention.night()
    after = await world.database.free_space()
    assert after.size < before.size * 0.6
    assert after.free < after.size * 0.1  # less is not worth it


@pytest.fixture
async def of_older_version(tmp_path: Path) -> AsyncIterator[Database]:
    """An SQLite file that was made before files could shrink by steps."""
    file = tmp_path / "older.db"
    database = Database.open(sqlite_url(file))
    async with database.write("test.create") as conn:
        await conn.run_sync(metadata.create_all)
    await database.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as plain:
        for order in ("PRAGMA journal_mode = DELETE", "PRAGMA auto_vacuum = 0", "VACUUM"):
            plain.execute(order)
    database = Database.open(sqlite_url(file))
    yield database
    await database.close()


async def test_a_file_of_an_older_version_is_made_anew_and_shrinks_by_steps_from_then_on(
    of_older_version: Database, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(of_older_version, clock, tmp_path)
    assert not (await of_older_version.free_space()).by_steps
    monkeypatch.setattr("bot.core.sizes.LEAST_FREE", 20_000)
    for number in range(6):
        await world.live(91 + number, handle=f"a{number}", minutes=600)
    await world.retention.night()
    after = await of_older_version.free_space()
    assert after.by_steps
    assert after.free < 20_000


async def test_sizes_are_kept_day_by_day_and_a_missed_night_is_made_up_for(world: World) -> None:
    live = await world.live(91)
    await world.retention.catch_up()
    assert await world.minutes(live) == []
    await world.live(95, handle="bea")
    world.clock.advance(3600)
    await world.retention.catch_up()  # a restart of the same day
    assert await world.count(stream_gifts) > 0
    world.clock.advance(2 * 86400)
    await world.retention.catch_up()
    assert await world.count(stream_gifts) == 0
    assert [row[0] for row in await world.rows(database_sizes)] == ["2026-11-21", "2026-11-23"]
    assert all(row[1] > 10_000 for row in await world.rows(database_sizes))


async def test_a_backup_proves_the_rows_of_recorded_lives(
    of_older_version: Database, tmp_path: Path, clock: ManualClock
) -> None:
    world = World(of_older_version, clock, tmp_path)
    await world.live(1)
    backup = make_backup(of_older_version.embedded_file, tmp_path / "backups", now=clock.now(), keep=1)
    manifest = verify_backup(backup, frozenset([None]))
    for table in (recordings, contributions, contribution_gifts, stream_minutes, stream_gifts):
        assert manifest.rows[table.name] == await world.count(table) > 0


async def test_without_a_folder_for_archives_nothing_is_deleted(world: World) -> None:
    world.folder.write_text("no folder")
    await world.live(91)
    with pytest.raises(ArchiveFailed, match=r"lives-.*gz: "):
        await world.retention.night()
    assert await world.count(stream_gifts) > 0
