"""Rounds: read, posted, corrected, summed up, and what players reach in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.kill.mortal import Mortal
from tests.kill.stories.telling import DELIVERY, ROUND_1, ROUND_2, SETTLED, Told, imported, set_up

AWARDS = "Most damage given\tana\t3214\n"


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


TOLD = {
    "rounds": Told(
        story=rounds,
        constants={
            "bot/core/rounds/evenings.py GAP": "timedelta(minutes=3)",
            "bot/services/evenings.py LOOK_EVERY": "timedelta(seconds=1)",
        },
    ),
    "milestones": Told(
        story=milestones,
        constants={
            "bot/core/rounds/milestones.py THRESHOLDS": "{'rounds': (1, 2)}",
            "bot/core/rounds/weekly.py WEEK_IS_NEWS_FOR": "timedelta(days=8)",
            "bot/services/weekly_players.py LONGEST_SLEEP": "timedelta(seconds=1)",
        },
    ),
}
