"""What was told in the past and would be told again at the start if nobody knew: it stands as delivered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.delivery import Event, Result
from bot.core.posts.models import ReportEvery
from bot.jobs.schedule import monday_mornings, mornings
from bot.services.announcements import Announcements
from bot.services.profile_reports import ProfileReports
from bot.services.weekly_players import WeeklyPlayers
from bot.services.weekly_streams import WeeklyStreams
from bot.storage.engine import Database
from tools.past.clock import SetClock
from tools.past.rounds import game_servers

TOLD_AT = timedelta(hours=10, seconds=5)
"""In the morning, local time, weeks and days are told."""
USD_PER_DIAMOND = 0.005
_DISCORD_EPOCH_MS = 1_420_070_400_000


async def tell_as_then(
    database: Database, guild_id: int, zone: str, *, since: datetime, until: datetime, clock: SetClock
) -> int:
    """Tell the last week, and the last day, as the bot did then; gives how many messages that were."""
    announcements = Announcements(database, clock)
    reports = ProfileReports(
        database=database,
        announcements=announcements,
        clock=clock,
        calendars={ReportEvery.DAY: mornings, ReportEvery.WEEK: monday_mornings},
    )
    players = WeeklyPlayers(
        database=database, announcements=announcements, servers=game_servers(guild_id), clock=clock
    )
    streams = WeeklyStreams(
        database=database,
        announcements=announcements,
        clock=clock,
        calendar=monday_mornings,
        usd_per_diamond=USD_PER_DIAMOND,
    )
    today = until.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    steps: list[tuple[datetime, Callable[[], Awaitable[datetime]]]] = [
        *[(monday, step) for step in (players.step, streams.step)],
        (today, reports.step),
    ]
    told = 0
    for day, step in steps:
        at = (day + TOLD_AT).astimezone(UTC)
        if since < at < until:
            clock.set(at)
            await step()
            told += await _deliver(announcements, clock)
    clock.set(until)
    return told


async def _deliver(announcements: Announcements, clock: SetClock) -> int:
    """Note all that waits as posted."""
    count = 0
    while messages := await announcements.due():
        for message in messages:
            await announcements.begin(message)
            await announcements.settle(
                message, Result(event=Event.SENT, message_id=_snowflake(clock.now(), count))
            )
            count += 1
    return count


def _snowflake(at: datetime, number: int) -> int:
    return (int(at.timestamp() * 1000) - _DISCORD_EPOCH_MS + 800) << 22 | number
