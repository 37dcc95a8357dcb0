"""Tells of recorded lives in the channels that follow them: the recap once one is over, figures while it is on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.live.models import Person
from bot.core.live.posts import duration, person_facts
from bot.core.notifications.kinds import Kind, account_subject
from bot.core.streams.choices import StreamChoice
from bot.core.streams.findings import Findings
from bot.core.streams.influence_posts import why
from bot.core.streams.models import RecordedLive
from bot.core.streams.recap import is_empty, recap_message
from bot.services.announcements import Announcements
from bot.services.apart import Apart
from bot.services.live_state import NEWS_FOR, event_key, is_fresh, say
from bot.services.notifications import News, Place, places_of, tell
from bot.services.stream_findings import StreamFindings
from bot.services.stream_retention import MINUTES_KEPT
from bot.services.stream_showing import StreamShowing
from bot.storage import (
    guilds,
    notified,
    outbox,
    stream_choices,
    stream_findings,
    stream_reading,
    subscriptions,
)
from bot.storage import live as lives
from bot.storage.engine import Connection, Database
from bot.texts import Value

LOOK_EVERY = timedelta(seconds=30)
"""The recorder is a process of its own: nobody wakes this one when it has written its last events."""
log = logging.getLogger(__name__)


class StreamTelling:
    """Puts each recap once into each channel, in the transaction that keeps what was found out about the live."""

    def __init__(
        self,
        *,
        database: Database,
        announcements: Announcements,
        findings: StreamFindings,
        showing: StreamShowing,
        clock: Clock,
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._findings = findings
        self._showing = showing
        self._clock = clock
        self._apart = Apart()

    async def step(self) -> datetime:
        """Bring the alerts of lives that are on up to date, and sum up those that are over."""
        now = self._clock.now()
        async with self._database.read() as conn:
            over = await self._untold(conn, now)
        await self._renew_alerts()
        for live in over:
            if not is_empty(live) and (_is_news(live, now) or live.live_id not in self._apart.failing):
                await self._try_recap(live)
        return self._clock.now() + LOOK_EVERY

    async def _untold(self, conn: Connection, now: datetime) -> tuple[RecordedLive, ...]:
        held_at = self._clock.machine.now()
        return await stream_reading.untold(conn, held_at, since=now - MINUTES_KEPT)

    async def _try_recap(self, live: RecordedLive) -> None:
        """Sum up one live; where that fails it is logged once, tried again, and keeps no other from being told."""

        def report(error: Exception) -> None:
            log.error("The live %d of @%s cannot be summed up", live.live_id, live.handle, exc_info=error)

        await self._apart.do(live.live_id, self._recap(live), report)

    async def _recap(self, live: RecordedLive) -> None:
        """Find out what moved the viewers, then keep it and put the recap, unless the live goes on meanwhile.

        Of a live that is no news any more it is kept alone, for `/stream correlation` and exports.
        """
        findings = await self._findings.explain(live.live_id)
        messages = await self._messages(live, findings)
        now = self._clock.now()
        async with self._database.write("streams.recap") as conn:
            again = await self._untold(conn, now)
            if live not in again:
                return  # it goes on, another process was quicker, or it was too late
            await stream_findings.keep(conn, live.live_id, findings, now)
            channels = (await _channels(conn, live)).items() if _is_news(live, now) else ()
            places = [
                Place(guild_id=guild_id, channel_id=channel_id, message=messages[guild_id])
                for channel_id, guild_id in channels
                if guild_id in messages
            ]
            await tell(conn, _recap_news(live, now), places, now)
        log.info("The live %d of @%s is summed up", live.live_id, live.handle)
        self._announcements.wake()

    async def _messages(self, live: RecordedLive, findings: Findings) -> Mapping[int, Message]:
        """Draw up the recap for each guild that reads it, in its time zone."""
        zones: dict[int, str] = {}
        async with self._database.read() as conn:
            for guild_id in set((await _channels(conn, live)).values()):
                known = await guilds.load(conn, guild_id)
                zones[guild_id] = "UTC" if known is None else known.time_zone
        now, sentence = self._clock.now(), why(findings)
        made = {
            zone: recap_message(
                await self._showing.shown(live, now, zone=zone, found=findings.spikes), sentence
            )
            for zone in set(zones.values())
        }
        return {guild_id: made[zone] for guild_id, zone in zones.items()}

    async def _renew_alerts(self) -> None:
        """Edit the alerts that show how a live goes and were not edited for a while."""
        now = self._clock.now()
        async with self._database.read() as conn:
            due = [
                live.account_id
                for live in await stream_reading.going_on(conn)
                if await _is_due(conn, live, now)
            ]
        if not due:
            return
        async with self._database.write("streams.renew_alerts") as conn:
            for account_id in due:
                for on in await lives.open_lives(conn, account_id=account_id):
                    await say(conn, on.account, on.live_id, on.live, now, in_time=True)
        self._announcements.wake()


def _is_news(live: RecordedLive, now: datetime) -> bool:
    return live.ended_at is not None and now - live.ended_at < NEWS_FOR


def _recap_news(live: RecordedLive, now: datetime) -> News:
    ended_at = live.ended_at or now
    about = Person(platform_id=0, handle=live.handle, nickname=live.nickname)
    facts: dict[str, Value] = {**person_facts(about), "duration": duration(ended_at - live.started_at)}
    if live.peak_viewers is not None:
        facts["peak"] = live.peak_viewers
    return News(
        kind=Kind.RECAP,
        subject=account_subject(live.account_id),
        event_key=recap_key(live.live_id),
        facts=facts,
        began_at=live.started_at,
        expires_after=ended_at + NEWS_FOR - now,
        in_thread_of=event_key(live.live_id),
    )


def recap_key(live_id: int) -> str:
    """Name the recap of a live in the outbox."""
    return f"recap:{live_id}"


async def _is_due(conn: Connection, live: RecordedLive, now: datetime) -> bool:
    """Tell whether an alert waits for viewers, or shows how the live goes and was not edited for a while."""
    if await notified.waits_for_viewers(conn, event_key(live.live_id)):
        return True
    chosen = await stream_choices.of_account(conn, live.account_id)
    if not any(choice.live_edits for choice in chosen.values()):
        return False
    shown = await outbox.delivered(conn, event_key(live.live_id))
    guild_of = await outbox.guilds_of(conn, event_key(live.live_id))
    return any(
        not is_fresh(at, now)
        for channel_id, at in shown.items()
        if chosen.get(guild_of[channel_id], StreamChoice()).live_edits
    )


async def _channels(conn: Connection, live: RecordedLive) -> dict[int, int]:
    """Give the channels that read the recap, with their guilds: those that have it, else those that want it."""
    chosen = await stream_choices.of_account(conn, live.account_id)
    told = set(await outbox.channels_of(conn, recap_key(live.live_id)))
    followers = [
        row
        for row in await subscriptions.load(conn, account_id=live.account_id, active=not told)
        if told or chosen.get(row.guild_id, StreamChoice()).record
    ]
    following = [(row.guild_id, row.channel_id) for row in followers]
    guild_ids = {row.guild_id for row in followers}
    wanted = await places_of(conn, Kind.RECAP, account_subject(live.account_id), following, guild_ids)
    return {channel_id: guild_id for guild_id, channel_id in wanted if channel_id in told or not told}
