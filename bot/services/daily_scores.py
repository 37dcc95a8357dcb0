"""The quiet hour: everything is learned anew, tomorrow is planned, yesterday is scored and told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.live.day_scores import DayFacts, score, score_message
from bot.core.live.models import Answer
from bot.core.live.predictions import POLICIES, DayScore
from bot.services import shadow
from bot.services.announcements import Announcements
from bot.services.live_monitor import LiveMonitor
from bot.services.report_places import report_places, tell_report
from bot.storage import guilds, history, status
from bot.storage import predictions as table
from bot.storage.engine import Connection, Database
from bot.storage.watched import POLICY_NOTE, load_all

LASTING_OF = timedelta(days=28)
SCORED_LATE = timedelta(days=7)
"""Days that have no score are made up for so far back."""
SETTLES = timedelta(hours=3)
"""So long after midnight lives of the day before are found still."""
TOLD_FOR = timedelta(hours=12)
"""A score that no channel took for so long is not posted any more."""

log = logging.getLogger(__name__)


class DailyScores:
    """Works once a day at a quiet hour of the deployment's time zone."""

    def __init__(
        self,
        *,
        database: Database,
        monitor: LiveMonitor,
        announcements: Announcements,
        clock: Clock,
        time_zone: str,
    ) -> None:
        self._database = database
        self._monitor = monitor
        self._announcements = announcements
        self._clock = clock
        self._zone = ZoneInfo(time_zone)

    async def night(self) -> None:
        """Learn everything anew from the database, plan, score yesterday, compare the shadow policy."""
        now = self._clock.now()
        self._monitor.planning.spoil()
        await self._monitor.replan_step()
        before, yesterday = self._last_two_days(now)
        async with self._database.read() as conn:
            days = [*await self._without_score(conn, before), yesterday]
        await self._score(days, yesterday, now)
        await self._compare(now)

    async def catch_up(self) -> None:
        """Score what nights that were slept through left without a score; told is yesterday alone."""
        now = self._clock.now()
        _, settled = self._last_two_days(now - SETTLES)
        async with self._database.read() as conn:
            days = await self._without_score(conn, settled)
        if days:
            await self._score(days, self._last_two_days(now)[1], now)

    async def _score(self, days: Sequence[date], yesterday: date, now: datetime) -> None:
        async with self._database.read() as conn:
            scores = [score(await self._facts(conn, day, now)) for day in days]
        async with self._database.write("predictions.night") as conn:
            await table.forget_before(conn, now - table.KEPT)
            for scored in scores:
                await table.save_score(conn, scored)
                if scored.day == yesterday:
                    await self._tell(conn, scored, now)
        self._announcements.wake()
        for scored in scores:
            all_of_them = scored.found + scored.missed
            log.info(
                "%s: %d of about %.1f lives found in %d checks",
                scored.day,
                scored.found,
                all_of_them,
                scored.requests,
            )

    async def _compare(self, now: datetime) -> None:
        """Compare the shadow policy, which takes long: the scores are kept by then."""
        report = await shadow.compare(
            self._database, self._monitor.planning.beside, now, self._monitor.rules.discovery_per_day
        )
        if report is not None:
            async with self._database.write("predictions.compare") as conn:
                await status.write_note(conn, shadow.REPORT_NOTE, shadow.report_to_note(report))

    async def _without_score(self, conn: Connection, last: date) -> list[date]:
        """Give the days of a week up to `last` on which the bot looked, and that nobody scored."""
        days = [last - timedelta(days=back) for back in reversed(range(SCORED_LATE.days))]
        scored = {one.day for one in await table.scores_since(conn, days[0])}
        return [
            day for day in days if day not in scored and await table.checks_between(conn, *self._bounds(day))
        ]

    async def _facts(self, conn: Connection, day: date, now: datetime) -> DayFacts:
        begins, ends = self._bounds(day)
        policy = await status.note(conn, POLICY_NOTE) or POLICIES[0]
        followed = [one.watched.account_id for one in await load_all(conn, now, policy)]
        checks = await table.checks_between(conn, begins, ends)
        lives = await table.lives_between(conn, begins, ends)
        past = await history.past_lives(conn, followed, now - LASTING_OF)
        return DayFacts(
            day=day,
            policy=policy,
            limit=self._monitor.rules.discovery_per_day,
            checks=len(checks),
            hits=sum(check.answer == Answer.LIVE for check in checks),
            starts=[live.started_at for live in lives],
            finds=[live.found_at for live in lives],
            expected_missed=await table.expected_missed(conn, begins, ends),
            outcomes=await table.outcomes(conn, followed, begins, ends),
            lasting=[live.minutes for live in past],
            hours=await history.hours_followed(conn, begins, ends),
        )

    async def _tell(self, conn: Connection, scored: DayScore, now: datetime) -> None:
        key, message = f"score:{scored.day.isoformat()}", score_message(scored)
        for guild_id, channel_id in await guilds.readers_of_scores(conn):
            messages = dict.fromkeys(await report_places(conn, guild_id, channel_id), message)
            await tell_report(conn, key, messages, expires_at=now + TOLD_FOR, now=now)

    def _last_two_days(self, now: datetime) -> tuple[date, date]:
        today = now.astimezone(self._zone).date()
        return today - timedelta(days=2), today - timedelta(days=1)

    def _bounds(self, day: date) -> tuple[datetime, datetime]:
        return self._midnight(day), self._midnight(day + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).astimezone(ZoneInfo("UTC"))
