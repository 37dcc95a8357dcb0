"""What the bot lives through with pictures and old snapshots while it is killed. Each second is a night."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from bot.core.posts.models import MediaOwner
from bot.services.media import ask_for
from bot.storage.engine import Database
from bot.storage.post_tables import post_snapshots, profile_snapshots
from tests.kept_posts import KeptProfile, keep_profile
from tests.kill.mortal import Mortal
from tests.kill.stories.telling import Told
from tools.sandbox.stored import rows_of

EACH_SECOND = "CronTrigger(second='*', timezone=UTC)"
OF_OLD_POSTS = {"bot/jobs/schedule.py NIGHTLY_RETENTION": EACH_SECOND}
OF_MEDIA = {
    "bot/core/jobs.py MOST_STARTS": "99",  # each of its points takes a start
    "bot/jobs/schedule.py NIGHTLY_TIDYING": EACH_SECOND,
    "bot/storage/media_folder.py LEFT_ALONE": "timedelta(seconds=3)",
}
SETTINGS_OF_MEDIA = {"MEDIA_MEGABYTES": "1"}  # room for two pictures
FETCHER = """
from contextlib import AbstractAsyncContextManager
from bot.core.posts.pictures import Picture, PictureType
from bot.errors import SourceChanged

class MediaFetcher(AbstractAsyncContextManager):
    def __init__(self, **_):
        pass
    async def __aexit__(self, *_):
        pass
    async def fetch(self, url):
        if "gone" in url:
            raise SourceChanged("gone")
        return Picture(content=(b"\\xff\\xd8\\xff" + url.encode()).ljust(390_000), media_type=PictureType.JPEG)
"""
FILES_OF_MEDIA = {"bot/sources/media/fetcher.py": FETCHER}
KEPT = "SELECT owner_id, file, sha256 FROM media WHERE file <> '' ORDER BY owner_id"
SNAPSHOTS = (post_snapshots, profile_snapshots)


# --- Old snapshots -------------------------------------------------------------------------------


async def old_posts(bot: Mortal, _: Path) -> None:
    """Snapshots of long ago are exported and thinned, day by day; each is in the database or in one archive."""
    await bot.run("migrate")
    now = datetime.now(UTC)  # noqa: TID251 - the bot's clock is this machine's
    database = Database.open(bot.database)
    async with database.write("test.posts") as conn:
        await keep_profile(
            conn,
            started_at=now - timedelta(days=95),
            runs=14,
            every=timedelta(hours=5),
            guild_id=None,
            post_count=3,
        )
    await database.close()
    before = await snapshots(bot)
    async with bot.alive():
        await bot.until(lambda: is_thinned(bot), "the old snapshots were thinned")
    after = await snapshots(bot)
    lines = [line for file in archives(bot) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert len(lines) == len(set(lines))  # nothing twice
    assert set(as_archived(map(json.loads, lines))) == before - after != set()
    assert after < before
    assert len(after) == len(
        {(row[0], row[1], dict(row[2])["at"][:10]) for row in after}
    )  # the last of each day
    assert await bot.count("post_archives") == len(archives(bot))


async def is_thinned(bot: Mortal) -> bool:
    """Nothing is left to be done, also of an archive that was noted and not deleted from yet."""
    days = "SELECT count(*) - count(DISTINCT {owner} || ' ' || (at / 86400000000)) FROM {table}"
    surplus = [
        (
            await rows_of(
                bot.database, days.format(owner=next(iter(table.primary_key)).name, table=table.name)
            )
        )[0][0]
        for table in SNAPSHOTS
    ]
    waiting = await bot.count("post_archives", "deleted_at IS NULL")
    return not any(surplus) and not waiting and await bot.has_passed("posts.thinned", "posts.close_archive")


async def snapshots(bot: Mortal) -> set[tuple[object, ...]]:
    """Give all snapshots as an archive holds them. The database is closed at once: the bot is alone with it."""
    database = Database.open(bot.database)
    found: set[tuple[object, ...]] = set()
    async with database.read() as conn:
        for table in SNAPSHOTS:
            rows = (await conn.execute(select(table))).mappings()
            found.update(
                as_archived({"table": table.name, **row, "at": row["at"].isoformat()} for row in rows)
            )
    await database.close()
    return found


def as_archived(rows: Iterable[dict[str, object]]) -> Iterable[tuple[object, ...]]:
    for row in rows:
        yield row["table"], row.get("post_id", row.get("account_id")), tuple(sorted(row.items()))


def archives(bot: Mortal) -> list[Path]:
    return sorted((Path(bot.settings["DATA_FOLDER"]) / "archive").glob("posts-*"))


# --- Pictures ------------------------------------------------------------------------------------


async def pictures(bot: Mortal, _: Path) -> None:
    """Covers are fetched, one is not to be had, old ones go for want of room, one is lost, nobody watches another."""
    await bot.run("migrate")
    now = datetime.now(UTC)  # noqa: TID251 - the bot's clock is this machine's
    database = Database.open(bot.database)
    async with database.write("test.posts") as conn:
        last = now - timedelta(days=1) + timedelta(hours=1)  # nothing is due
        # Hers are the older ones, as the numbers of posts go: no cover of ana's goes for want of room for them.
        bea = await keep_profile(conn, started_at=last, runs=1, post_count=2, handle="bea", guild_id=None)
        ana = await keep_profile(conn, started_at=last - timedelta(days=2), runs=3, post_count=14)
        newest = sorted(ana.post_ids)[-7:]  # more than have room, so that several go
        links = {post_id: f"https://p16.tiktokcdn.com/{post_id}" for post_id in (*newest, *bea.post_ids)}
        links[newest[0]] += "gone"
        assert await ask_for(conn, MediaOwner.POST, links, now) == len(links) > 7
    await database.close()
    async with bot.alive():
        await bot.until(
            lambda: is_tidy(bot, newest[-2:], bea), "the newest covers were kept, and nothing else"
        )
    lost = await media_of(bot)
    (folder(bot) / str(lost[0][1])).unlink()
    async with bot.alive():
        await bot.until(lambda: is_tidy(bot, newest[-1:], bea), "the lost cover was forgotten")
    assert await bot.count("jobs", "state = 'succeeded'") == len(links) - 1
    assert await bot.count("jobs", "state = 'failed'") == 1
    assert await bot.count("media", "error = 'gone'") == 1


async def is_tidy(bot: Mortal, kept: list[int], bea: KeptProfile) -> bool:
    """All jobs are done, and the folder has what the rows name, to the byte; of bea there is nothing."""
    if await bot.count("jobs", "state IN ('todo', 'doing')"):
        return False
    rows = await media_of(bot)
    try:
        files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder(bot).glob("*")}
    except FileNotFoundError:  # one goes just now
        return False
    of_bea = await bot.count("media", f"owner_id IN ({', '.join(map(str, bea.post_ids))})")
    named = {str(row[1]): row[2] for row in rows}
    return [row[0] for row in rows] == kept and files == named and not of_bea


async def media_of(bot: Mortal) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await rows_of(bot.database, KEPT)]


def folder(bot: Mortal) -> Path:
    return Path(bot.settings["DATA_FOLDER"]) / "media"


TOLD = {
    "old posts": Told(story=old_posts, constants=OF_OLD_POSTS),
    "media": Told(
        story=pictures,
        settings=SETTINGS_OF_MEDIA,
        constants=OF_MEDIA,
        files=FILES_OF_MEDIA,
    ),
}
