"""Old snapshots leave the database through proven archives: the last of a day stays, then the last of a week."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table, func, select, update

from bot.errors import ArchiveFailed, StorageError
from bot.storage import archive, post_retention
from bot.storage.engine import Database
from bot.storage.post_tables import COUNTS, post_archives, post_snapshots, posts, profile_snapshots
from tests.clocks import ManualClock
from tests.kept_posts import KeptProfile, keep_profile
from tests.machines import posts_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SNAPSHOTS = (post_snapshots, profile_snapshots)
Row = tuple[tuple[str, object], ...]


class World:
    """A retention whose nights a test calls."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.database, self.clock, self.folder = database, clock, folder / "archive"
        self.restart()

    def restart(self) -> None:
        self.retention = posts_of(self.database, self.clock, self.folder)

    async def night(self) -> None:
        await self.retention.thin(self.clock.now())

    async def profile(self, days_ago: float, *, runs: int, every: timedelta, **given: object) -> KeptProfile:
        started_at = self.clock.now() - days_ago * DAY
        async with self.database.write("test.profile") as conn:
            return await keep_profile(conn, started_at=started_at, runs=runs, every=every, **given)

    async def rows(self) -> set[Row]:
        """Give all snapshots, as they are written in an archive."""
        found = set()
        async with self.database.read() as conn:
            for table in SNAPSHOTS:
                for row in (await conn.execute(select(table))).mappings():
                    named = {"table": table.name, **row, "at": row["at"].isoformat()}
                    found.add(tuple(sorted(named.items())))
        return found

    def archived(self) -> set[Row]:
        """Give the rows of all archives; each is in one of them."""
        found: set[Row] = set()
        for file in sorted(self.folder.glob("*")):
            for line in gzip.decompress(file.read_bytes()).splitlines():
                row = tuple(sorted(json.loads(line).items()))
                assert row not in found, "archived twice"
                found.add(row)
        return found

    async def count(self, table: Table) -> int:
        async with self.database.read() as conn:
            return (await conn.execute(select(func.count()).select_from(table))).scalar_one()


@pytest.fixture
def world(database: Database, clock: ManualClock, tmp_path: Path) -> World:
    return World(database, clock, tmp_path)


def to_be_kept(rows: set[Row], now: datetime) -> set[Row]:
    """Say what the rule keeps, in the plainest words there are."""
    kept: dict[object, Row] = {}
    for row in rows:
        value = dict(row)
        at = datetime.fromisoformat(value["at"])
        owner = value["table"], value.get("post_id"), value.get("account_id")
        monday = now.date() - 365 * DAY
        monday -= monday.weekday() * DAY
        if at.date() < monday:
            period: object = at.isocalendar()[:2]
        elif at.date() < now.date() - 90 * DAY:
            period = at.date()
        else:
            period = value["run_id"]
        before = kept.get((owner, period))
        if before is None or dict(before)["at"] < value["at"]:
            kept[owner, period] = row
    return set(kept.values())


async def test_all_then_the_last_of_each_day_then_the_last_of_each_week(world: World) -> None:
    await world.profile(385, runs=58, every=8 * HOUR, post_count=3)  # passes the year
    await world.profile(93, runs=15, every=7 * HOUR, post_count=3, handle="bea")  # passes 90 days
    before, now = await world.rows(), world.clock.now()
    known = await world.count(posts)
    await world.night()
    after = await world.rows()
    assert after == to_be_kept(before, now)
    assert world.archived() == before - after
    assert len(after) < len(before) / 2
    assert await world.count(posts) == known
    names = {file.name for file in world.folder.iterdir()}
    assert {name.startswith("posts-week-") for name in names} == {True, False}
    assert await world.count(post_archives) == len(names)


async def test_a_second_night_does_nothing_and_the_next_day_is_thinned_when_it_is_over(world: World) -> None:
    await world.profile(93, runs=24, every=6 * HOUR, post_count=2)
    before = await world.rows()
    await world.night()
    first, files = await world.rows(), len(list(world.folder.iterdir()))
    await world.night()
    world.clock.advance(3 * 3600)  # 23:00: the same day
    await world.night()
    assert (await world.rows(), len(list(world.folder.iterdir()))) == (first, files)
    world.clock.advance(2 * 3600)
    await world.night()
    assert await world.rows() == to_be_kept(before, world.clock.now()) < first
    assert world.archived() == before - await world.rows()


async def test_a_year_of_nights_comes_to_the_same_as_one(world: World) -> None:
    await world.profile(91, runs=20, every=5 * HOUR, post_count=2)
    before = await world.rows()
    for _ in range(40):
        await world.night()
        world.clock.advance(8 * 86400)
    now = world.clock.now() - 8 * DAY
    after = await world.rows()
    assert after == to_be_kept(before, now)
    assert world.archived() == before - after


async def test_days_are_those_of_utc_and_the_last_snapshot_counts(world: World) -> None:
    """20:00 is where the clock stands: the runs are at 23:59:59.999999 and at midnight."""
    midnight = world.clock.now().replace(hour=0) - 100 * DAY
    moment = timedelta(microseconds=1)
    kept = await world.profile(100, runs=4, every=DAY, post_count=2)
    at = [midnight - moment, midnight, midnight + HOUR, midnight + DAY - moment]
    async with world.database.write("test.move") as conn:
        for table in SNAPSHOTS:
            for run_id, one in zip(kept.run_ids, at, strict=True):
                await conn.execute(update(table).where(table.c.run_id == run_id).values(at=one))
    await world.night()
    left = {(dict(row)["table"], dict(row)["at"]) for row in await world.rows()}
    assert left == {(table.name, one.isoformat()) for table in SNAPSHOTS for one in (at[0], at[3])}


async def test_unknown_counts_stay_unknown_in_an_archive(world: World) -> None:
    await world.profile(95, runs=8, every=6 * HOUR, post_count=2)
    async with world.database.write("test.unknown") as conn:
        for table in SNAPSHOTS:
            await conn.execute(update(table).values(saves=None, views=None))
    before = await world.rows()
    await world.night()
    assert world.archived() == before - await world.rows() != set()
    assert {dict(row)["saves"] for row in world.archived()} == {None}


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
    """A bug in what reads the snapshots leaves some out."""
    whole = post_retention.leaving

    async def less(conn, period):
        async for table, rows in whole(conn, period):
            yield table, rows[:-1]

    patched.setattr(post_retention, "leaving", less)


def _other_counts(patched: pytest.MonkeyPatch) -> None:
    whole = post_retention.leaving

    async def more(conn, period):
        async for table, rows in whole(conn, period):
            yield table, [{**row, "views": (row["views"] or 0) + 1} for row in rows]

    patched.setattr(post_retention, "leaving", more)


@pytest.mark.parametrize("spoil", [_full_disk, _other_bytes, _fewer_rows, _other_counts])
async def test_an_export_that_fails_keeps_the_data(
    world: World, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None]
) -> None:
    await world.profile(95, runs=8, every=6 * HOUR, post_count=2)
    before = await world.rows()
    with monkeypatch.context() as patched:
        spoil(patched)
        with pytest.raises(StorageError):
            await world.night()
    assert await world.rows() == before
    assert await world.count(post_archives) == 0
    assert list(world.folder.iterdir()) == []
    await world.night()
    assert await world.rows() == to_be_kept(before, world.clock.now())


async def test_without_a_folder_for_archives_nothing_is_deleted(world: World) -> None:
    world.folder.write_text("no folder")
    await world.profile(95, runs=8, every=6 * HOUR, post_count=2)
    before = await world.rows()
    with pytest.raises(ArchiveFailed, match=r"posts-.*gz: "):
        await world.night()
    assert await world.rows() == before


class Dead(Exception):
    """Stands for the end of the process."""


STEPS = ("publish", "keep_archive", "delete_rows", "close_archive", "note_done")


@pytest.mark.parametrize("at_call", [1, 2, 4])
@pytest.mark.parametrize("step", STEPS)
async def test_whoever_is_killed_goes_on_and_loses_and_archives_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, at_call: int
) -> None:
    await world.profile(96, runs=24, every=6 * HOUR, post_count=2)
    before = await world.rows()
    owner = archive.ArchiveWriter if step == "publish" else post_retention
    monkeypatch.setattr(post_retention, "AT_ONCE", 3)
    whole, calls = getattr(owner, step), []

    def die(*given: object, **named: object) -> object:
        calls.append(given)
        if len(calls) == at_call:
            raise Dead
        return whole(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, die)
        with pytest.raises(Dead):
            await world.night()
    assert world.archived() | await world.rows() == before
    world.restart()
    await world.night()
    after_all = await world.rows()
    assert after_all == to_be_kept(before, world.clock.now())
    assert world.archived() == before - after_all
    assert await world.count(post_archives) == len(list(world.folder.iterdir()))


async def test_what_a_damaged_archive_still_left_in_the_database_is_archived_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await world.profile(94, runs=8, every=3 * HOUR, post_count=2)
    before = await world.rows()

    async def die(*_: object) -> None:
        raise Dead

    with monkeypatch.context() as patched:
        patched.setattr(post_retention, "delete_rows", die)
        with pytest.raises(Dead):
            await world.night()
    (file,) = world.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    await world.night()
    assert "damaged" in caplog.text
    file.unlink()
    after = await world.rows()
    assert after == to_be_kept(before, world.clock.now())
    assert world.archived() == before - after


async def test_a_row_that_came_between_export_and_deletion_is_not_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock was set back far: a run writes into a day whose archive is already made."""
    kept = await world.profile(94, runs=4, every=3 * HOUR, post_count=1)
    (post_id,) = kept.post_ids
    day = kept.runs_at[0].replace(hour=0) + DAY
    whole = post_retention.keep_archive

    async def late(conn, **given: object) -> None:
        await whole(conn, **given)
        if await post_retention.archive_files(conn) != {given["file"]}:
            return
        row = {"post_id": post_id, "run_id": 999_999, "source": "yt-dlp", "views": 5}
        await conn.execute(post_snapshots.insert().values(at=day + HOUR, **row))

    monkeypatch.setattr(post_retention, "keep_archive", late)
    await world.night()
    everything = world.archived() | await world.rows()
    assert [dict(row)["views"] for row in everything if dict(row)["run_id"] == 999_999] == [5]


async def test_others_can_write_between_two_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.profile(94, runs=30, every=HOUR, post_count=2)
    monkeypatch.setattr(post_retention, "AT_ONCE", 10)
    sizes = []
    whole = post_retention.delete_rows

    async def counted(conn, rows) -> None:
        sizes.append(len(rows))
        await whole(conn, rows)

    monkeypatch.setattr(post_retention, "delete_rows", counted)
    await world.night()
    assert max(sizes) == 10
    assert sum(sizes) == len(world.archived())


def test_the_sums_of_an_archive_cover_all_counts() -> None:
    assert set(COUNTS) <= set(archive._SUMMED)
