"""Pictures are fetched once, kept whole, let go of by age, and nothing lies about for ever."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from bot.core.jobs import Job
from bot.core.posts.models import MediaOwner
from bot.core.posts.pictures import Picture, PictureType
from bot.errors import JobFailed, JobLost, SourceChanged, SourceUnavailable, VedetteError
from bot.services.media import Media, MediaJobs, ask_for
from bot.storage import jobs, media_folder
from bot.storage import media as store
from bot.storage.engine import Database
from bot.storage.post_tables import jobs as jobs_table
from bot.storage.post_tables import media, profile_watches
from tests.clocks import ManualClock
from tests.kept_posts import KeptProfile, keep_profile

POST = MediaOwner.POST
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def picture(mark: int = 0, size: int = 300_000) -> Picture:
    return Picture(content=b"\xff\xd8\xff" + bytes([mark]) * (size - 3), media_type=PictureType.JPEG)


def link(post_id: int, picture: str = "a", signed: int = 1) -> str:
    return f"https://p16-sign.tiktokcdn.com/obj/{post_id}{picture}~tplv.jpeg?x-signature={signed}"


class Pictures:
    """A source that gives what a test wants, or raises it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gives: Callable[[str], Picture | VedetteError] = lambda url: picture(len(url) % 251)

    async def fetch(self, url: str) -> Picture:
        self.asked.append(url)
        given = self.gives(url)
        if isinstance(given, VedetteError):
            raise given
        return given


class World:
    """A folder of pictures whose jobs a test runs by hand."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.database, self.clock, self.folder = database, clock, folder / "media"
        self.source = Pictures()
        self.restart()

    def restart(self, megabytes: int = 100) -> None:
        self.media = Media(database=self.database, folder=self.folder, clock=self.clock, megabytes=megabytes)
        self.jobs = MediaJobs(media=self.media, source=self.source)

    async def profile(self, **given: object) -> KeptProfile:
        async with self.database.write("test.profile") as conn:
            return await keep_profile(conn, **given)

    async def ask(self, links: dict[int, str], owner: MediaOwner = POST) -> int:
        async with self.database.write("test.ask") as conn:
            return await ask_for(conn, owner, links, self.clock.now())

    async def claim(self) -> list[Job]:
        now = self.clock.now()
        async with self.database.write("test.claim") as conn:
            found = await jobs.claim(conn, holder="t", at_once={"media": 999}, now=now, until=now + HOUR)
        return list(found)

    async def work(self) -> list[str]:
        """Do all that is queued, as a worker does; gives what failed for good."""
        failed = []
        for job in await self.claim():
            try:
                await self.jobs.run(job)
            except JobFailed as error:
                failed.append(str(error))
                async with self.database.write("test.failed") as conn:
                    await self.jobs.given_up(conn, job, error.words, self.clock.now())
                    await jobs.give_up(conn, job, error.words, self.clock.now())
            else:
                async with self.database.write("test.done") as conn:
                    await jobs.finish(conn, job, self.clock.now())
        return failed

    async def kept(self, *post_ids: int) -> list[int]:
        return sorted(await self.media.pictures_of(POST, post_ids))

    def files(self) -> list[str]:
        return sorted(file.name for file in self.folder.glob("*")) if self.folder.exists() else []

    def grow_old(self, by: timedelta = 2 * HOUR) -> None:
        for file in self.folder.iterdir():
            os.utime(file, times=((self.clock.now() - by).timestamp(),) * 2)


@pytest.fixture
def world(database: Database, clock: ManualClock, tmp_path: Path) -> World:
    return World(database, clock, tmp_path)


async def test_a_cover_is_fetched_once_and_shown_when_its_link_has_expired(world: World) -> None:
    assert await world.ask({1: link(1)}) == 1
    assert await world.ask({1: link(1)}) == 0  # it waits already
    assert await world.work() == []
    assert await world.ask({1: link(1, signed=2)}) == 0  # the same picture, signed anew
    found = await world.media.picture_of(POST, 1)
    assert found == world.source.gives(link(1))
    assert await world.media.picture_of(POST, 2) is None
    assert await world.media.picture_of(MediaOwner.PROFILE, 1) is None
    assert len(world.source.asked) == 1


async def test_a_changed_cover_takes_the_place_of_the_old_one(world: World) -> None:
    await world.ask({1: link(1)})
    await world.work()
    world.source.gives = lambda _: picture(7)
    assert await world.ask({1: link(1, "b")}) == 1
    await world.work()
    assert await world.media.picture_of(POST, 1) == picture(7)
    assert len(world.files()) == 1


async def test_an_avatar_goes_before_covers(world: World) -> None:
    await world.ask({1: link(1)})
    await world.ask({9: link(9)}, MediaOwner.PROFILE)
    assert [job.args["owner"] for job in await world.claim()] == ["profile", "post"]


@pytest.mark.parametrize(
    ("error", "again"),
    [(SourceUnavailable("later", retry_after_seconds=9), True), (SourceChanged("never"), False)],
)
async def test_a_failure_is_recorded_and_tried_again_with_the_next_days_link(
    world: World, error: VedetteError, again: bool
) -> None:
    world.source.gives = lambda _: error
    await world.ask({1: link(1)})
    (job,) = await world.claim()
    with pytest.raises(JobFailed) as caught:
        await world.jobs.run(job)
    assert (caught.value.retry, caught.value.retry_after_seconds) == (again, 9 if again else None)
    async with world.database.write("test.given_up") as conn:
        await world.jobs.given_up(conn, job, caught.value.words, world.clock.now())
        await jobs.give_up(conn, job, caught.value.words, world.clock.now())
    async with world.database.read() as conn:
        assert (await store.known(conn, POST, [1]))[1].error == str(error)
    world.source.gives = lambda _: picture(3)
    assert await world.ask({1: link(1, signed=2)}) == 0  # an hourly run leaves it alone
    world.clock.advance(21 * 3600)
    assert await world.ask({1: link(1, signed=2)}) == 1
    assert await world.work() == []
    assert await world.kept(1) == [1]


async def test_the_old_cover_stays_when_the_new_one_fails(world: World) -> None:
    await world.ask({1: link(1)})
    await world.work()
    before = await world.media.picture_of(POST, 1)
    world.source.gives = lambda _: SourceChanged("no")
    await world.ask({1: link(1, "b")})
    assert await world.work() == ["no"]
    assert await world.media.picture_of(POST, 1) == before


async def test_what_is_written_by_somebody_else_into_the_table_or_the_folder_is_not_shown(
    world: World,
) -> None:
    await world.ask({1: link(1), 2: link(2), 3: link(3)})
    await world.work()
    outside = world.folder.parent / "secret.txt"
    outside.write_bytes(picture().content)
    async with world.database.write("test.spoil") as conn:
        changed = {"file": "../secret.txt", "sha256": media_folder.sha256_of(picture().content)}
        await conn.execute(update(media).where(media.c.owner_id == 1).values(changed))
    (spoiled,) = world.folder.glob("post-2-*")
    spoiled.write_bytes(b"half")
    assert await world.kept(1, 2, 3) == [3]
    await world.media.tidy()
    assert outside.exists()


async def test_the_oldest_covers_go_where_there_is_no_room(world: World) -> None:
    profile = await world.profile(post_count=6)
    world.restart(megabytes=1)  # three of them
    links = {
        post_id: link(post_id) for post_id in reversed(profile.post_ids)
    }  # newest first, as they are listed
    await world.ask({profile.account_id: link(0)}, MediaOwner.PROFILE)
    await world.ask(links)
    await world.work()
    newest = sorted(profile.post_ids)[-2:]
    assert await world.kept(*profile.post_ids) == newest
    assert await world.media.picture_of(MediaOwner.PROFILE, profile.account_id) is not None
    assert len(world.files()) == 3
    await world.media.tidy()
    assert await world.ask(links) == 0  # not again and again
    world.restart(megabytes=100)
    await world.media.tidy()
    assert await world.ask(links) == len(profile.post_ids) - 2  # there is room again


async def test_without_room_nothing_is_fetched_or_kept(world: World) -> None:
    profile = await world.profile(post_count=1)
    (post_id,) = profile.post_ids
    await world.ask({post_id: link(post_id)})
    await world.work()
    assert len(world.files()) == 1
    world.restart(megabytes=0)
    await world.media.tidy()
    assert world.files() == []
    await world.ask({post_id: link(post_id, "b")})
    await world.work()
    assert len(world.source.asked) == 1
    assert await world.kept(post_id) == []


async def test_pictures_of_profiles_that_nobody_watches_are_forgotten(world: World) -> None:
    gone, stays = await world.profile(), await world.profile(handle="bea")
    for profile in (gone, stays):
        await world.ask({one: link(one) for one in profile.post_ids})
        await world.ask({profile.account_id: link(profile.account_id)}, MediaOwner.PROFILE)
    await world.work()
    async with world.database.write("test.unwatch") as conn:
        await conn.execute(delete(profile_watches).where(profile_watches.c.account_id == gone.account_id))
    world.grow_old()
    await world.media.tidy()
    assert await world.kept(*gone.post_ids, *stays.post_ids) == sorted(stays.post_ids)
    assert await world.media.picture_of(MediaOwner.PROFILE, gone.account_id) is None
    assert await world.media.picture_of(MediaOwner.PROFILE, stays.account_id) is not None
    assert len(world.files()) == len(stays.post_ids) + 1


async def test_a_picture_that_went_from_the_folder_is_asked_for_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    profile = await world.profile(post_count=2)
    links = {post_id: link(post_id) for post_id in profile.post_ids}
    await world.ask(links)
    await world.work()
    gone, short = sorted(world.folder.iterdir())[:2]
    gone.unlink()
    short.write_bytes(b"\xff\xd8\xff")
    await world.media.tidy()
    assert caplog.text.count("is gone or damaged") == 2
    assert await world.ask(links) == 2


class Dead(BaseException):
    """Stands for the end of the process."""


def die(*_: object, **__: object) -> None:
    raise Dead


@pytest.mark.parametrize("step", ["write", "replace", "note_kept", "remove"])
async def test_whoever_is_killed_leaves_no_half_picture_and_nothing_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    profile = await world.profile(post_count=1)
    (post_id,) = profile.post_ids
    await world.ask({post_id: link(post_id)})
    await world.work()
    old = await world.media.picture_of(POST, post_id)
    world.source.gives = lambda _: picture(7)
    await world.ask({post_id: link(post_id, "b")})
    (job,) = await world.claim()
    owner, name = {
        "write": (media_folder, "flush"),
        "replace": (Path, "replace"),
        "note_kept": (store, "note_kept"),
        "remove": (media_folder.MediaFolder, "remove"),
    }[step]
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, die)
        with pytest.raises(Dead):
            await world.jobs.run(job)
    world.restart()
    shown = await world.media.picture_of(POST, post_id)
    assert shown == (picture(7) if step == "remove" else old)
    await world.jobs.run(job)  # its lease ran out, and it is started again
    assert await world.media.picture_of(POST, post_id) == picture(7)
    await world.media.tidy()
    world.grow_old()
    await world.media.tidy()
    assert world.files() == [media_folder.name_of(POST, post_id, picture(7))]


async def test_what_was_just_written_is_left_alone_by_the_night(world: World) -> None:
    """A worker beside the bot has written a file and is about to note it."""
    media_folder.MediaFolder(world.folder).keep("post-5-0123456789abcdef.jpg", b"\xff\xd8\xff")
    (world.folder / ".unfinished-x").write_bytes(b"")
    (world.folder / "mine.txt").write_text("not ours")
    world.grow_old(timedelta(minutes=59))
    await world.media.tidy()
    assert len(world.files()) == 3
    world.grow_old(timedelta(minutes=61))
    await world.media.tidy()
    assert world.files() == ["mine.txt"]


async def test_a_worker_that_lost_its_job_notes_nothing(world: World) -> None:
    await world.ask({1: link(1)})
    (job,) = await world.claim()
    async with world.database.write("test.lost") as conn:
        await conn.execute(update(jobs_table).values(epoch=jobs_table.c.epoch + 1))
    with pytest.raises(JobLost):
        await world.jobs.run(job)
    assert await world.kept(1) == []
    async with world.database.read() as conn:
        assert (await conn.execute(select(func.count()).select_from(media))).scalar_one() == 0


async def test_a_full_disk_is_tried_again_and_leaves_nothing_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.ask({1: link(1)})
    (job,) = await world.claim()

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(media_folder, "flush", full)
        with pytest.raises(JobFailed, match="No space left") as caught:
            await world.jobs.run(job)
    assert caught.value.retry
    assert world.files() == []
    await world.jobs.run(job)
    assert await world.kept(1) == [1]


async def test_instants_of_tries_are_kept(world: World) -> None:
    await world.ask({1: link(1)})
    await world.work()
    async with world.database.read() as conn:
        row = (await conn.execute(select(media.c.fetched_at, media.c.tried_at))).one()
    expected: datetime = world.clock.now()
    assert tuple(row) == (expected, expected)
