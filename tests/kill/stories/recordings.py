"""Lives that are recorded, and what is told of the week's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.kill.mortal import Mortal
from tests.kill.stories.telling import SETTLED, Told, follow, set_up
from tools.sandbox.stored import rows_of

A_LIVE_AT = """
    INSERT INTO lives (account_id, phase, started_at, found_at, last_seen_at, ended_at, title, cover_url)
    SELECT id, 'ended', {began}, {began}, {ended}, {ended}, '', '' FROM accounts WHERE handle = 'ana'
"""
A_RECORDING = "UPDATE recordings SET first_connected_at = wanted_at, viewers = 12, comments = 34"


async def a_recorded_live(bot: Mortal, _: Path) -> None:
    """Its recording is switched, stopped and begun by hand; its alert shows figures; its recap comes once."""
    tiktok = bot.world.tiktok
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        await tiktok.control("POST", "accounts/ana/live", {"title": "Hello", "viewers": 12})
        await bot.until(lambda: bot.stands("lives", "is live"), "the live was announced")
        await bot.command("stream settings", {"user": "ana", "live_edits": True})
        await bot.command("stream stop", {"user": "ana"})
        await bot.command("stream start", {"user": "ana"})
        await bot.until(lambda: is_stopped(bot), "the recording was stopped")
    await bot.change(A_RECORDING)
    async with bot.alive():
        await bot.until(lambda: figures_shown(bot), "the alert showed figures")
        await bot.until(lambda: bot.has_passed("streams.renew_alerts"), "they were renewed without a look")
        for name, options in (("now", {}), ("history", {"user": "ana"}), ("correlation", {"user": "ana"})):
            await bot.command(f"stream {name}", options, by="member", channel="general")
        await tiktok.control("POST", "accounts/ana/end", {})
        await bot.until(lambda: bot.stands("lives", "Recap"), "the live was summed up")
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("stream_choices", "live_edits") == 1
    assert await bot.count("stream_findings") == 1
    (recap,) = await bot.posts("lives", "Recap")
    assert recap["pinged_roles"] == []


async def is_stopped(bot: Mortal) -> bool:
    """Nobody but us writes about the recording from here on."""
    await bot.command("stream stop", {"user": "ana"})
    return bool(await bot.count("recordings", "state = 'stopped'"))


async def figures_shown(bot: Mortal) -> bool:
    (post,) = await bot.stands("lives", "is live")
    return any(value["name"] == "Gifts so far" for value in post["embeds"][0]["fields"])


async def a_watched_live(bot: Mortal, _: Path) -> None:
    """A live is recorded while the bot and its recorder die, together and alone: nothing that was saved is lost."""
    tiktok = bot.world.tiktok
    await tiktok.control("POST", "quota", {name: {"max": 1000} for name in ("minute", "hour", "day")})
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana *star*"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        await tiktok.control("POST", "accounts/ana/live", {"title": "Hello", "viewers": 12})
        for count in range(1, 4):
            await bot.until(lambda count=count: roses_are_kept(bot, count), f"{count} roses were kept")
        await bot.until(lambda: lost_its_recorder(bot), "the recorder died alone")
        await bot.until(lambda: roses_are_kept(bot, 4), "another one took over")
        await tiktok.control("POST", "accounts/ana/end", {})
        await bot.until(lambda: bot.count("recordings", "state = 'done' AND holder = ''"), "it was done")
        await bot.until(bot.settled, SETTLED)
    assert await rows_of(bot.database, "SELECT gifts, diamonds, people FROM recordings") == [(4, 4, 1)]
    assert await rows_of(bot.database, "SELECT gifts, diamonds FROM contributions WHERE gifts > 0") == [
        (4, 4)
    ]
    assert await rows_of(bot.database, "SELECT count FROM stream_gifts") == [(4,)]
    assert await bot.count("lives") == 1


async def roses_are_kept(bot: Mortal, count: int) -> bool:
    """One streak goes on; a message that came while nobody listened is missing, and its roses are not."""
    if not await bot.count("recordings", f"gifts >= {count}"):
        step = {"steps": [count], "group_id": 77, "end": False, "count": count}
        rose = {"kind": "gift", "user": "fan", "gift": "Rose", **step}
        await bot.world.tiktok.control("POST", "rooms/ana/events", [rose])
    return bool(await bot.count("recordings", f"gifts = {count}"))


async def lost_its_recorder(bot: Mortal) -> bool:
    """Kill it until the bot has passed what it does then."""
    for recorder in bot.recorders():
        recorder.kill()
    return await bot.has_passed("streams.free")


async def week_of_lives(bot: Mortal, _: Path) -> None:
    """Somebody was live last week, which is told on Monday; a member asks who gave."""
    await bot.world.tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
    now = datetime.now(UTC)  # noqa: TID251 - the week is that of this machine's calendar
    monday = (now - timedelta(hours=10)).replace(hour=0, minute=0, second=0, microsecond=0)
    began = monday - timedelta(days=monday.weekday() + 2)
    microseconds = int(began.timestamp()) * 1_000_000
    await bot.change(A_LIVE_AT.format(began=microseconds, ended=microseconds + 3_600_000_000))
    async with bot.alive():
        await bot.until(lambda: bot.stands("lives", "lives of the week"), "the week was told")
        await bot.command("top gifters", {"period": "all_time"}, by="member", channel="general")
        await bot.until(bot.settled, SETTLED)
    assert len(await bot.posts("lives", "lives of the week")) == 1


TOLD = {
    "a watched live": Told(
        story=a_watched_live,
        settings={"RECORD_LIVES": "true"},
        constants={"bot/jobs/recorder_process.py PAUSES": "(0.1,)"},
    ),
    "a recorded live": Told(
        story=a_recorded_live,
        settings={"RECORD_LIVES": "true"},
        constants={
            "bot/services/live_state.py EDIT_EVERY": "timedelta(seconds=1)",
            # Its alert changes once a minute, and a check each second may see that first: then no point is passed.
            "bot/services/stream_telling.py LOOK_EVERY": "timedelta(seconds=0.1)",
        },
    ),
    "week of lives": Told(
        story=week_of_lives,
        constants={
            "bot/core/streams/weekly.py IS_NEWS_FOR": "timedelta(days=7)",
            "bot/services/weekly_streams.py LONGEST_SLEEP": "timedelta(seconds=1)",
        },
    ),
}
