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
from bot.core.posts.pictures import Picture, PictureOf, PictureType
from bot.services.media import ask_for
from bot.storage.engine import Database
from bot.storage.media import note_kept
from bot.storage.media_folder import MediaFolder, name_of, sha256_of
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
COVER_BYTES = 390_000
FETCHER = f"""
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
        return Picture(content=(b"\\xff\\xd8\\xff" + url.encode()).ljust({COVER_BYTES}), media_type=PictureType.JPEG)
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
    """Old covers go for want of room, newer ones are fetched, one is not to be had, one is lost, nobody watches another."""
    await bot.run("migrate")
    now = datetime.now(UTC)  # noqa: TID251 - the bot's clock is this machine's
    database = Database.open(bot.database)
    async with database.write("test.posts") as conn:
        last = now - timedelta(days=1) + timedelta(hours=1)  # nothing is due
        # Hers are the older ones, as the numbers of posts go: no cover of ana's goes for want of room for them.
        bea = await keep_profile(conn, started_at=last, runs=1, post_count=2, handle="bea", guild_id=None)
        ana = await keep_profile(conn, started_at=last - timedelta(days=2), runs=3, post_count=22)
    await database.close()
    await old_ones_go(bot, sorted(ana.post_ids)[:3])  # others than the newest
    database = Database.open(bot.database)
    async with database.write("test.ask") as conn:
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


async def old_ones_go(bot: Mortal, post_ids: list[int]) -> None:
    """Keep more than have room until the bot has removed a file for that, dead on both sides of it.

    A bot that dies between what it noted and the file leaves that to the tidying, which takes another way: it
    gets the next too many then.
    """
    removed = "bot/storage/media_folder MediaFolder.remove: (self._folder / name).unlink"
    while not await bot.has_passed(removed):
        await keep_covers(bot, post_ids)
        deaths = bot.deaths

        async def is_over(deaths: int = deaths) -> bool:
            there_is_room = await bot.count("media", "file <> ''") < len(post_ids)
            return await bot.has_passed(removed) or (there_is_room and bot.deaths > deaths)

        async with bot.alive():
            await bot.until(is_over, "a cover was removed for want of room")


async def keep_covers(bot: Mortal, post_ids: list[int]) -> None:
    """Keep covers of posts as the bot would have, while none runs."""
    now = datetime.now(UTC)  # noqa: TID251 - the bot's clock is this machine's
    database = Database.open(bot.database)
    async with database.write("test.covers") as conn:
        for post_id in post_ids:
            whose = PictureOf(
                owner=MediaOwner.POST, owner_id=post_id, url=f"https://p16.tiktokcdn.com/{post_id}"
            )
            content = whose.url.encode().ljust(COVER_BYTES)
            cover = Picture(content=content, media_type=PictureType.JPEG)
            name = name_of(whose.owner, post_id, cover)
            MediaFolder(folder(bot)).keep(name, content)
            await note_kept(
                conn,
                whose,
                now,
                file=name,
                media_type=cover.media_type,
                size=COVER_BYTES,
                sha256=sha256_of(content),
            )
    await database.close()


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
