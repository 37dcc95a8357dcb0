"""Reports of watched profiles: every day or week, in a channel, of what was really read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.notifications.kinds import account_subject
from bot.core.posts.models import ReportEvery
from bot.core.posts.period import apart
from bot.core.posts.report import HISTORY, DueReport, ReadProfileHistory, due_report, news_for, report_of
from bot.core.posts.report_post import report_message
from bot.services.announcements import Announcements
from bot.services.beside import beside
from bot.services.report_places import report_places, tell_report
from bot.storage import outbox, post_reading, profile_milestones, profile_reports
from bot.storage.engine import Connection, Database
from bot.storage.profile_reports import ProfileReader

LONGEST_SLEEP = timedelta(minutes=20)
"""A report or a time zone may be chosen meanwhile."""
_INSTANT = timedelta(microseconds=1)


def reports_of(guild_id: int, account_id: int) -> str:
    """Give with what the keys of a guild's reports of a profile begin in the outbox."""
    return f"profile-report:{guild_id}:{account_id}:"


class Calendar(Protocol):
    """Says when something is due; a trigger of APScheduler."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime, /) -> datetime | None:
        """Give the first time at `now` or after it; None: never again."""


class ProfileReports:
    """Puts each report once into the outbox. `calendars` give those of a time zone."""

    def __init__(
        self,
        *,
        database: Database,
        announcements: Announcements,
        clock: Clock,
        calendars: Mapping[ReportEvery, Callable[[str], Calendar]],
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._clock = clock
        self._calendars = calendars

    async def step(self) -> datetime:
        """Tell what is due; gives when to look again."""
        now = self._clock.now()
        async with self._database.read() as conn:
            readers = await profile_reports.readers(conn)
        following = [now + LONGEST_SLEEP]
        for reader in readers:
            # The first time that is still news, or to come; what was due before it was chosen is not made up.
            begin = max(now - news_for(reader.every) + _INSTANT, reader.since)
            told_at = self._calendars[reader.every](reader.time_zone).get_next_fire_time(None, begin)
            if told_at is not None and told_at <= now:
                await self._tell(
                    reader, due_report(told_at.astimezone(UTC), reader.every, ZoneInfo(reader.time_zone))
                )
            elif told_at is not None:
                following.append(told_at.astimezone(UTC))
        return min(following)

    async def _tell(self, reader: ProfileReader, due: DueReport) -> None:
        key = f"{reports_of(reader.guild_id, reader.account_id)}{reader.every}:{due.day}"
        async with self._database.read() as conn:
            if await outbox.channels_of(conn, key):
                return
            message = await self._message(conn, reader, due)
        if message is None:
            return
        async with self._database.write("profiles.report") as conn:
            # Another process was quicker, or it was chosen otherwise meanwhile.
            readers = await profile_reports.readers(conn, reader.account_id)
            if await outbox.channels_of(conn, key) or reader not in readers:
                return
            subject = account_subject(reader.account_id)
            places = await report_places(conn, reader.guild_id, reader.channel_id, subject)
            messages, now = dict.fromkeys(places, message), self._clock.now()
            await tell_report(conn, key, messages, subject=subject, expires_at=due.expires_at, now=now)
        self._announcements.wake()

    async def _message(self, conn: Connection, reader: ProfileReader, due: DueReport) -> Message | None:
        account_id = reader.account_id
        samples = await post_reading.profile_samples(conn, account_id, due.since - HISTORY)
        runs = apart([one.at for one in samples if one.at <= due.until], due.ends)
        posts = await profile_reports.sampled_posts(conn, account_id, runs)
        history = ReadProfileHistory(
            handle=reader.handle,
            nickname=reader.nickname,
            interval_hours=reader.interval_hours,
            samples=[one for one in samples if one.at in runs],
            posts=posts,
            known_posts=await profile_reports.known_posts(conn, account_id),
            milestones=await profile_milestones.passed_between(conn, account_id, due.since, due.until),
        )
        report = await beside(sum(len(post.samples) for post in posts), report_of, history, due)
        return None if report is None else report_message(report)
