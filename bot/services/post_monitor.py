"""Reads the posts of profiles: the handler of the jobs of kind `profile`.

A run asks one source after the other until one shows all that is wanted. Each page is written in small batches with
the run's own number, so that a run that is done again after a kill, or goes on with the next source, writes over its
own rows and doubles nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.jobs import LONGEST_PAUSE, Job
from bot.core.live.models import Person
from bot.core.posts.coverage import Listing, Wanted
from bot.core.posts.merging import OF_PROFILE, Failure, judge
from bot.core.posts.models import MediaOwner, Page, ReadPost, ReadProfile, RunState, Trouble
from bot.core.posts.next_run import next_run
from bot.errors import JobFailed, PostsUnread
from bot.ports import PostSource
from bot.services.announcements import Announcements
from bot.services.media import ask_for
from bot.services.post_health import note_answer, note_failure, pause_of
from bot.services.post_notices import tell_read, tell_unread
from bot.storage import jobs, live, posts, profile_milestones, profile_state
from bot.storage.engine import Connection, Database
from bot.storage.posts import Progress, Unwritten, Work
from bot.texts import text

BATCH = 5
LONGEST_WAIT = timedelta(hours=6)
"""So long a run waits for sources that are left alone; then it has failed."""

log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class _Reading:
    """A run while a source is read."""

    job: Job
    work: Work
    post_ids: set[int]
    new_ids: set[int]
    listing: Listing
    source: PostSource
    told: ReadProfile | None = None
    broke_off: Failure | None = None  # what kept it from the older posts, which not every run reads

    @property
    def shows_enough(self) -> bool:
        """Whether no other source need be asked: it has shown at least what every run reads."""
        return self.listing.is_covered or self.listing.is_covered_daily


class PostMonitor:
    """Does runs. `sources` are asked in this order; `wanted` is what a run reads that is not to read all."""

    def __init__(
        self,
        *,
        database: Database,
        sources: Sequence[PostSource],
        announcements: Announcements,
        clock: Clock,
        wanted: Wanted,
    ) -> None:
        self._database = database
        self._sources = sources
        self._announcements = announcements
        self._clock = clock
        self._wanted = wanted

    async def run(self, job: Job) -> None:
        """Do the run that a job is for. Raises `JobFailed` where no source could read the profile."""
        now, paused = self._clock.now(), {}
        async with self._database.write("profile.begin") as conn:
            await jobs.require(conn, job)
            work = await posts.begin(conn, job.args["run_id"], now)
            if work is None:
                return
            for source in self._sources:
                if pause := await pause_of(conn, source.name, now):
                    paused[source.name] = pause
        post_ids, new_ids = set(work.post_ids), set(work.new_ids)
        await self._write_rest(job, work, post_ids, new_ids)
        failures: list[Failure] = []
        short: _Reading | None = None
        for source in self._sources:
            if source.name in paused:
                continue
            reading = _Reading(
                job=job,
                work=work,
                post_ids=post_ids,
                new_ids=new_ids,
                listing=self._listing(work),
                source=source,
            )
            try:
                await self._read(reading)
                if reading.shows_enough:
                    await self._end(reading, failures)
                    return
                short = short or reading
            except PostsUnread as error:
                failures.append(_failure(source, error))
            work = reading.work
        if short is not None:  # nobody shows more
            if not await self._complete(replace(short, work=work), failures):
                await self._complete(replace(short, work=replace(work, is_full=True)), failures)
            return
        await self._fail(job, work, failures, list(paused.values()))

    async def _end(self, reading: _Reading, failures: Sequence[Failure]) -> None:
        """End a run that was read; where somebody asked for all pages meanwhile, read these before."""
        if not await self._complete(reading, failures):
            await self._read_all(reading)
            await self._complete(reading, failures)

    def _listing(self, work: Work) -> Listing:
        return Listing(replace(self._wanted, is_full=work.is_full), self._clock.now())

    # --- Reading ---------------------------------------------------------------------------------

    async def _read(self, reading: _Reading) -> None:
        """Read and write pages until all that is wanted was shown, or the source has no more.

        A long reading that breaks off behind what every run reads has read that much.
        """
        try:
            await self._read_pages(reading)
        except PostsUnread as error:
            if error.trouble in OF_PROFILE or not reading.listing.is_covered_daily:
                raise
            reading.broke_off = _failure(reading.source, error)
            log.info("The older posts of @%s were not read (%s)", reading.work.profile.handle, error.words)

    async def _read_pages(self, reading: _Reading) -> None:
        async with aclosing(reading.source.pages(reading.work.profile)) as pages:
            async for page in pages:
                reading.told = page.profile or reading.told
                fresh = reading.listing.take(page, _handles(reading))
                _doubt(reading)
                await self._write_page(reading, page, fresh)
                if reading.listing.is_covered:
                    break
        if not reading.listing.post_ids and not _has_none(reading):
            await self._doubt_emptiness(reading)

    async def _read_all(self, reading: _Reading) -> None:
        """Read from the beginning again: all pages were asked for while the newest posts were read."""
        reading.work = replace(reading.work, is_full=True)
        reading.listing = self._listing(reading.work)
        await self._read(reading)

    async def _doubt_emptiness(self, reading: _Reading) -> None:
        """Raise `PostsUnread` where it is more likely that a listing failed than that all posts went."""
        if not reading.listing.is_covered:
            raise PostsUnread(Trouble.CHANGED, text("the listing ended without a post"))
        async with self._database.read() as conn:
            count = await posts.visible_posts(conn, reading.work.profile.account_id)
        if count:
            reason = text("the listing is empty, though {count} posts are known", count=count)
            raise PostsUnread(Trouble.CHANGED, reason)

    # --- Writing ---------------------------------------------------------------------------------

    async def _write_rest(self, job: Job, work: Work, post_ids: set[int], new_ids: set[int]) -> None:
        """Write what a killed run has left of a page."""
        rest = work.unwritten
        while rest is not None:
            async with self._database.write("profile.rest") as conn:
                await jobs.require(conn, job)
                rest = await _write_batch(conn, work, rest, post_ids, new_ids)

    async def _write_page(self, reading: _Reading, page: Page, fresh: tuple[ReadPost, ...]) -> None:
        """Write a page in batches; the first takes with it what was told of the profile."""
        source = reading.source.name
        rest: Unwritten | None = Unwritten(posts=fresh, read_at=page.read_at, source=source)
        is_first = True
        while rest is not None:
            batch = rest.posts[:BATCH]
            async with self._database.write("profile.posts") as conn:
                await jobs.require(conn, reading.job)
                if is_first and page.profile is not None:
                    reading.work = await self._learn(conn, reading.work, page.profile, page.read_at)
                rest = await _write_batch(
                    conn,
                    reading.work,
                    rest,
                    reading.post_ids,
                    reading.new_ids,
                    requests=page.requests if is_first else 0,
                    credits_left=page.credits_left,
                )
                await self._want_covers(conn, reading, batch)
            is_first = False

    async def _learn(self, conn: Connection, work: Work, told: ReadProfile, now: datetime) -> Work:
        """Keep what was told of the person; gives the run, which may be one of another account now."""
        account = await live.account_by_id(conn, work.profile.account_id)
        if account is None:
            return work
        is_same = bool(told.sec_uid) and told.sec_uid == work.profile.sec_uid
        platform_id = told.platform_id or (account.platform_id if is_same else None)
        if platform_id:
            person = Person(
                platform_id=platform_id,
                handle=told.handle.lower() or account.handle,
                nickname=told.nickname,
                followers=told.followers,
            )
            account = await live.learn_person(conn, account, person)
        await profile_state.learn(conn, account.id, told, now)
        await ask_for(conn, MediaOwner.PROFILE, {account.id: told.avatar_url}, self._clock.now())
        profile = replace(
            work.profile,
            account_id=account.id,
            handle=account.handle,
            platform_id=account.platform_id,
            sec_uid=told.sec_uid or work.profile.sec_uid,
        )
        return replace(work, profile=profile)

    async def _want_covers(self, conn: Connection, reading: _Reading, batch: Sequence[ReadPost]) -> None:
        """Let covers be fetched of the posts that every run reads."""
        covers = {one.post_id: one.cover_url for one in batch if reading.listing.is_tracked(one)}
        await ask_for(conn, MediaOwner.POST, covers, self._clock.now())

    # --- The end ---------------------------------------------------------------------------------

    async def _complete(self, reading: _Reading, failures: Sequence[Failure]) -> bool:
        """End a run that was read; `failures` are those of the sources that were asked before.

        False where somebody asked for all pages meanwhile: then it is not over.
        """
        work, listing, now = reading.work, reading.listing, self._clock.now()
        account_id, is_complete = work.profile.account_id, listing.is_covered
        async with self._database.write("profile.read") as conn:
            await jobs.require(conn, reading.job)
            if not work.is_full and await posts.wants_all(conn, work.run_id):
                return False
            if is_complete and listing.reach is not None and (reading.source.lists_all or _has_none(reading)):
                await posts.note_missing(conn, work, listing.reach, now)
            await self._write_sums(conn, reading, now)
            await profile_milestones.write_down(conn, account_id, now)
            await posts.end(conn, work.run_id, RunState.COMPLETED, now, is_complete=is_complete)
            before = await profile_state.row_of(conn, account_id)
            if before is not None:
                await profile_state.note_read(
                    conn,
                    account_id,
                    now,
                    next_run_at=await _next(conn, account_id, before["next_run_at"], now),
                    # One that ends short does so every time, unless it was an accident: it is read as a whole twice.
                    all_pages=work.is_full and (is_complete or before["last_run_at"] is not None),
                )
                await tell_read(
                    conn, account_id, work.profile.handle, failing_since=before["failing_since"], now=now
                )
            await _note_failures(conn, work, failures, now)
            await note_answer(conn, reading.source.name, now)
            if reading.broke_off is not None:
                await _note_failures(conn, work, [reading.broke_off], now)
            await jobs.finish(conn, reading.job, now)
        self._announcements.wake()
        return True

    async def _write_sums(self, conn: Connection, reading: _Reading, now: datetime) -> None:
        """Write the profile's snapshot; followers only where they were counted since the last one."""
        row = await profile_state.row_of(conn, reading.work.profile.account_id)
        counted_at = None if row is None else row["counted_at"]
        is_new = (
            row is not None
            and counted_at is not None
            and (row["last_run_at"] is None or counted_at > row["last_run_at"])
        )
        await posts.write_sums(
            conn,
            reading.work,
            now,
            followers=row["followers"] if row is not None and is_new else None,
            total_likes=row["total_likes"] if row is not None and is_new else None,
            source=reading.source.name,
        )

    async def _fail(
        self, job: Job, work: Work, failures: Sequence[Failure], paused: Sequence[Failure]
    ) -> None:
        """Note why this attempt failed and let the queue decide about another.

        Where every source is left alone for now nothing was tried: the run waits, but not for ever.
        """
        verdict, now = judge([*failures, *paused]), self._clock.now()
        waits = not failures and now - work.queued_at < LONGEST_WAIT
        async with self._database.write("profile.unread") as conn:
            await jobs.require(conn, job)
            await posts.note_trouble(conn, work.run_id, verdict.trouble, verdict.words, is_attempt=not waits)
            await _note_failures(conn, work, failures, now)
            if waits:
                pause = min(one.retry_after_seconds or 0 for one in paused)
                await jobs.postpone(conn, job, now + timedelta(seconds=pause))
        log.info("@%s could not be read (%s)", work.profile.handle, verdict.words)
        if not waits:
            raise JobFailed(
                verdict.words,
                retry=verdict.retry and bool(failures),
                retry_after_seconds=verdict.retry_after_seconds,
            )

    async def given_up(self, conn: Connection, job: Job, error: str, now: datetime) -> None:
        """End a run whose job failed for good, also one that took its worker down."""
        work = await posts.open_work(conn, job.args["run_id"])
        if work is None:
            return
        post_ids, new_ids, rest = set(work.post_ids), set(work.new_ids), work.unwritten
        while rest is not None:
            rest = await _write_batch(conn, work, rest, post_ids, new_ids)
        trouble = Trouble(work.trouble) if work.trouble else Trouble.UNAVAILABLE
        words = work.error if work.trouble else error
        await posts.end(conn, work.run_id, RunState.FAILED, now, is_complete=False, error=words)
        account_id = work.profile.account_id
        before = await profile_state.row_of(conn, account_id)
        if before is not None:
            next_run_at = await _next(conn, account_id, before["next_run_at"], now)
            await profile_state.note_trouble(conn, account_id, trouble, words, now, next_run_at=next_run_at)
            since = before["failing_since"] or now
            await tell_unread(conn, account_id, work.profile.handle, trouble, words, since=since, now=now)


def _doubt(reading: _Reading) -> None:
    """Raise `PostsUnread` for a listing that cannot be the profile's own."""
    profile, told = reading.work.profile, reading.told
    if told is not None and told.platform_id and profile.platform_id not in (None, told.platform_id):
        raise PostsUnread(Trouble.GONE, text("the name belongs to another account now"))
    if reading.listing.is_circle:
        raise PostsUnread(Trouble.CHANGED, text("the listing shows the same posts again and again"))


def _has_none(reading: _Reading) -> bool:
    """Whether the platform itself counts no posts, and none was shown."""
    return reading.told is not None and reading.told.posts == 0 and not reading.listing.post_ids


def _handles(reading: _Reading) -> set[str]:
    told = "" if reading.told is None else reading.told.handle
    return {reading.work.profile.handle, told} - {""}


def _failure(source: PostSource, error: PostsUnread) -> Failure:
    asked = error.retry_after_seconds
    return Failure(
        source=source.name,
        trouble=Trouble(error.trouble),
        words=error.words,
        retry_after_seconds=None if asked is None else min(asked, LONGEST_PAUSE.total_seconds()),
        requests=error.requests,
    )


async def _note_failures(conn: Connection, work: Work, failures: Sequence[Failure], now: datetime) -> None:
    """Note what sources did not do, and count what they were asked in vain."""
    await posts.note_requests(conn, work.run_id, sum(one.requests for one in failures))
    for one in failures:
        await note_failure(conn, one, now)


async def _write_batch(
    conn: Connection,
    work: Work,
    rest: Unwritten,
    post_ids: set[int],
    new_ids: set[int],
    *,
    requests: int = 0,
    credits_left: int | None = None,
) -> Unwritten | None:
    """Write the next batch of a page and how far the run is with it; gives what is left of the page."""
    batch, after = rest.posts[:BATCH], rest.posts[BATCH:]
    left = replace(rest, posts=after) if after else None
    written, new = await posts.write(conn, work, batch, rest.read_at, rest.source)
    post_ids |= written
    new_ids |= new
    progress = Progress(
        posts=len(post_ids),
        new_posts=len(new_ids),
        source=rest.source,
        pages=0 if left else 1,
        requests=requests,
        credits_left=credits_left,
        unwritten=left,
    )
    await posts.note_progress(conn, work.run_id, progress)
    return left


async def _next(conn: Connection, account_id: int, planned: datetime, now: datetime) -> datetime:
    """Give when a profile is read next: as it was planned, unless that is over."""
    interval = await profile_state.shortest_interval(conn, account_id)
    return planned if interval is None else next_run(planned, interval, now)
