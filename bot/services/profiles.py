"""What people ask of watched profiles, and what admins change: the use cases behind `/profile`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.jobs import QueueCounts
from bot.core.live.handles import normalise_handle
from bot.core.live.models import Person, ProfileState
from bot.core.markup import clip
from bot.core.posts.changes import paused_words, reported_words, unwatched_words, watched_words
from bot.core.posts.comparison import ComparedProfile
from bot.core.posts.models import KnownPost, ReportEvery, Run, RunReason
from bot.core.posts.post_history import ShownPost
from bot.core.posts.posts_page import GROWTH_DAYS, ListedPost, listed
from bot.core.posts.profile_post import CHART_DAYS, ShownProfile, WatchedProfile
from bot.core.requester import Requester
from bot.errors import InputRefused, LimitReached, NothingThere
from bot.ports import JobQueue
from bot.services.announcements import Announcements
from bot.services.media import Media
from bot.services.profile_asking import ProfileAsking
from bot.services.profile_reports import reports_of
from bot.services.profile_schedule import put_run
from bot.settings import Settings
from bot.storage import audit, guilds, outbox, post_reading, profile_reports, profile_watches
from bot.storage import live as accounts
from bot.storage.engine import Connection, Database
from bot.storage.post_reading import NamedPost
from bot.texts import join, text, texts

MOST_RUNS = 60
"""So many runs of the log are shown."""
SUGGESTED = 25
LOOKED_THROUGH = 500
"""So many posts, the newest, are looked through for suggestions."""
POST_SAMPLES = 200
"""So many samples of a post are read: all there are of three months, and then of the days."""
_CHOICE = 100  # Discord's limit for the name of a suggestion
_IN_LINK = re.compile(r"/(?:video|photo)/(\d{1,19})")
_LARGEST = 2**63
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileRules:
    """What the settings say: profiles a guild may watch, and how often one is read unless it is said otherwise."""

    per_guild: int = 25
    interval_hours: int = 24
    time_zone: str = "UTC"


@dataclass(frozen=True, kw_only=True, slots=True)
class Watching:
    """What `/profile watch` did; `run_id` is that of its first run, None where the profile was known already."""

    words: str
    run_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPosts:
    """The posts of a profile, as they stand at `now`."""

    profile: WatchedProfile
    posts: Sequence[ListedPost]
    now: datetime


class Profiles:
    """Everything is of profiles that the requester's guild watches; others are not even there.

    `media` gives their pictures, `asking` follows runs that somebody asked for.
    """

    def __init__(
        self,
        *,
        database: Database,
        media: Media,
        announcements: Announcements,
        clock: Clock,
        rules: ProfileRules,
        queue: JobQueue,
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._clock = clock
        self._rules = rules
        self._queue = queue
        self.media = media
        self.asking = ProfileAsking(database=database, announcements=announcements, clock=clock)

    @classmethod
    def of(
        cls,
        settings: Settings,
        database: Database,
        announcements: Announcements,
        queue: JobQueue,
        *,
        clock: Clock,
    ) -> Profiles:
        """Build it as the settings say."""
        return cls(
            database=database,
            media=Media(
                database=database,
                folder=settings.media_folder,
                clock=clock,
                megabytes=settings.media_megabytes,
            ),
            announcements=announcements,
            clock=clock,
            rules=ProfileRules(
                per_guild=settings.profiles_per_guild,
                interval_hours=settings.profile_interval_hours,
                time_zone=settings.time_zone,
            ),
            queue=queue,
        )

    # --- What everybody may read ---------------------------------------------------------------

    async def show(self, by: Requester, written: str) -> ShownProfile:
        """Give a profile with its samples. Raises `InputRefused`, `NothingThere`."""
        now = self._clock.now()
        async with self._database.read() as conn:
            profile = await _watched(conn, by, written)
            samples = await post_reading.profile_samples(
                conn, profile.account_id, now - timedelta(days=CHART_DAYS)
            )
            zone = await self._zone(conn, by)
        return ShownProfile(profile=profile, samples=samples, now=now, zone=zone)

    async def posts(self, by: Requester, written: str) -> ListedPosts:
        """Give the posts of a profile with what they gained lately. Raises `InputRefused`, `NothingThere`."""
        now = self._clock.now()
        async with self._database.read() as conn:
            profile = await _watched(conn, by, written)
            known = await post_reading.posts_of(conn, profile.account_id)
            until = (profile.last_run_at or now) - timedelta(days=GROWTH_DAYS)
            before = await post_reading.samples_before(conn, profile.account_id, until)
            young = [post.post_id for post in known if post.post_id not in before]
            first = await post_reading.first_samples(conn, young)
        found = [listed(post, before.get(post.post_id), first.get(post.post_id)) for post in known]
        return ListedPosts(profile=profile, posts=found, now=now)

    async def post(self, by: Requester, written: str) -> ShownPost:
        """Give one post with its samples, by its number or its link. Raises `NothingThere`."""
        number = _post_number(written)
        async with self._database.read() as conn:
            found = None if number is None else await post_reading.post_here(conn, by.guild_id, number)
            if found is None:
                raise NothingThere(
                    text("No such post is known here. Choose one of the suggestions, or give its link.")
                )
            return await self._shown(conn, by, found)

    async def _shown(self, conn: Connection, by: Requester, post: KnownPost) -> ShownPost:
        mine = await post_reading.watched(conn, by.guild_id)
        name = next(one.name for one in mine if one.account_id == post.account_id)
        samples = await post_reading.last_samples(conn, post.post_id, POST_SAMPLES)
        return ShownPost(name=name, post=post, samples=samples, zone=await self._zone(conn, by))

    async def compare(
        self, by: Requester, a: str, b: str
    ) -> tuple[tuple[ComparedProfile, ComparedProfile], str]:
        """Give two profiles with their samples, and the zone of the guild.

        Raises `InputRefused` for twice the same, `NothingThere`.
        """
        since = self._clock.now() - timedelta(days=CHART_DAYS)
        async with self._database.read() as conn:
            one, other = [await _watched(conn, by, written) for written in (a, b)]
            if one.account_id == other.account_id:
                raise InputRefused(text("That is one and the same."))
            sides = (await _side(conn, one, since), await _side(conn, other, since))
            return sides, await self._zone(conn, by)

    # --- What admins read ----------------------------------------------------------------------

    async def watched(self, by: Requester) -> tuple[tuple[WatchedProfile, ...], datetime]:
        """Give what a guild watches, and now."""
        async with self._database.read() as conn:
            return await post_reading.watched(conn, by.guild_id), self._clock.now()

    async def logs(self, by: Requester, written: str) -> tuple[WatchedProfile, Sequence[Run]]:
        """Give the last runs of a profile, the newest first. Raises `InputRefused`, `NothingThere`."""
        async with self._database.read() as conn:
            profile = await _watched(conn, by, written)
            return profile, await post_reading.runs_of(conn, profile.account_id, MOST_RUNS)

    async def queue(self) -> tuple[QueueCounts, ...]:
        """Count the jobs of every queue."""
        return await self._queue.counts()

    # --- Suggestions ---------------------------------------------------------------------------

    async def handles(self, by: Requester, part: str) -> tuple[str, ...]:
        """Suggest handles of watched profiles."""
        wanted = part.strip().removeprefix("@").lower()
        async with self._database.read() as conn:
            found = await post_reading.watched(conn, by.guild_id)
        return tuple(one.handle for one in found if wanted in one.handle)[:SUGGESTED]

    async def suggested_posts(self, by: Requester, part: str) -> Mapping[str, str]:
        """Suggest posts by their numbers, with what is shown for each; the newest first."""
        wanted = part.strip().removeprefix("@").lower()
        async with self._database.read() as conn:
            found = await post_reading.newest_here(conn, by.guild_id, LOOKED_THROUGH)
        named = {str(one.post_id): _suggestion(one) for one in found}
        fitting = {
            number: name for number, name in named.items() if wanted in name.lower() or wanted == number
        }
        return dict(list(fitting.items())[:SUGGESTED])

    # --- What admins change --------------------------------------------------------------------

    async def watch(self, by: Requester, written: str, channel_id: int, hours: int | None) -> Watching:
        """Watch a profile, or change how often it is read; one that was never read is read at once.

        Raises `InputRefused` for what is no handle, `LimitReached` at the guild's limit.
        """
        handle = normalise_handle(written)
        now = self._clock.now()
        async with self._database.write("profiles.watch") as conn:
            mine = await post_reading.watched(conn, by.guild_id)
            known = next((one for one in mine if one.handle == handle), None)
            if known is None:
                self._refuse_one_more(by, len(mine))
            interval = hours or (known.interval_hours if known else self._rules.interval_hours)
            account_id = known.account_id if known else await _account(conn, handle, now)
            last = await post_reading.last_run_at(conn, account_id)
            await profile_watches.watch(
                conn,
                account_id,
                by,
                interval_hours=interval,
                next_run_at=(last or now) + timedelta(hours=interval),
                now=now,
            )
            run_id = None
            if last is None:
                run_id = await self._put(conn, account_id, RunReason.FIRST, by, channel_id, is_full=True)
            words = watched_words(handle, interval, is_new=known is None)
            await audit.note(conn, by.guild_id, by.user_id, words, now)
        self._woken()
        return Watching(words=words, run_id=run_id)

    async def unwatch(self, by: Requester, written: str) -> str:
        """Watch a profile no more; gives what was done. Raises `InputRefused`, `NothingThere`."""
        now = self._clock.now()
        async with self._database.write("profiles.unwatch") as conn:
            profile = await _watched(conn, by, written)
            await profile_watches.unwatch(conn, profile.account_id, by.guild_id)
            await outbox.take_back(conn, reports_of(by.guild_id, profile.account_id))
            await audit.note(conn, by.guild_id, by.user_id, unwatched_words(profile.handle), now)
        self._announcements.wake()
        return join(
            "\n",
            [
                unwatched_words(profile.handle),
                text("What was read so far is kept: `/profile watch` goes on with it."),
            ],
        )

    async def pause(self, by: Requester, written: str, *, paused: bool) -> str:
        """Read a profile no more by itself, or again; gives what was done. Raises `InputRefused`, `NothingThere`."""
        now = self._clock.now()
        async with self._database.write("profiles.pause") as conn:
            profile = await _watched(conn, by, written)
            words = paused_words(profile.handle, paused=paused)
            if profile.paused != paused:
                await profile_watches.set_paused(conn, profile.account_id, by.guild_id, paused=paused)
                await audit.note(conn, by.guild_id, by.user_id, words, now)
        self._announcements.wake()
        return words

    async def report(self, by: Requester, written: str, every: ReportEvery | None, channel_id: int) -> str:
        """Report a profile in a channel, or nowhere; gives what was done. Raises `InputRefused`, `NothingThere`."""
        now = self._clock.now()
        async with self._database.write("profiles.choose_report") as conn:
            profile = await _watched(conn, by, written)
            words = reported_words(profile.handle, every, channel_id)
            where = None if every is None else channel_id
            await profile_reports.choose(conn, profile.account_id, by.guild_id, every, where, now=now)
            if every is None:
                await outbox.take_back(conn, reports_of(by.guild_id, profile.account_id))
            await audit.note(conn, by.guild_id, by.user_id, words, now)
        self._announcements.wake()
        return words

    async def update(self, by: Requester, written: str, channel_id: int, *, full: bool) -> int:
        """Let a profile be read before all others; gives the run, which `asking` follows.

        Raises `InputRefused`, `NothingThere`.
        """
        async with self._database.write("profiles.ask") as conn:
            profile = await _watched(conn, by, written)
            # What was never read is read as a whole.
            is_full = full or profile.last_run_at is None
            run_id = await self._put(
                conn, profile.account_id, RunReason.ASKED, by, channel_id, is_full=is_full
            )
        self._woken()
        return run_id

    async def _put(
        self,
        conn: Connection,
        account_id: int,
        reason: RunReason,
        by: Requester,
        channel_id: int,
        *,
        is_full: bool,
    ) -> int:
        now = self._clock.now()
        run_id = await put_run(
            conn,
            account_id,
            reason,
            now,
            asked_by=by.user_id,
            asked_in_guild_id=by.guild_id,
            is_full=is_full,
        )
        await profile_watches.wait_for(conn, run_id, by, channel_id, now)
        return run_id

    def _woken(self) -> None:
        self._announcements.wake()
        self._queue.wake()

    def _refuse_one_more(self, by: Requester, watched: int) -> None:
        if watched >= self._rules.per_guild and not by.is_owner:
            raise LimitReached(
                texts(
                    "This server watches {count} profile, which is the limit. End it with `/profile unwatch`, or "
                    "ask the owner of the bot to raise PROFILES_PER_GUILD.",
                    "This server watches {count} profiles, which is the limit. End one with `/profile unwatch`, or "
                    "ask the owner of the bot to raise PROFILES_PER_GUILD.",
                    watched,
                )
            )

    async def _zone(self, conn: Connection, by: Requester) -> str:
        known = await guilds.load(conn, by.guild_id)
        return known.time_zone if known else self._rules.time_zone


async def _watched(conn: Connection, by: Requester, written: str) -> WatchedProfile:
    handle = normalise_handle(written)
    found = await post_reading.watched_profile(conn, by.guild_id, handle)
    if found is None:
        raise NothingThere(
            text(
                "The profile of `@{handle}` is not watched here. `/profile list` shows which are; "
                "`/profile watch` begins with one.",
                handle=handle,
            )
        )
    return found


async def _account(conn: Connection, handle: str, now: datetime) -> int:
    known = await accounts.account_for(conn, handle, None)
    if known is None:
        unknown = Person(platform_id=0, handle=handle)
        known = await accounts.add_account(conn, unknown, ProfileState.ACTIVE, now)
    return known.id


async def _side(conn: Connection, profile: WatchedProfile, since: datetime) -> ComparedProfile:
    samples = await post_reading.profile_samples(conn, profile.account_id, since)
    return ComparedProfile(name=profile.name, samples=samples, followers=profile.followers)


def _post_number(written: str) -> int | None:
    """Give the number of a post that somebody wrote, by itself or in a link."""
    link = _IN_LINK.search(written)
    digits = link[1] if link else written.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(_LARGEST))):
        return None
    return int(digits) if int(digits) < _LARGEST else None


def _suggestion(post: NamedPost) -> str:
    caption = " ".join(post.caption.split())
    words = [f"@{post.handle}", f"{post.posted_at:%Y-%m-%d}", *([caption] if caption else [])]
    return clip(" · ".join(words), _CHOICE)
