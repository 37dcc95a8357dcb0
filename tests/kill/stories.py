"""What the bot lives through while it is killed: a few real stories that together pass every point.

A story drives four processes to an end and says what must stand there then; the oracle does the rest. To reach
a new point, add the line to a story that makes the bot pass it; a new story is one more entry in `STORIES`.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from bot.storage.engine import Database
from bot.storage.migrate import HEAD_REVISION, upgrade
from bot.storage.stream_tables import stream_comments
from tests.kept_streams import FIRST_PERSON, keep_live
from tests.kill import media_story, oracle, profile_queue_story
from tests.kill.mortal import Mortal
from tests.kill.profile_commands_story import CONSTANTS as PROFILE_COMMANDS_CONSTANTS
from tests.kill.profile_commands_story import SETTINGS as PROFILE_COMMANDS_SETTINGS
from tests.kill.profile_commands_story import keep_ben, profile_commands
from tests.kill.profile_report_story import NEWS, reported_profile
from tests.kill.profile_runs_story import profile_runs
from tools.sandbox.discord.world import FIRST_ID
from tools.sandbox.stored import rows_of

ADMIN = FIRST_ID + 2
DELIVERY = ("outbox.", "bot/discord/delivery")
SETTLED = "everything was delivered"
ROUND_1 = "2025-10-26-191725-supply-round-1.txt"
ROUND_2 = "2025-10-26-192624-supply-round-2.txt"
AWARDS = "Most damage given\tana\t3214\n"
PLAYERS = ("A76191C1", "3063A713")  # of round 1
MORE_CHANNELS = """
    INSERT INTO subscriptions (account_id, guild_id, channel_id, created_by, created_at)
    WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 16)
    SELECT account_id, guild_id, number, created_by, created_at FROM numbers, subscriptions
    WHERE id = (SELECT min(id) FROM subscriptions)
"""  # more lines than fit on a page of /live list
A_LIVE_AT = """
    INSERT INTO lives (account_id, phase, started_at, found_at, last_seen_at, ended_at, title, cover_url)
    SELECT id, 'ended', {began}, {began}, {ended}, {ended}, '', '' FROM accounts WHERE handle = 'ana'
"""
A_RECORDING = "UPDATE recordings SET first_connected_at = wanted_at, viewers = 12, comments = 34"
REFUSED = (
    "CREATE TRIGGER broken BEFORE INSERT ON lives BEGIN SELECT RAISE(FAIL, 'on order'); END",
    "DROP TRIGGER broken",
)
REFUSED_BY_SERVER = (
    "ALTER TABLE lives ADD CONSTRAINT broken CHECK (false) NOT VALID",
    "ALTER TABLE lives DROP CONSTRAINT broken",
)
OF_EVERYBODY = (
    "SELECT live_id, sum(gifts), sum(diamonds), sum(comments) FROM contributions GROUP BY 1 ORDER BY 1"
)
WRITTEN_DOWN_LATE = (
    f"INSERT INTO stream_people (person_id, handle, nickname, seen_at) VALUES ({FIRST_PERSON + 3}, 'fan3', '', "
    "(SELECT max(last_seen_at) FROM lives))"
)
RECORDED = (
    (
        "INSERT INTO lives (account_id, phase, started_at, found_at, last_seen_at, ended_at, title, cover_url) "
        "SELECT id, 'ended', added_at - 7200000000, added_at, added_at, added_at, 'Hello', '' FROM accounts"
    ),
    (
        "INSERT INTO recordings (live_id, account_id, state, room_id, wanted_at) "
        "SELECT id, account_id, 'done', 1, started_at FROM lives"
    ),
)
OLD_EXPORT_GOES = "bot/exports/folder forget_old: entry.unlink"
Story = Callable[[Mortal, Path], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Told:
    """A story, its settings, and what is another in its copy of the bot.

    `alone` needs no stand-ins; `paid` needs ScrapeCreators as well, which is all that posts are read from then.
    """

    story: Story
    alone: bool = False
    paid: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


async def set_up(bot: Mortal, **chosen: str) -> None:
    await bot.command("setup", chosen or {"lives": "lives", "rounds": "rounds", "admin": "admin"})
    await bot.until(bot.settled, "the test posts came")


async def follow(bot: Mortal, handle: str = "ana", channel: str = "lives") -> None:
    options = {"user": f"@{handle}", "channel": channel, "role": "Live pings"}
    await bot.command("live add", options)


# --- Lives -------------------------------------------------------------------------------------


async def a_live(bot: Mortal, _: Path) -> None:
    """Set up, follow, found, more viewers, told to a second channel, ended and summed up."""
    tiktok = bot.world.tiktok
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana *star*"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        bot.chapter("found", "live.", *DELIVERY)
        await tiktok.control("POST", "accounts/ana/live", {"title": "Hello", "viewers": 12})
        await bot.until(lambda: bot.stands("lives", "is live"), "the live was announced")
        bot.chapter("viewers", "live.", *DELIVERY)
        await tiktok.control("PATCH", "accounts/ana", {"viewers": 345})
        await bot.until(lambda: viewers_shown(bot, "345"), "the new count was shown")
        await bot.until(lambda: bot.has_passed("live.sweep"), "the rooms were swept")
        bot.chapter("told", *DELIVERY)
        await follow(bot, channel="general")
        await bot.until(lambda: bot.stands("general", "is live"), "the second channel heard of it")
        bot.chapter("ended", "live.", *DELIVERY)
        await tiktok.control("POST", "accounts/ana/end", {})
        await bot.until(lambda: bot.stands("lives", "was live"), "the live was summed up")
        await bot.until(lambda: bot.stands("general", "was live"), "the second channel read the summary")
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("lives") == 1
    for channel in ("lives", "general"):
        (post,) = await bot.posts(channel, "live")
        assert len(post["pinged_roles"]) == 1


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


async def viewers_shown(bot: Mortal, count: str) -> bool:
    (post,) = await bot.stands("lives", "is live")
    return any(value["value"] == count for value in post["embeds"][0]["fields"])


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


async def commands(bot: Mortal, _: Path) -> None:
    """Every command, its refusals and its pages; a profile that cannot be read, a person with a new name."""
    tiktok = bot.world.tiktok
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    await tiktok.control("POST", "accounts", {"handle": "bea", "nickname": "Bea"})
    async with bot.alive():
        await set_up(bot)
        await bot.command("about", by="member", channel="general")
        await bot.command("status")
        await bot.command("rounds sync", by="member", channel="general")
        await bot.command("live check", {"user": "nobody"})
        await follow(bot)
        await bot.command("live check", {"user": "ana"})
        await bot.command("live pause", {"user": "ana"})
        await bot.command("live pause", {"user": "ana", "paused": False})
        await a_profile_that_cannot_be_read(bot)
    await bot.change(MORE_CHANNELS)
    async with bot.alive():
        await bot.until(lambda: turned_a_page(bot), "the second page was shown")
        await bot.until(lambda: buttons_went_away(bot), "the list lost its buttons")
        await tiktok.control("PATCH", "accounts/ana", {"handle": "anna"})
        await bot.until(lambda: is_renamed(bot), "the new name was learnt")
        await bot.command("live remove", {"user": "anna"})
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("subscriptions s JOIN accounts a ON a.id = s.account_id", "a.handle = 'anna'") == 0
    assert await bot.count("subscriptions s JOIN accounts a ON a.id = s.account_id", "a.handle = 'bea'") == 1


async def a_profile_that_cannot_be_read(bot: Mortal) -> None:
    """The page answers 500 until the bot has written that it does."""
    await bot.world.fault(bot.world.tiktok, kind="status", status=500, path="^/@bea", times=1000)
    await follow(bot, "bea")
    await bot.world.tiktok.control("DELETE", "faults")


async def is_renamed(bot: Mortal) -> bool:
    await bot.command("live check", {"user": "ana"})
    return bool(await bot.count("accounts", "handle = 'anna'"))


async def turned_a_page(bot: Mortal) -> bool:
    shown = await bot.command("live list")
    turned = await bot.press(shown, 1)
    return turned is not None


async def buttons_went_away(bot: Mortal) -> bool:
    """Buttons last as long as the bot that made them: after a death the list is asked for again."""
    shown, deaths = await bot.command("live list"), bot.deaths

    async def gone() -> bool:
        messages = await bot.world.discord.control("GET", "messages?channel=admin")
        mine = next(one for one in messages if one["id"] == shown["response"]["id"])
        return not mine["components"] or bot.deaths != deaths

    await bot.until(gone, "the buttons went away")
    return bot.deaths == deaths


async def predictions(bot: Mortal, _: Path) -> None:
    """What admins ask of the plan of checks; a board; a night each four seconds."""
    await bot.world.tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # noqa: TID251 - the bot's clock is this machine's
    asked = (
        ("predict next", {}),
        ("live why", {"user": "ana"}),
        ("predict policy", {"policy": "fixed", "user": "ana"}),
        ("predict policy", {"policy": "roadmap"}),
        ("predict priority", {"user": "ana", "priority": 2.0}),
        ("predict pin", {"user": "ana", "minutes": 60}),
        ("predict boost", {"user": "ana", "hours": 1.0}),
        ("predict freeze", {"user": "ana", "frozen": False}),
        ("predict shadow", {"policy": "fixed"}),
        ("predict scores", {"on": True}),
        ("predict holidays", {"country": "ID"}),
        ("predict event add", {"day": tomorrow.isoformat(), "name": "Fair"}),
        ("predict event list", {}),
        ("predict board", {"channel": "general"}),
    )
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        for name, options in asked:
            await bot.command(name, options)
        ((event,),) = await rows_of(bot.database, "SELECT min(id) FROM special_events")
        await bot.command("predict event remove", {"event": str(event)})
        await bot.until(lambda: bot.has_passed("boards.refresh"), "the board was brought up to date")
        await bot.until(bot.settled, SETTLED)
        await bot.command("predict board", {"channel": "general", "remove": True})
        await bot.until(lambda: bot.has_passed("predictions.keep", "predictions.compare"), "a night was over")
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("status_boards") == 0
    assert await bot.count("account_overrides") == 1
    assert await bot.count("day_scores") == 1


async def an_answer_that_cannot_be_stored(bot: Mortal, _: Path) -> None:
    """The database refuses the live it is told of, until somebody mends it."""
    tiktok = bot.world.tiktok
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    await bot.run("migrate")
    breaking, mending = REFUSED_BY_SERVER if bot.is_on_server else REFUSED
    await bot.change(breaking)
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        await tiktok.control("POST", "accounts/ana/live", {"title": "Hello", "viewers": 12})
        await bot.until(lambda: checked_in_vain(bot), "the answer was put off")
    await bot.change(mending)
    facts = bot.world.discord.facts
    await bot.change(
        "INSERT INTO outbox (event_key, guild_id, channel_id, message, nonce, state, created_at, next_try_at) "
        f"VALUES ('unreadable', {facts['guild']}, {facts['channels']['general']}, '{{}}', 'n', 'pending', 1, 1)"
    )
    async with bot.alive():
        await bot.until(lambda: bot.has_passed("outbox.give_up"), "what cannot be read was given up")
        await bot.command("live check", {"user": "ana"})
        await bot.until(lambda: bot.stands("lives", "is live"), "the live was announced")
        await bot.until(bot.settled, SETTLED)


async def checked_in_vain(bot: Mortal) -> bool:
    await bot.command("live check", {"user": "ana"})
    return await bot.has_passed("live.put_off")


# --- Rounds ------------------------------------------------------------------------------------


async def rounds(bot: Mortal, data: Path) -> None:
    """A backfill, a round, its late partner, their evening, a corrected file, awards, a bad one, a vanished one,
    a server in trouble; a start of a version that makes other rounds of the same files."""
    scene, files = bot.world, data / "etlegacy"
    await scene.write_round(files / "2025-10-23-220633-etl_sp_delivery-round-1.txt", minutes_ago=50)
    async with bot.alive():
        await set_up(bot, rounds="rounds")
        await bot.until(lambda: imported(bot, 1), "the backfill was imported")
        bot.chapter("posted", "rounds.", *DELIVERY)
        second = await scene.write_round(files / ROUND_2, minutes_ago=5)
        await bot.until(lambda: bot.stands("rounds", "round 2"), "the round was posted")
        bot.chapter("late partner", "rounds.", *DELIVERY)
        await scene.write_round(files / ROUND_1, minutes_ago=14)
        await bot.until(lambda: bot.stands("rounds", "round 1"), "the late partner was posted")
        await bot.until(bot.settled, SETTLED)
        bot.chapter("evening", "evenings.", *DELIVERY)
        await bot.until(lambda: bot.stands("rounds", "Evening of"), "the evening was summed up")
        await bot.until(bot.settled, SETTLED)
        bot.chapter("corrected", "rounds.", *DELIVERY)
        await correct(bot, second, (files / ROUND_2).read_text("ascii"))
        await bot.until(lambda: is_corrected(bot, second), "the corrected file was read")
        bot.chapter("awards", "rounds.")
        await scene.gameserver.control(
            "POST", "files", {"name": second.replace(".txt", "-endstats.txt"), "content": AWARDS}
        )
        await bot.until(lambda: bot.count("round_awards"), "the awards were read")
        bot.chapter("trouble")
        await scene.gameserver.control(
            "POST", "files", {"name": round_name(3, "bad"), "content": "no round\n"}
        )
        await scene.gameserver.control("POST", "ghosts", {"name": round_name(4, "gone")})
        await bot.until(lambda: bot.has_passed("rounds.refuse", "rounds.put_off"), "both files were tried")
        await scene.gameserver.control("DELETE", "ghosts")
        await bot.command("rounds sync")
        await bot.command("rounds last", by="member", channel="general")
        await bot.command("rounds scheduler", by="member", channel="general")
        await bot.command("rounds balance", by="member", channel="general")
        await scene.fault(scene.gameserver, kind="refuse", method="list", times=1000)
        await scene.gameserver.control("POST", "disconnect", {})
        await bot.until(lambda: bot.count("sources", "down_since IS NOT NULL"), "the trouble was noted")
        await scene.gameserver.control("DELETE", "faults")
        await bot.until(lambda: server_is_well(bot), "the server was read again")
        await bot.until(bot.settled, SETTLED)
    players = await bot.count("round_players")
    await bot.change("DELETE FROM notes WHERE name LIKE 'rounds-made-by:%'", "DELETE FROM round_players")
    async with bot.alive():
        bot.chapter("made anew", "rounds.")
        await bot.until(
            lambda: bot.count("notes", "name LIKE 'rounds-made-by:%'"), "the rounds were made anew"
        )
    assert await bot.count("round_players") == players > 0
    assert await bot.count("round_awards") == 1
    assert await bot.count("rounds") == 3
    assert len(await bot.posts("rounds", "round")) == 2  # the backfill stays silent
    assert len(await bot.posts("rounds", "Evening of")) == 1


async def imported(bot: Mortal, count: int) -> bool:
    return await bot.count("rounds") == count


async def correct(bot: Mortal, name: str, content: str) -> None:
    """Write the file once more without its last player."""
    lines = content.splitlines(keepends=True)
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the stand-in's files bear this machine's time
    body = {"name": name, "content": "".join(lines[:-1]), "mtime": (now - timedelta(minutes=5)).timestamp()}
    await bot.world.gameserver.control("POST", "files", body)


async def is_corrected(bot: Mortal, name: str) -> bool:
    """The bytes that were kept are as short as the file is now."""
    files = await bot.world.gameserver.control("GET", "files")
    size = next(file["size"] for file in files if file["name"] == name)
    kept = await bot.count(
        "round_files", f"state = 'imported' AND name = '{name}' AND length(content) = {size}"
    )
    return bool(kept) and await bot.settled()


def round_name(round_number: int, map_name: str) -> str:
    return f"2026-01-0{round_number}-120000-{map_name}-round-1.txt"


async def server_is_well(bot: Mortal) -> bool:
    return not await bot.count("sources", "name LIKE 'ssh:%' AND down_since IS NOT NULL")


async def milestones(bot: Mortal, data: Path) -> None:
    """A backfill of last week, its table, and a round that reaches milestones."""
    scene, files = bot.world, data / "etlegacy"
    now = datetime.now(UTC)  # noqa: TID251 - the stand-in's files bear this machine's time
    posted_at = (now - timedelta(hours=10)).replace(hour=0, minute=0)
    last_week = posted_at - timedelta(days=posted_at.weekday() + 2)
    ago = int((now - last_week).total_seconds() / 60)
    await scene.write_round(files / "2025-10-23-220633-etl_sp_delivery-round-1.txt", minutes_ago=ago)
    async with bot.alive():
        await set_up(bot, rounds="rounds")
        await bot.until(lambda: bot.count("milestones"), "what was reached was claimed")
        await bot.until(lambda: bot.stands("rounds", "players of the week"), "the week was posted")
        await scene.write_round(files / ROUND_1, minutes_ago=14)
        await bot.until(lambda: bot.stands("rounds", "milestone"), "the milestones were told")
        await bot.until(bot.settled, SETTLED)
        await bot.command("top players", {"metric": "kills"}, by="member", channel="general")
    assert len(await bot.posts("rounds", "players of the week")) == 1
    told = [post["embeds"][0]["title"] for post in await bot.posts("rounds", "milestone")]
    assert len(told) == len(set(told)) == await bot.count("outbox", "event_key LIKE 'milestone:%'")


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


async def players(bot: Mortal, data: Path) -> None:
    """A round was played; somebody says who they were, after two other thoughts, reads about it, and undoes it."""
    async with bot.alive():
        await bot.world.write_round(data / "etlegacy" / ROUND_1, minutes_ago=14)
        await bot.until(lambda: imported(bot, 1), "the round was imported")
        await bot.until(lambda: thought_otherwise(bot), "nothing was changed")
        await bot.until(lambda: linked(bot), "the link was made")
        await bot.command("player stats", channel="general")
        await bot.command("player compare", {"a": PLAYERS[1]}, channel="general")
        await bot.command("player unlink")
    assert await bot.count("player_links") == 0


async def thought_otherwise(bot: Mortal) -> bool:
    """Cancel is the second button, below the select."""
    asked = await bot.command("player link", {"player": PLAYERS[0]})
    chosen = await bot.press(asked, 0, PLAYERS[0])
    return chosen is not None and await bot.press(asked, 1, row=1) is not None


async def linked(bot: Mortal) -> bool:
    asked = await bot.command("player link", {"player": PLAYERS[0]})
    return await bot.press(asked, 0, row=1) is not None and bool(await bot.count("player_links"))


async def round_admin(bot: Mortal, data: Path) -> None:
    """Everything that admins change about rounds, each change told once in the audit channel."""
    files = data / "etlegacy"
    async with bot.alive():
        await set_up(bot, rounds="rounds", audit="general")
        await bot.until(lambda: bot.count("sources", "name LIKE 'ssh:%'"), "the folder was read")
        await bot.world.write_round(files / ROUND_1, minutes_ago=14)
        await bot.world.write_round(files / ROUND_2, minutes_ago=5)
        await bot.until(lambda: imported(bot, 2), "both rounds were imported")
        ((guid, file_id),) = await rows_of(
            bot.database, "SELECT min(guid), max(file_id) FROM round_players JOIN rounds ON id = round_id"
        )
        asked = (
            ("rounds toggle", {"what": "posts", "on": False}),
            ("rounds toggle", {}),
            ("rounds ignore", {"map": "supply"}),
            ("rounds ignore", {"player": guid}),
            ("rounds void", {"round": str(file_id)}),
            ("rounds restore", {"round": str(file_id)}),
            ("rounds team name", {"team": "A", "name": "Foxes"}),
            ("rounds team player", {"player": guid, "team": "B"}),
            ("rounds team reset", {}),
            ("rounds reimport", {"file": str(file_id)}),
            ("rounds reimport", {"file": str(file_id), "fetch": True}),
            ("rounds audit", {}),
        )
        for name, options in asked:
            await bot.command(name, options)
        await bot.until(bot.settled, SETTLED)
    # What a dead bot had done is so already when it is asked again, but a file is read again.
    assert await bot.count("audit_log", "what NOT LIKE '%made anew%' AND what NOT LIKE '%fetches%'") == 9
    told = await bot.posts("general", "An admin changed something")
    assert len(told) == await bot.count("audit_log") >= 11
    assert await bot.count("rounds", "counted") == 0
    assert await bot.count("evening_teams") + await bot.count("evening_members") == 0


# --- Trouble with channels ---------------------------------------------------------------------


async def channels(bot: Mortal, data: Path) -> None:
    """A channel is closed and opened again; a message is refused for ever; the bot is removed and invited."""
    scene, discord = bot.world, bot.world.discord
    general = discord.facts["channels"]["general"]
    async with bot.alive():
        await set_up(bot)
        bot.chapter("blocked", *DELIVERY)
        await discord.control("POST", "channels/rounds/deny", {"permissions": ["send_messages"]})
        await scene.write_round(data / "etlegacy" / ROUND_1, minutes_ago=14)
        await bot.until(lambda: bot.stands("admin", "cannot post"), "the admins were told")
        bot.chapter("opened", *DELIVERY)
        await discord.control("POST", "channels/rounds/allow", {})
        await bot.until(lambda: bot.stands("rounds", "round 1"), "the round was posted")
        await bot.until(bot.settled, SETTLED)
        bot.chapter("refused", *DELIVERY)
        await a_round_that_is_refused(bot, data)
        bot.chapter("left")
        await bot.until(lambda: left_and_joined(bot), "Discord told of a removal and a return")
        await bot.until(bot.settled, SETTLED)
        bot.chapter("too late", *DELIVERY)
        await a_post_whose_answer_is_lost(bot)
        await a_test_post_that_is_refused(bot)
    await bot.change("UPDATE outbox SET expires_at = created_at WHERE state IN ('parked', 'pending')")
    async with bot.alive():
        await bot.until(lambda: given_up(bot), "both test posts were given up, tried or not")
        await discord.control("DELETE", "faults")
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("outbox", f"channel_id = {general} AND state <> 'delivered'") == 0
    assert await bot.count("outbox", "state = 'dead'") == 1


async def given_up(bot: Mortal) -> bool:
    return await bot.count("outbox", "state = 'expired'") >= 2


async def left_and_joined(bot: Mortal) -> bool:
    """A bot that dies or connects meanwhile is not told, so this may have to happen again."""
    for order, then in (("kick", "left_at IS NOT NULL"), ("invite", "left_at IS NULL")):
        await bot.until(bot.connected, "the bot was connected")
        await bot.world.discord.control("POST", order, {})
        await bot.until(lambda then=then: bot.count("guilds", then), f"{order} was noted")
    return await bot.has_passed("guilds.left", "guilds.joined")


async def a_round_that_is_refused(bot: Mortal, data: Path) -> None:
    """Discord finds it invalid, every time; the admins see it in /status."""
    refusal = '{"message": "Invalid Form Body", "code": 50035}'
    rounds = bot.world.discord.facts["channels"]["rounds"]
    await bot.world.fault(
        bot.world.discord,
        status=400,
        body=refusal,
        headers={"Content-Type": "application/json"},
        method="POST",
        path=f"/channels/{rounds}/messages$",
        times=1000,
    )
    await bot.world.write_round(data / "etlegacy" / ROUND_2, minutes_ago=5)
    await bot.until(lambda: bot.count("outbox", "state = 'dead'"), "it was given up")
    await bot.world.discord.control("DELETE", "faults")
    status = await bot.command("status")
    assert "finds the message invalid" in str(status["response"]["embeds"])


async def a_post_whose_answer_is_lost(bot: Mortal) -> None:
    """It stands there, which the bot learns only when it looks after its next start."""
    general = bot.world.discord.facts["channels"]["general"]
    path = f"/channels/{general}/messages$"
    await bot.world.fault(bot.world.discord, kind="hang", when="after", method="POST", path=path, times=1000)
    await bot.command("setup", {"lives": "general"})
    await bot.until(lambda: bot.stands("general", "works"), "the test post came")


async def a_test_post_that_is_refused(bot: Mortal) -> None:
    """The admins' own channel is closed, so they are told in a direct message; a second post waits untried."""
    admin = bot.world.discord.facts["channels"]["admin"]
    await bot.world.fault(
        bot.world.discord,
        status=403,
        body='{"message": "Missing Permissions", "code": 50013}',
        headers={"Content-Type": "application/json"},
        method="POST",
        path=f"/channels/{admin}/messages$",
        times=1000,
    )
    await bot.command("setup", {"admin": "admin"})
    await bot.until(lambda: bot.count("outbox", "state = 'parked'"), "the test post was refused")
    await bot.until(lambda: bot.count("outbox", "direct AND state = 'delivered'"), "the admin was told")
    await bot.command("setup", {"admin": "admin"})


# --- What runs at night, and by hand -------------------------------------------------------------


async def nights(bot: Mortal, _: Path) -> None:
    """Backups, tidying and a clock that was set, each second a night."""
    await bot.world.tiktok.control("POST", "accounts", {"handle": "ana"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        await bot.until(lambda: tidied(bot), "a backup was made and the database tidied")


async def tidied(bot: Mortal) -> bool:
    done = ["upkeep.forget_messages", "bot/storage/backup make_backup: old.unlink", "clock.shift"]
    if not bot.is_on_server:
        done.append("bot/storage/engine Database.checkpoint: driver.execute")
    return await bot.has_passed(*done)


async def old_lives(bot: Mortal, _: Path) -> None:
    """Lives of long ago are summed, archived and deleted, the file shrinks, and whoever asks is forgotten.

    Each second is a night.
    """
    await bot.run("migrate")
    if not bot.is_on_server:
        make_file_of_older_version(Path(bot.settings["DATA_FOLDER"]) / "vedette.db")
    now = datetime.now(UTC)  # noqa: TID251 - the bot's clock is this machine's
    database = Database.open(bot.database)
    async with database.write("test.lives") as conn:
        old = await keep_live(conn, started_at=now - timedelta(days=95), minutes=300)
        await keep_live(conn, started_at=now - timedelta(days=40), handle="bea", minutes=300)
        await keep_live(conn, started_at=now - timedelta(days=1), handle="cleo", minutes=20)
        await conn.execute(
            insert(stream_comments).values(
                live_id=old.live_id, message_id=1, person_id=1, at=old.started_at, words="x"
            )
        )
    await database.close()
    gifts = await bot.count("stream_gifts", f"live_id = {old.live_id}")
    given = await rows_of(bot.database, OF_EVERYBODY)
    async with bot.alive():
        await set_up(bot)
        await bot.until(lambda: is_archived(bot), "the old live was archived and deleted")
        await bot.until(lambda: forgotten(bot), "somebody was forgotten")
    await bot.change(WRITTEN_DOWN_LATE)
    async with bot.alive():
        await bot.until(lambda: swept(bot), "whom the recorder wrote down late was forgotten again")
        await bot.until(lambda: recorded_again(bot), "somebody is recorded again")
        await bot.until(lambda: told_of_it(bot), "an admin was told that somebody is forgotten")
        await bot.until(bot.settled, SETTLED)
    archived = [row for file in archives(bot) for row in gzip.decompress(file.read_bytes()).splitlines()]
    assert sum(json.loads(row)["table"] == "stream_gifts" for row in archived) == gifts > 0
    assert len(archived) == len(set(archived))  # nothing twice
    assert await bot.count("stream_archives") == len(archives(bot)) == 1
    assert await bot.count("stream_comments") == 0
    assert await bot.count("stream_minutes", "minutes = 1") == 20
    assert await rows_of(bot.database, OF_EVERYBODY) == given


async def told_of_it(bot: Mortal) -> bool:
    """Each death between the deletion and the word of it takes one more person."""
    told = "bot/discord/confirming Confirmation.confirm: interaction.edit_original_response"
    for number in range(5, 10):
        asked = await bot.command("privacy delete", {"user": f"fan{number}"})
        if asked["response"].get("components"):
            deaths = bot.deaths

            async def is_over(deaths: int = deaths) -> bool:
                return bot.deaths != deaths or await bot.has_passed(told)

            await bot.press(asked, 0)
            await bot.until(is_over, "the admin was told, or the bot died over it")
            break
    return await bot.has_passed(told)


def make_file_of_older_version(file: Path) -> None:
    """Turn a database into one that cannot shrink by steps."""
    with closing(sqlite3.connect(file, isolation_level=None)) as plain:
        for order in ("PRAGMA journal_mode = DELETE", "PRAGMA auto_vacuum = 0", "VACUUM"):
            plain.execute(order)


def archives(bot: Mortal) -> list[Path]:
    return sorted((Path(bot.settings["DATA_FOLDER"]) / "archive").glob("lives-*"))


async def is_archived(bot: Mortal) -> bool:
    done = ["retention.size"]
    if not bot.is_on_server:
        made_smaller = "bot/storage/engine Database.make_smaller: driver.execute"
        done += [made_smaller, f"{made_smaller} #2"]
    left = await bot.count(
        "stream_minutes m JOIN stream_archives a ON a.lives LIKE '%\"' || m.live_id || '\"%'"
    )
    return not left and await bot.has_passed(*done)


async def forgotten(bot: Mortal) -> bool:
    """First somebody thinks otherwise."""
    for button in (1, 0):
        if await is_forgotten(bot):
            return True
        asked = await bot.command("privacy delete", {"user": "fan3"})
        # Whoever is being forgotten just now is asked about no more.
        if asked is None or not asked["response"].get("components"):
            return False
        if await bot.press(asked, button) is None:
            return False
    return await is_forgotten(bot)


async def is_forgotten(bot: Mortal) -> bool:
    return bool(await bot.count("forgotten_people")) and not await bot.count(
        "stream_people", "handle = 'fan3'"
    )


async def swept(bot: Mortal) -> bool:
    return await is_forgotten(bot) and await bot.has_passed("privacy.sweep")


async def recorded_again(bot: Mortal) -> bool:
    await bot.command("privacy restore", {"user": str(FIRST_PERSON + 3)})
    return not await bot.count("forgotten_people")


async def exports(bot: Mortal, _: Path) -> None:
    """A recorded live as files that are too large for Discord, and that grow old at once."""
    await bot.world.tiktok.control("POST", "accounts", {"handle": "ana"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
    await bot.change(*RECORDED)
    async with bot.alive():
        await bot.command("export range")
        ((live,),) = await rows_of(bot.database, "SELECT min(live_id) FROM recordings")
        shown = await bot.command("export stream", {"live": str(live), "format": "csv"})
        assert "_csv.zip`: 0.0 MB" in shown["response"]["content"], shown["response"]["content"]
        await bot.until(lambda: bot.has_passed(OLD_EXPORT_GOES), "an old export was deleted")
    await keep_ben(bot)
    async with bot.alive():
        await bot.command("export profile", {"account": "ben", "format": "csv"})


async def by_hand(bot: Mortal, _: Path) -> None:
    """An empty database, a look at it, backups until one goes, their proof; leftovers of long ago."""
    await bot.run("migrate")
    await bot.run("check", ok=(1,))
    backups = bot.folder / "data" / "backups"
    (backups / ".unfinished-long-ago").mkdir(parents=True)
    (backups / "vedette-20200101T000000Z.db.json").write_text("{}", "utf-8")
    for left in backups.iterdir():
        os.utime(left, (0, 0))
    for _ in range(3):
        await bot.run("backup")
        await bot.run("backup", "--verify")
    assert len(oracle.backups_are_whole(backups)) == 2
    assert not [left for left in backups.iterdir() if "long-ago" in left.name or "2020" in left.name]


async def a_new_schema(bot: Mortal, _: Path) -> None:
    """A database of this version meets a version with one more revision; a backup is made before."""
    backups = bot.folder / "data" / "backups"
    now = datetime(2026, 11, 21, tzinfo=UTC)
    await upgrade(bot.database, backups, now, keep=3)
    await bot.change("INSERT INTO notes (name, value) VALUES ('kept', 'yes')")
    await bot.run("migrate")
    assert await bot.count("alembic_version", f"version_num = '{NEXT}'") == 1
    assert await bot.count("notes", "name IN ('kept', 'new')") == 2
    assert {made.revision for made in oracle.backups_are_whole(backups)} == {HEAD_REVISION}


async def a_trusted_host(bot: Mortal, _: Path) -> None:
    """A person pins the key of the game server; whoever reads the file finds the old keys or the new ones."""
    known_hosts = Path(bot.settings["DATA_FOLDER"]) / "known_hosts"
    line = known_hosts.read_text("utf-8")
    known_hosts.write_text(f"elsewhere.example {line.partition(' ')[2]}", "utf-8")
    await bot.run("trust-host", "sandbox", "--fingerprint", bot.world.gameserver.facts["fingerprint"])
    assert line in known_hosts.read_text("utf-8")
    assert "elsewhere.example" in known_hosts.read_text("utf-8")


NEXT = f"{int(HEAD_REVISION) + 1:04}"
A_REVISION = f"""
from alembic import op
import sqlalchemy as sa

revision, down_revision = "{NEXT}", "{HEAD_REVISION}"


def upgrade():
    op.create_table("next_things", sa.Column("id", sa.Integer, primary_key=True), sqlite_strict=True)
    with op.batch_alter_table("notes") as notes:
        notes.add_column(sa.Column("more", sa.Text))
    op.execute("INSERT INTO notes (name, value) VALUES ('new', 'yes')")
"""

STORIES = {
    "a live": Told(story=a_live),
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
            "bot/services/stream_telling.py LOOK_EVERY": "timedelta(seconds=1)",
        },
    ),
    "commands": Told(story=commands, constants={"bot/discord/views.py LIFETIME_SECONDS": "1.0"}),
    "predictions": Told(
        story=predictions,
        settings={"OWNER_ID": str(ADMIN)},
        constants={
            "bot/jobs/schedule.py QUIET_TIME": "{'second': '*/4'}",
            "bot/services/prediction_log.py SOON": "timedelta(seconds=1)",
        },
    ),
    "rounds": Told(
        story=rounds,
        constants={
            "bot/core/rounds/evenings.py GAP": "timedelta(minutes=3)",
            "bot/services/evenings.py LOOK_EVERY": "timedelta(seconds=1)",
        },
    ),
    "players": Told(story=players),
    "round admin": Told(story=round_admin),
    "milestones": Told(
        story=milestones,
        constants={
            "bot/core/rounds/milestones.py THRESHOLDS": "{'rounds': (1, 2)}",
            "bot/core/rounds/weekly.py WEEK_IS_NEWS_FOR": "timedelta(days=8)",
            "bot/services/weekly_players.py LONGEST_SLEEP": "timedelta(seconds=1)",
        },
    ),
    "week of lives": Told(
        story=week_of_lives,
        constants={
            "bot/core/streams/weekly.py IS_NEWS_FOR": "timedelta(days=7)",
            "bot/services/weekly_streams.py LONGEST_SLEEP": "timedelta(seconds=1)",
        },
    ),
    "reported profile": Told(story=reported_profile, constants=NEWS),
    "profile commands": Told(
        story=profile_commands, settings=PROFILE_COMMANDS_SETTINGS, constants=PROFILE_COMMANDS_CONSTANTS
    ),
    "channels": Told(story=channels),
    "an answer that cannot be stored": Told(story=an_answer_that_cannot_be_stored),
    "nights": Told(
        story=nights,
        settings={"BACKUPS_KEPT": "2"},
        constants={
            "bot/jobs/schedule.py NIGHTLY_BACKUP": "CronTrigger(second='*', timezone=UTC)",
            "bot/jobs/schedule.py NIGHTLY_TIDYING": "CronTrigger(second='*', timezone=UTC)",
            "bot/clock.py SLACK": "timedelta(0)",  # every drift is a step
            "bot/services/timekeeping.py LOOK_EVERY": "timedelta(seconds=1)",
        },
    ),
    "old lives": Told(
        story=old_lives,
        settings={"OWNER_ID": str(ADMIN)},
        constants={
            "bot/jobs/schedule.py NIGHTLY_RETENTION": "CronTrigger(second='*', timezone=UTC)",
            "bot/jobs/schedule.py NIGHTLY_TIDYING": "CronTrigger(second='*', timezone=UTC)",
            "bot/core/sizes.py LEAST_FREE": "0",
            "bot/core/sizes.py FREE_SHARE": "0.0",
        },
    ),
    "profile queue": Told(
        story=profile_queue_story.a_queue,
        constants=profile_queue_story.CONSTANTS,
        files=profile_queue_story.FILES,
    ),
    "old posts": Told(story=media_story.old_posts, constants=media_story.OF_OLD_POSTS),
    "media": Told(
        story=media_story.pictures,
        settings=media_story.SETTINGS_OF_MEDIA,
        constants=media_story.OF_MEDIA,
        files=media_story.FILES_OF_MEDIA,
    ),
    "exports": Told(
        story=exports,
        constants={
            "bot/discord/files.py LARGEST_BYTES": "0",
            "bot/discord/files.py PROGRESS_SECONDS": "600.0",  # what is answered is the end
            "bot/exports/folder.py KEPT": "timedelta(0)",
            "bot/jobs/schedule.py NIGHTLY_TIDYING": "CronTrigger(second='*', timezone=UTC)",
        },
    ),
    "by hand": Told(story=by_hand, alone=True, settings={"BACKUPS_KEPT": "2"}),
    "a new schema": Told(
        story=a_new_schema,
        alone=True,
        constants={"bot/storage/migrate.py HEAD_REVISION": repr(NEXT)},
        files={f"bot/storage/migrations/versions/{NEXT}_next.py": A_REVISION},
    ),
    "a trusted host": Told(story=a_trusted_host),
    "profile runs": Told(
        story=profile_runs,
        paid=True,
        settings={"MEDIA_MEGABYTES": "0", "PROFILE_PAGE_SECONDS": "0"},
        constants={"bot/core/jobs.py MOST_STARTS": "1000"},
    ),
}
