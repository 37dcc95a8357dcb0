"""The story of a profile that is reported every day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.storage.engine import Database
from tests.kept_posts import keep_profile
from tests.kill.mortal import Mortal
from tests.kill.stories.telling import Told
from tools.sandbox.stored import rows_of

NEWS = {
    # Whenever the story is told, one report is due; the next one is not.
    "bot/core/posts/report.py _NEWS_FOR": "{one: timedelta(days=1) for one in ReportEvery}",
    "bot/services/profile_reports.py LONGEST_SLEEP": "timedelta(seconds=1)",
}
TITLE = "The day of Ana"


async def reported_profile(bot: Mortal, _: Path) -> None:
    """An admin wants a report every day; the one that is due is told once, whoever dies over it."""
    async with bot.alive():
        await bot.command("setup", {"lives": "lives", "rounds": "rounds", "admin": "admin"})
        await bot.until(bot.settled, "the test posts came")
    ((guild_id,),) = await rows_of(bot.database, "SELECT guild_id FROM guilds")
    now = datetime.now(UTC)  # noqa: TID251 - the day is that of this machine's calendar
    database = Database.open(bot.database)
    async with database.write("test.profile") as conn:
        every = timedelta(hours=6)
        await keep_profile(conn, guild_id=guild_id, started_at=now - 19 * every, runs=20, every=every)
    await database.close()
    async with bot.alive():
        await bot.command("profile report", {"user": "ana", "every": "daily", "channel": "lives"})
        await bot.until(bot.settled, "the change was told")
    assert not await bot.posts("lives", TITLE)
    await bot.change("UPDATE profile_watches SET report_since = created_at - 345600000000")
    async with bot.alive():
        await bot.until(lambda: bot.stands("lives", TITLE), "the day was told")
        await bot.until(bot.settled, "everything was delivered")
    (report,) = await bot.posts("lives", TITLE)
    assert report["pinged_roles"] == []
    assert await bot.count("outbox", "event_key LIKE 'profile-report:%'") == 1


TOLD = {
    "reported profile": Told(story=reported_profile, constants=NEWS),
}
