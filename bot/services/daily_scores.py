"""The quiet hour: everything is learned anew, tomorrow is planned, yesterday is scored and told."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.live.day_scores import DayFacts, score, score_message
from bot.core.live.models import Answer
from bot.core.live.predictions import POLICIES, DayScore
from bot.services import shadow
from bot.services.announcements import Announcements
from bot.services.live_monitor import LiveMonitor
from bot.storage import guilds, history, outbox, status
from bot.storage import predictions as table
from bot.storage.engine import Connection, Database
from bot.storage.watched import POLICY_NOTE, load_all

LASTING_OF = timedelta(days=28)
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
        yesterday = now.astimezone(self._zone).date() - timedelta(days=1)
        async with self._database.read() as conn:
            scored = score(await self._facts(conn, yesterday, now))
        report = await shadow.compare(
            self._database, self._monitor.planning.beside, now, self._monitor.rules.discovery_per_day
        )
        async with self._database.write("predictions.night") as conn:
            await table.save_score(conn, scored)
            await table.forget_before(conn, now - table.KEPT)
            if report is not None:
                await status.write_note(conn, shadow.REPORT_NOTE, shadow.report_to_note(report))
            await self._tell(conn, scored, now)
        self._announcements.wake()
        log.info(
            "%s: %d of about %.1f lives found in %d checks",
            yesterday,
            scored.found,
            scored.found + scored.missed,
            scored.requests,
        )

    async def _facts(self, conn: Connection, day: date, now: datetime) -> DayFacts:
        begins, ends = self._midnight(day), self._midnight(day + timedelta(days=1))
        policy = await status.note(conn, POLICY_NOTE) or POLICIES[0]
        followed = [one.watched.account_id for one in await load_all(conn, now, policy)]
        checks = await table.checks_between(conn, begins, ends)
        lives = await table.lives_between(conn, begins, ends)
        said = await table.load(conn, followed, begins, ends)
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
            said=[(one.probability, one.started) for one in said if one.started is not None],
            lasting=[live.minutes for live in past],
            accounts=len(followed),
        )

    async def _tell(self, conn: Connection, scored: DayScore, now: datetime) -> None:
        for guild_id, channel_id in await guilds.readers_of_scores(conn):
            await outbox.put(
                conn,
                event_key=f"score:{scored.day.isoformat()}",
                guild_id=guild_id,
                channel_id=channel_id,
                message=score_message(scored),
                now=now,
                expires_at=now + TOLD_FOR,
            )

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).astimezone(ZoneInfo("UTC"))
